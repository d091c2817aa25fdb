package issuer

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"
)

// refusal is why a sign-in or sign-up didn't happen, for a form and for JSON.
type refusal struct {
	Status int
	Code   string
	Field  string // "name", "email", or "" for neither
	Text   string
	Switch bool // the other page is the way on
}

type credentials struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

func (c credentials) trimmed() credentials {
	return credentials{Name: strings.TrimSpace(c.Name), Email: strings.TrimSpace(c.Email)}
}

func (i *Issuer) signIn(c credentials) (Account, *refusal) {
	if !validEmail(c.Email) {
		return Account{}, badEmail()
	}
	a, ok := i.accounts.byEmail(c.Email)
	if !ok {
		return Account{}, &refusal{http.StatusNotFound, "no_account", "email", "There is no account for " + c.Email + " yet.", true}
	}
	return a, nil
}

func (i *Issuer) signUp(ctx context.Context, c credentials) (Account, *refusal) {
	switch {
	case c.Name == "" || len(c.Name) > 200 || !printable(c.Name):
		return Account{}, &refusal{http.StatusUnprocessableEntity, "invalid_name", "name", "Enter your name: up to 200 characters.", false}
	case !validEmail(c.Email):
		return Account{}, badEmail()
	}
	a := Account{Sub: subjectFor(c.Email), Email: c.Email, Name: c.Name}
	err := i.accounts.create(ctx, a, i.onSignUp)
	if errors.Is(err, errAccountExists) {
		return Account{}, &refusal{http.StatusConflict, "account_exists", "email", "There is an account for " + c.Email + " already.", true}
	}
	if err != nil {
		i.log.Error("issuer: sign-up failed", "error", withoutEmail(err.Error(), c.Email))
		return Account{}, &refusal{http.StatusBadGateway, "sign_up_failed", "", "The account could not be made. The log says why; try again.", false}
	}
	i.log.Info("issuer: account made")
	return a, nil
}

func badEmail() *refusal {
	return &refusal{http.StatusUnprocessableEntity, "invalid_email", "email", "Enter an email address, like name@example.com.", false}
}

// withoutEmail keeps a hook's error from carrying the person into the log.
func withoutEmail(message, email string) string {
	return strings.NewReplacer(email, "(email)", canonical(email), "(email)").Replace(message)
}

func (i *Issuer) admit(r *http.Request, m mode, c credentials) (Account, *refusal) {
	if m == modeSignup {
		return i.signUp(r.Context(), c.trimmed())
	}
	return i.signIn(c.trimmed())
}

func (i *Issuer) showForm(m mode) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		flow, err := i.flow(r)
		if err != nil {
			i.refuseAuth(w, r, err)
			return
		}
		if flow == nil {
			redirect(w, r, "/") // the dashboard, which knows where it wants to go
			return
		}
		i.formPage(w, http.StatusOK, form{mode: m, flow: flow, query: r.URL.Query(), name: flow.name, email: flow.loginHint})
	}
}

func (i *Issuer) submit(m mode) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
			i.submitJSON(w, r, m)
			return
		}
		flow, err := i.flow(r)
		if err != nil {
			i.refuseAuth(w, r, err)
			return
		}
		if err := r.ParseForm(); err != nil {
			i.failPage(w, http.StatusBadRequest, "The form could not be read.")
			return
		}
		c := credentials{Name: r.PostForm.Get("name"), Email: r.PostForm.Get("email")}
		a, refused := i.admit(r, m, c)
		if refused != nil {
			i.formPage(w, refused.Status, form{mode: m, flow: flow, query: r.URL.Query(), name: c.Name, email: c.Email, refused: refused})
			return
		}
		s, err := i.startSession(w, r, a)
		switch {
		case err != nil:
			i.log.Error("issuer: session", "error", err)
			i.failPage(w, http.StatusInternalServerError, "The session could not be started.")
		case flow != nil:
			i.finishAuth(w, r, *flow, s)
		default:
			redirect(w, r, "/")
		}
	}
}

// submitJSON is for programs, which want an account and no page.
func (i *Issuer) submitJSON(w http.ResponseWriter, r *http.Request, m mode) {
	var c credentials
	if err := decodeStrict(r, &c); err != nil {
		writeProblem(w, http.StatusBadRequest, "invalid_json", "The body must be one JSON object with email, and name to sign up.")
		return
	}
	a, refused := i.admit(r, m, c)
	if refused != nil {
		writeProblem(w, refused.Status, refused.Code, refused.Text)
		return
	}
	if _, err := i.startSession(w, r, a); err != nil {
		i.log.Error("issuer: session", "error", err)
		writeProblem(w, http.StatusInternalServerError, "internal", "The session could not be started.")
		return
	}
	writeJSON(w, http.StatusOK, a)
}
