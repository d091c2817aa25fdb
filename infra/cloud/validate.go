package latchkey

import (
	"fmt"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/shared/setting"
)

// Problem is one thing that is wrong with Props.
type Problem struct {
	Field string // the field of Props
	Text  string // what to set, and how
}

// Problems is everything that is wrong, as one error.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Field + ": " + one.Text
	}
	return strings.Join(lines, "\n")
}

var (
	prefixShape   = regexp.MustCompile(`^[a-z][a-z0-9-]{1,22}[a-z0-9]$`)
	regionShape   = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	certShape     = regexp.MustCompile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$`)
	policyShape   = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$`)
	siteCertShape = regexp.MustCompile(`^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/.+$`)
	callbackPath  = regexp.MustCompile(`^/[A-Za-z0-9/_.-]*$`)

	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
	retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)

// Validate names every problem at once, as Problems; nil where there is none.
func (p Props) Validate() error {
	p = p.withDefaults()
	var found Problems
	wrong := func(field, text string, args ...any) {
		found = append(found, Problem{field, fmt.Sprintf(text, args...)})
	}
	for _, s := range p.Settings() {
		if err := s.Definition.Check(s.Text()); err != nil {
			wrong(s.Field, "%v", err)
		}
	}
	p.validateDashboards(wrong)
	p.validateMail(wrong)
	p.validateIdentity(wrong)
	p.validateOperation(wrong)
	p.validateSite(wrong)
	p.validateStage(wrong)
	p.validateCanary(wrong)
	if len(found) == 0 {
		return nil
	}
	return found
}

type report func(field, text string, args ...any)

func (p Props) validateDashboards(wrong report) {
	if len(p.Dashboards) == 0 {
		wrong("Dashboards", `is empty; set the address of the web page where people sign in, for example "https://app.example.com"`)
	}
	for _, d := range p.Dashboards {
		if err := checkHTTPSBase(d); err != nil {
			wrong("Dashboards", "%v", err)
		}
	}
}

// checkHTTPSBase returns what is wrong with a base address that browsers use.
func checkHTTPSBase(text string) error {
	if err := setting.DashboardURL.Check(text); err != nil {
		return err
	}
	if !strings.HasPrefix(text, "https://") {
		return fmt.Errorf("is %q, and invitation links must not travel in the clear; set an address that begins with https://", text)
	}
	return nil
}

func (p Props) validateMail(wrong report) {
	from, err := mail.ParseAddress(p.Sender)
	if err != nil {
		return // said already
	}
	domain := domainOf(from.Address)
	if id := p.SenderIdentity; id != "" {
		if !strings.EqualFold(id, from.Address) && domain != id && !strings.HasSuffix(domain, "."+id) {
			wrong("SenderIdentity", `%q does not cover the sender %s; set the SES identity of that address, of its domain %s or of a parent of it`, id, from.Address, domain)
		}
		if p.VerifyAddressOnly {
			wrong("VerifyAddressOnly", `makes an identity, but SenderIdentity names one that exists; set one of the two`)
		}
		if p.MailFromDomain != "" {
			wrong("MailFromDomain", `belongs to an identity that is made here; with SenderIdentity, set it on that identity in SES`)
		}
		return
	}
	if p.MailFromDomain != "" {
		switch {
		case p.VerifyAddressOnly:
			wrong("MailFromDomain", `needs the identity of a domain; leave VerifyAddressOnly unset`)
		case !strings.HasSuffix(p.MailFromDomain, "."+domain) || !setting.IsHost(p.MailFromDomain):
			wrong("MailFromDomain", `%q is not below the sender's domain; set a subdomain that nothing else uses, for example "bounce.%s"`, p.MailFromDomain, domain)
		}
	}
}

func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}

