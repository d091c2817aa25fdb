package mailbox

import (
	"fmt"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Account is the state of an account at SES. The zero value has production
// access, no limits and no verified sender.
type Account struct {
	// Identities are the domains and addresses that are verified.
	Identities []string
	// Sandbox accepts mail to verified identities and the mailbox simulator
	// only, at most 200 a day and one a second.
	// https://docs.aws.amazon.com/ses/latest/dg/request-production-access.html
	Sandbox bool
	// PerSecond is the sending rate, in recipients; bursts may have twice as
	// many. 0 is no limit.
	PerSecond float64
	// PerDay is the number of recipients in any 24 hours; 0 is no limit.
	PerDay int
	// ConfigurationSets are the existing ones; nil accepts every name.
	ConfigurationSets []string
	// Paused reports whether sending is paused for the account.
	Paused bool
}

const (
	sandboxPerDay    = 200
	sandboxPerSecond = 1
)

func (a Account) limits() (perSecond float64, perDay int) {
	if !a.Sandbox {
		return a.PerSecond, a.PerDay
	}
	perSecond, perDay = sandboxPerSecond, sandboxPerDay
	if a.PerSecond > 0 {
		perSecond = min(perSecond, a.PerSecond)
	}
	if a.PerDay > 0 {
		perDay = min(perDay, a.PerDay)
	}
	return perSecond, perDay
}

// verified reports whether an identity covers an address: the address, its
// domain, or a parent domain.
func (a Account) verified(address string) bool {
	address = strings.ToLower(address)
	_, domain, _ := strings.Cut(address, "@")
	for _, identity := range a.Identities {
		identity = strings.ToLower(identity)
		if identity == address || identity == domain || strings.HasSuffix(domain, "."+identity) {
			return true
		}
	}
	return false
}

// refusal is an error response of SES.
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
type refusal struct {
	status        int
	code, message string
}

func badRequest(format string, a ...any) *refusal {
	return &refusal{http.StatusBadRequest, "BadRequestException", fmt.Sprintf(format, a...)}
}

// refuse returns why SES rejects a mail, or nil.
func (a Account) refuse(in request) *refusal {
	if r := in.malformed(); r != nil {
		return r
	}
	if a.Paused {
		return &refusal{http.StatusBadRequest, "SendingPausedException", "Email sending is paused for this account."}
	}
	if in.ConfigurationSetName != "" && a.ConfigurationSets != nil && !slices.Contains(a.ConfigurationSets, in.ConfigurationSetName) {
		return &refusal{http.StatusNotFound, "NotFoundException", "Configuration set <" + in.ConfigurationSetName + "> does not exist."}
	}
	var unverified []string
	if from := bare(in.FromEmailAddress); !a.verified(from) {
		unverified = append(unverified, from)
	}
	for _, to := range in.recipients() {
		if to := bare(to); a.Sandbox && !a.verified(to) && !simulated(to) {
			unverified = append(unverified, to)
		}
	}
	if len(unverified) > 0 {
		return &refusal{http.StatusBadRequest, "MessageRejected",
			"Email address is not verified. The following identities failed the check in region US-EAST-1: " + strings.Join(unverified, ", ")}
	}
	return nil
}

// bare returns an address without its display name.
func bare(address string) string {
	parsed, err := mail.ParseAddress(address)
	if err != nil {
		return address
	}
	return parsed.Address
}

func simulated(address string) bool {
	return strings.HasSuffix(strings.ToLower(address), "@"+Simulator)
}

// request holds the members of SendEmail that have limits.
type request struct {
	ConfigurationSetName string
	FromEmailAddress     string
	ReplyToAddresses     []string
	Destination          struct{ ToAddresses, CcAddresses, BccAddresses []string }
	Content              struct {
		Simple struct {
			Headers []struct{ Name, Value string }
		}
	}
	EmailTags []struct{ Name, Value string }
}

func (in request) recipients() []string {
	return slices.Concat(in.Destination.ToAddresses, in.Destination.CcAddresses, in.Destination.BccAddresses)
}

// Limits of SendEmail.
// https://docs.aws.amazon.com/ses/latest/dg/quotas.html
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageHeader.html
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html
const (
	maxRecipients  = 50
	maxHeaders     = 15
	maxHeaderName  = 126
	maxHeaderValue = 870
	maxTags        = 50
	maxMessage     = 40 << 20
)

var (
	headerName  = regexp.MustCompile(`^[!-9;-@A-~]+$`)
	headerValue = regexp.MustCompile(`^[ -~]*$`)
	tag         = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
)

func (in request) malformed() *refusal {
	recipients := in.recipients()
	switch {
	case len(recipients) == 0:
		return badRequest("Destination must have at least one address.")
	case len(recipients) > maxRecipients:
		return badRequest("Recipient count exceeds %d.", maxRecipients)
	case len(in.Content.Simple.Headers) > maxHeaders:
		return badRequest("A message may have %d headers at most.", maxHeaders)
	case len(in.EmailTags) > maxTags:
		return badRequest("A message may have %d tags at most.", maxTags)
	}
	for _, address := range slices.Concat([]string{in.FromEmailAddress}, recipients, in.ReplyToAddresses) {
		if r := badAddress(address); r != nil {
			return r
		}
	}
	for _, h := range in.Content.Simple.Headers {
		if len(h.Name) > maxHeaderName || !headerName.MatchString(h.Name) {
			return badRequest("The header name must be 1 to %d printable ASCII characters without a colon.", maxHeaderName)
		}
		if len(h.Value) > maxHeaderValue || !headerValue.MatchString(h.Value) {
			return badRequest("The value of header %s must be at most %d printable ASCII characters.", h.Name, maxHeaderValue)
		}
	}
	for _, t := range in.EmailTags {
		if !tag.MatchString(t.Name) || !tag.MatchString(t.Value) {
			return badRequest("The tag %s must be 1 to 256 of the characters A-Z a-z 0-9 _ - in name and value.", t.Name)
		}
	}
	return nil
}

// badAddress rejects addresses that SES does not support; it has no SMTPUTF8.
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html
func badAddress(address string) *refusal {
	parsed, err := mail.ParseAddress(address)
	if err != nil {
		return badRequest("Missing final '@domain'")
	}
	for _, r := range parsed.Address {
		if r > '~' {
			return badRequest("Local address contains non-ASCII characters, or the domain is not in Punycode.")
		}
	}
	for _, r := range address {
		if r < ' ' {
			return badRequest("The address contains control characters.")
		}
	}
	return nil
}

// meter enforces an account's rate and quota.
type meter struct {
	now func() time.Time

	mu     sync.Mutex
	tokens float64
	filled time.Time
	sent   []time.Time // one for each recipient of the last 24 hours
}

// take counts recipients, or returns the limit that they would exceed.
func (m *meter) take(a Account, recipients int) *refusal {
	perSecond, perDay := a.limits()
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	for len(m.sent) > 0 && now.Sub(m.sent[0]) >= 24*time.Hour {
		m.sent = m.sent[1:]
	}
	if perDay > 0 && len(m.sent)+recipients > perDay {
		return tooMany("Daily message quota exceeded.")
	}
	if perSecond > 0 {
		burst := 2 * perSecond
		m.tokens = min(burst, m.tokens+max(0, now.Sub(m.filled).Seconds())*perSecond)
		m.filled = now
		if m.tokens < float64(recipients) && m.tokens < burst {
			return tooMany("Maximum sending rate exceeded.")
		}
		m.tokens -= float64(recipients)
	}
	if perDay > 0 {
		for range recipients {
			m.sent = append(m.sent, now)
		}
	}
	return nil
}

func tooMany(message string) *refusal {
	return &refusal{http.StatusTooManyRequests, "TooManyRequestsException", message}
}
