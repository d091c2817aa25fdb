package issuer

import (
	"cmp"
	"net/http"
	"strings"
	"time"
)

// maxLife bounds what a test may ask for; a negative life makes a token that
// has expired already.
const maxLife = 30 * 24 * time.Hour

type localTokenRequest struct {
	Email         string `json:"email"`
	Name          string `json:"name"`
	EmailVerified *bool  `json:"emailVerified"`
	Sub           string `json:"sub"`

	ClientID string `json:"clientId"`
	Scope    string `json:"scope"`

	ExpiresInSeconds *int64 `json:"expiresInSeconds"`
}

type localTokenAnswer struct {
	Token     string `json:"token"`
	ExpiresAt string `json:"expiresAt"`
}

// check says in words what is wrong with the request.
func (q localTokenRequest) check() string {
	someone := q.Email != "" || q.Name != "" || q.EmailVerified != nil || q.Sub != ""
	client := q.ClientID != "" || q.Scope != ""
	switch {
	case someone && client:
		return "Send email and name for a person's token, or clientId and scope for a client's, not both."
	case client && !validClientID(q.ClientID):
		return "clientId must be 1 to 128 printable characters without spaces."
	case client && !printable(q.Scope):
		return "scope must be printable."
	case !client && q.Email == "":
		return "Send email and name for a person's token, or clientId and scope for a client's."
	case !client && !validEmail(strings.TrimSpace(q.Email)):
		return "email is no email address."
	case len(q.Sub) > 255 || len(q.Name) > 255:
		return "name and sub have 255 bytes at most."
	case q.ExpiresInSeconds != nil && (*q.ExpiresInSeconds > int64(maxLife/time.Second) ||
		*q.ExpiresInSeconds < -int64(maxLife/time.Second)):
		return "expiresInSeconds is out of range."
	}
	return ""
}

func validClientID(id string) bool {
	return id != "" && len(id) <= 128 && printable(id) && !strings.Contains(id, " ")
}

// localToken hands a token to whoever asks: for tests and the command line.
func (i *Issuer) localToken(w http.ResponseWriter, r *http.Request) {
	var q localTokenRequest
	if err := decodeStrict(r, &q); err != nil {
		writeProblem(w, http.StatusBadRequest, "invalid_json", "The body must be one JSON object with known members: "+err.Error())
		return
	}
	if wrong := q.check(); wrong != "" {
		writeProblem(w, http.StatusBadRequest, "invalid_request", wrong)
		return
	}
	life := tokenLife
	if q.ExpiresInSeconds != nil {
		life = time.Duration(*q.ExpiresInSeconds) * time.Second
	}
	if q.ClientID != "" {
		token, expires, err := i.accessToken(q.ClientID, q.ClientID, q.Scope, life)
		i.answerToken(w, token, expires, err)
		return
	}
	email := strings.TrimSpace(q.Email)
	known, _ := i.accounts.byEmail(email)
	token, expires, err := i.idToken(person{
		Account: Account{
			Sub:   cmp.Or(q.Sub, known.Sub, subjectFor(email)),
			Email: email,
			Name:  cmp.Or(q.Name, known.Name),
		},
		verified: q.EmailVerified == nil || *q.EmailVerified,
		authTime: i.now(),
	}, life)
	i.answerToken(w, token, expires, err)
}

func (i *Issuer) answerToken(w http.ResponseWriter, token string, expires time.Time, err error) {
	if err != nil {
		i.log.Error("issuer: token", "error", err)
		writeProblem(w, http.StatusInternalServerError, "internal", "The token could not be made.")
		return
	}
	writeJSON(w, http.StatusOK, localTokenAnswer{Token: token, ExpiresAt: expires.UTC().Format(time.RFC3339)})
}
