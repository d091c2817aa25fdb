package user

import (
	"net/mail"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
)

// Limits of RFC 5321 section 4.5.3.1, in octets; a path is at most 256 with
// its angle brackets, which leaves 254 for the address.
const (
	maxEmail     = 254
	maxLocalPart = 64
)

// domains turns a domain into its ASCII form as a browser would (UTS #46),
// refusing what DNS cannot hold.
var domains = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.StrictDomainName(true),
	idna.VerifyDNSLength(true),
	idna.BidiRule(),
)

// CanonicalEmail is the one form by which people are told apart: trimmed, NFC,
// lower case, the domain in punycode. Dots and plus tags are kept, because
// only the mailbox's owner knows what they mean. Text that is no address comes
// back trimmed and lowered, which equals no valid address.
func CanonicalEmail(typed string) string {
	text := strings.ToLower(norm.NFC.String(strings.TrimSpace(typed)))
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return text
	}
	domain, err := domains.ToASCII(text[at+1:])
	if err != nil {
		return text
	}
	return text[:at+1] + domain
}

// EmailDomain is the domain of a canonical address.
func EmailDomain(canonical string) string {
	return canonical[strings.LastIndexByte(canonical, '@')+1:]
}

// MailAddress is where mail to a typed address goes: the local part as typed,
// because its case is the receiver's business, the domain in punycode.
func MailAddress(typed string) string {
	text := norm.NFC.String(strings.TrimSpace(typed))
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return text
	}
	return text[:at+1] + EmailDomain(CanonicalEmail(text))
}

// EmailKey stands for an email in keys, logs and metrics: a hash of the
// canonical form, so that none of them names a person.
func EmailKey(typed string) string {
	return id.Hash(EmailKeyPrefix, "latchkey/email", CanonicalEmail(typed))
}

// IDFor is the user id that an email has in a workspace. That it is derived
// makes inviting one conditional write: the same address is the same key.
func IDFor(workspaceID, typed string) string {
	return id.Hash(IDPrefix, "latchkey/user", workspaceID, CanonicalEmail(typed))
}

// CheckEmail names what is wrong with an address that is to be invited.
func CheckEmail(fields *fault.Fields, typed string) {
	const at = "/email"
	text := strings.TrimSpace(typed)
	if text == "" {
		fields.Add(at, "required", "An email address is needed.")
		return
	}
	sign := strings.LastIndexByte(text, '@')
	if sign <= 0 || sign == len(text)-1 {
		fields.Add(at, "invalid_email", "An email address looks like name@company.com.")
		return
	}
	local := text[:sign]
	domain, err := domains.ToASCII(text[sign+1:])
	switch {
	case len(local) > maxLocalPart:
		fields.Add(at, "email_too_long", "The part before the @ may have 64 characters at most.")
		return
	case len(local)+1+len(domain) > maxEmail:
		fields.Add(at, "email_too_long", "An email address may have 254 characters at most.")
		return
	case err != nil || !strings.Contains(domain, "."):
		fields.Add(at, "invalid_email", "The part after the @ is not a domain that mail can be sent to.")
		return
	}
	for i := 0; i < len(local); i++ {
		if local[i] >= 0x80 {
			// SES has no SMTPUTF8: such mail would never leave.
			// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html
			fields.Add(at, "email_not_ascii", "Mail cannot be sent to an address with letters outside ASCII before the @.")
			return
		}
	}
	parsed, err := mail.ParseAddress(local + "@" + domain)
	if err != nil || parsed.Name != "" || parsed.Address != local+"@"+domain || strings.ContainsAny(local, "\" \t\r\n<>(),:;\\[]") {
		fields.Add(at, "invalid_email", "An email address looks like name@company.com.")
	}
}

// CheckDomain says whether text is a whole domain such as corp.com, and gives
// its punycode form.
func CheckDomain(text string) (ascii string, ok bool) {
	ascii, err := domains.ToASCII(strings.ToLower(strings.TrimSpace(text)))
	return ascii, err == nil && strings.Contains(ascii, ".") && !strings.HasSuffix(ascii, ".")
}

// MaskEmail shows enough of an address for its owner to know it, and too
// little for anybody else: j***@corp.com.
func MaskEmail(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 1 {
		return "***"
	}
	first := []rune(email[:at])[0]
	return string(first) + "***" + email[at:]
}