func (p Props) validateIdentity(wrong report) {
	if p.Issuer == "" {
		if len(p.Audience) > 0 {
			wrong("Audience", `is set without Issuer; set the address of the OIDC issuer too, or leave both empty for a Cognito user pool`)
		}
		if !callbackPath.MatchString(p.CallbackPath) {
			wrong("CallbackPath", `%q is not a path; write it like "/callback"`, p.CallbackPath)
		}
		for _, word := range []string{"aws", "amazon", "cognito"} {
			if strings.Contains(p.NamePrefix, word) {
				wrong("NamePrefix", `%q holds the word %q, which Cognito refuses in the address of its sign-in page; choose another`, p.NamePrefix, word)
			}
		}
		return
	}
	if u, err := url.Parse(p.Issuer); err != nil || u.Host == "" || u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		wrong("Issuer", `%q is not the address of an OIDC issuer; write the "issuer" of its /.well-known/openid-configuration, for example "https://login.example.com/"`, p.Issuer)
	}
	if len(p.Audience) == 0 || slices.Contains(p.Audience, "") {
		wrong("Audience", `is empty; set the client id that the issuer's tokens carry as "aud" (or "client_id"): without it, a token meant for any other application would be let in`)
	}
	if len(p.Audience) > 50 {
		wrong("Audience", `has %d entries; API Gateway takes up to 50`, len(p.Audience))
	}
	const poolOnly = `is about the Cognito user pool that is made where Issuer is empty; unset it, and set this up at the issuer`
	if p.NameOptional {
		wrong("NameOptional", poolOnly)
	}
	if p.RequireMFA {
		wrong("RequireMFA", poolOnly)
	}
	if p.AccountMailFromSender {
		wrong("AccountMailFromSender", poolOnly)
	}
}

func (p Props) validateOperation(wrong report) {
	if p.MailQuota < 1 {
		wrong("MailQuota", `%d is out of range; set what SES shows as the daily quota, 1 or more`, p.MailQuota)
	}
	if !slices.Contains(retentions, p.LogRetentionDays) {
		wrong("LogRetentionDays", `%d is not offered by CloudWatch; set one of %s`, p.LogRetentionDays, strings.Trim(fmt.Sprint(retentions), "[]"))
	}
	if !prefixShape.MatchString(p.NamePrefix) || strings.Contains(p.NamePrefix, "--") {
		wrong("NamePrefix", `%q does not fit; set 3 to 24 lower case letters, digits and single hyphens, beginning with a letter`, p.NamePrefix)
	}
	if b := p.PermissionsBoundary; b != "" && !policyShape.MatchString(b) {
		wrong("PermissionsBoundary", `%q is not the ARN of a managed policy; write it like "arn:aws:iam::123456789012:policy/boundary"`, b)
	}
	for i, r := range p.Replicas {
		if !regionShape.MatchString(r) {
			wrong("Replicas", `%q is not a region; write it like "eu-central-1"`, r)
		} else if slices.Contains(p.Replicas[:i], r) {
			wrong("Replicas", `%q stands there twice; name each region once`, r)
		}
	}
	if len(p.Replicas) > 0 && p.TableKey != nil {
		wrong("TableKey", `can't be used with Replicas: each region would need a key of its own; leave one of the two unset`)
	}
	if d := p.Domain; d != nil {
		if !setting.IsHost(d.Name) {
			wrong("Domain", `%q is not a host name; write it like "invitations.example.com"`, d.Name)
		}
		if !certShape.MatchString(d.CertificateARN) {
			wrong("Domain", `needs the ARN of an ACM certificate for %s in the stack's region, not %q`, d.Name, d.CertificateARN)
		}
	}
}

func (p Props) validateSite(wrong report) {
	if p.Site == nil {
		return
	}
	if !siteCertShape.MatchString(p.Site.CertificateARN) {
		wrong("Site", `needs the ARN of an ACM certificate in us-east-1 for the first of Dashboards, not %q`, p.Site.CertificateARN)
	}
	if _, err := os.Stat(filepath.Join(p.Site.Folder, blueprint.DashboardPage)); err != nil {
		wrong("Site", `finds no %s in the folder %q; build the dashboard with make build, and name build/web`, blueprint.DashboardPage, p.Site.Folder)
	}
	if len(p.Dashboards) > 0 {
		if u, err := url.Parse(p.Dashboards[0]); err == nil && (u.Path != "" || u.Port() != "") {
			wrong("Site", `is served at the root of a host, and the first of Dashboards is %q; set it like "https://app.example.com"`, p.Dashboards[0])
		}
	}
	if p.CallbackPath != defaultCallbackPath {
		wrong("CallbackPath", `%q is not where the dashboard that Site deploys takes people back; leave it unset`, p.CallbackPath)
	}
	for _, o := range p.Site.IssuerOrigins {
		if u, err := url.Parse(o); checkHTTPSBase(o) != nil || err != nil || u.Path != "" {
			wrong("Site", `%q is not an origin; write it like "https://oauth2.example.com"`, o)
		}
	}
	if len(p.Site.IssuerOrigins) > 0 && p.Issuer == "" {
		wrong("Site", `has IssuerOrigins without Issuer; the pool's are known`)
	}
	if p.Site.SignOutWithToken && p.Issuer == "" {
		wrong("Site", `has SignOutWithToken without Issuer; the pool takes no token to sign out`)
	}
}
