package user

import (
	"errors"
	"net/mail"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
)

// Limits of RFC 5321 section 4.5.3.1, in octets; a path is at most 256 with
// its angle brackets, which leaves 254 for the address.
const (
	maxEmail     = 254
	maxLocalPart = 64
)

// domains is UTS #46 processing as browsers do it, except that underscores and
// labels that DNS cannot hold are errors.
var domains = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.StrictDomainName(true),
	idna.VerifyDNSLength(true),
	idna.BidiRule(),
)

// maxDomain is four bytes for each of the 253 characters that DNS can hold
// (RFC 1035 section 2.3.4). The time that Punycode takes grows with the square
// of the length: 240 KB, which fit into a request, take 20 seconds.
const maxDomain = 4 * 253 // bytes as typed

var (
	errDomainTooLong = errors.New("the domain is too long")
	errNotUTF8       = errors.New("the domain is not UTF-8") // package idna lets it pass
	// errAmbiguousDomain rejects LATIN CAPITAL LETTER SHARP S, which UTS #46
	// maps to "ss" before revision 31 and to "ß" since. The two are different
	// domains, so neither mapping is safe to store.
	// https://www.unicode.org/reports/tr46/tr46-31.html#Modifications
	errAmbiguousDomain = errors.New("UTS #46 revisions disagree about U+1E9E")
)

// asciiDomain returns the ASCII form of a domain. UTS #46 does the case
// mapping: lower-casing first would map U+0130 to "i", where UTS #46 keeps its
// dot, and turn one domain into another.
func asciiDomain(domain string) (string, error) {
	switch {
	case len(domain) > maxDomain:
		return "", errDomainTooLong
	case !utf8.ValidString(domain):
		return "", errNotUTF8
	case strings.ContainsRune(domain, '\u1e9e'):
		return "", errAmbiguousDomain
	}
	return domains.ToASCII(domain)
}

// lowerASCII lower-cases A to Z and leaves every other character alone, so
// that nothing outside ASCII becomes ASCII: strings.ToLower turns U+212A into
// "k", and NFC turns it into "K".
func lowerASCII(text string) string {
	raw := []byte(text)
	for i, c := range raw {
		if 'A' <= c && c <= 'Z' {
			raw[i] = c + 'a' - 'A'
		}
	}
	return string(raw)
}

// splitEmail returns the local part as typed and the domain in its ASCII form;
// a domain without one is only lower-cased. ok is false for text without an @.
func splitEmail(typed string) (local, domain string, ok bool) {
	text := strings.TrimSpace(typed)
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return text, "", false
	}
	domain, err := asciiDomain(text[at+1:])
	if err != nil {
		domain = lowerASCII(text[at+1:])
	}
	return text[:at], domain, true
}

// CanonicalEmail returns the form by which people are told apart: trimmed,
// ASCII letters before the @ in lower case, the domain in the ASCII form of
// UTS #46. Dots and plus tags stay, because only the mailbox's provider knows
// what they mean. Every valid address has an ASCII form; that of any other text
// equals no valid address's.
func CanonicalEmail(typed string) string {
	local, domain, ok := splitEmail(typed)
	if !ok {
		return lowerASCII(local)
	}
	return lowerASCII(local) + "@" + domain
}

// EmailDomain returns the domain of a canonical address.
func EmailDomain(canonical string) string {
	return canonical[strings.LastIndexByte(canonical, '@')+1:]
}

// MailAddress returns the address that mail to a typed address is sent to: the
// local part as typed, because only the receiver knows whether its case
// matters, and the same domain as in the canonical form.
func MailAddress(typed string) string {
	local, domain, ok := splitEmail(typed)
	if !ok {
		return local
	}
	return local + "@" + domain
}

// EmailKey returns the hash of the canonical form, which stands for an email in
// keys, logs and metrics so that none of them names a person.
func EmailKey(typed string) string {
	return id.Hash(EmailKeyPrefix, "latchkey/email", CanonicalEmail(typed))
}

// IDFor returns the id of the user with this email in a workspace. Deriving it
// makes inviting one conditional write: the same address is the same key.
func IDFor(workspaceID, typed string) string {
	return id.Hash(IDPrefix, "latchkey/user", workspaceID, CanonicalEmail(typed))
}

// CheckEmail adds what is wrong with an address that mail is to be sent to.
func CheckEmail(fields *fault.Fields, typed string) {
	const at = "/email"
	text := strings.TrimSpace(typed)
	if text == "" {
		fields.Add(at, "required", "Enter an email address.")
		return
	}
	local, domain, ok := splitEmail(text)
	if !ok || local == "" || domain == "" {
		fields.Add(at, "invalid_email", "Enter an email address in the format name@company.com.")
		return
	}
	_, err := asciiDomain(text[len(local)+1:])
	switch {
	case len(local) > maxLocalPart:
		fields.Add(at, "email_too_long", "The part of an email address before the @ must be 64 characters or fewer.")
	case len(local)+1+len(domain) > maxEmail:
		fields.Add(at, "email_too_long", "An email address must be 254 characters or fewer.")
	case err != nil || !strings.Contains(domain, "."):
		fields.Add(at, "invalid_email", "The part of the email address after the @ isn't a valid domain. Use a domain such as company.com.")
	case !isASCII(local):
		// SES does not support SMTPUTF8, so such mail could never be sent.
		// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html
		fields.Add(at, "email_not_ascii", "The part of the email address before the @ contains a character we can't send mail to. Use only unaccented letters, digits and punctuation.")
	case !isMailbox(local, domain):
		fields.Add(at, "invalid_email", "Enter an email address in the format name@company.com.")
	}
}

// ValidEmail reports whether text is an address that CheckEmail accepts, with
// no white space around it.
func ValidEmail(text string) bool {
	var fields fault.Fields
	CheckEmail(&fields, text)
	return len(fields) == 0 && text == strings.TrimSpace(text)
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// isMailbox reports whether local@domain is one address in dot-atom form
// (RFC 5322 section 3.4.1): no display name, quoting, comment or second address.
func isMailbox(local, domain string) bool {
	address := local + "@" + domain
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Name == "" && parsed.Address == address &&
		!strings.ContainsAny(local, "\" \t\r\n<>(),:;\\[]")
}

// CheckDomain returns the ASCII form of a whole domain such as corp.com; ok is
// false for any other text.
func CheckDomain(text string) (ascii string, ok bool) {
	ascii, err := asciiDomain(strings.TrimSpace(text))
	return ascii, err == nil && strings.Contains(ascii, ".") && !strings.HasSuffix(ascii, ".")
}

// MaskEmail shows enough of an address for its owner to recognize it, and too
// little for anybody else: j***@corp.com. Of text that is not a valid address
// it shows nothing.
func MaskEmail(email string) string {
	if !ValidEmail(email) {
		return "***"
	}
	return email[:1] + "***" + email[strings.LastIndexByte(email, '@'):]
}
