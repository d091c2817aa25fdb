package latchkey

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
)

// Props configures a deployment. Dashboards and Sender are needed; everything
// else has a default that suits a first deployment. The fields that Settings
// lists have their defaults and ranges from shared/setting, where the zero value
// means the default; docs/operations.md has them as a table.
type Props struct {
	// Dashboards are the base addresses of the web pages where people sign in
	// and sign up, with https and without a trailing slash. Invitation links
	// lead to the first; browsers on all of them may call the API.
	Dashboards []string

	// Sender is who invitations come from: "a@example.com", or
	// "Example <a@example.com>".
	Sender string
	// SenderIdentity is an SES identity that exists already: the sender's
	// domain, or its address. Empty makes one.
	SenderIdentity string
	// VerifyAddressOnly makes the identity for the sender's address alone,
	// not for its domain: no DNS records, but no DKIM signature of one's own.
	VerifyAddressOnly bool
	// MailFromDomain is a subdomain of the sender's domain for SES's envelope
	// (SPF). Empty leaves amazonses.com there.
	MailFromDomain string

	// MailRate is how many mails a second the account may send (SES, Account
	// dashboard). The default is what an account has outside the sandbox.
	MailRate int
	// MailQuota is how many mails the account may send in 24 hours (SES, Account
	// dashboard): the alarm mail-quota goes off at four fifths. Default 50,000;
	// in SES's sandbox it is 200.
	MailQuota int
	// LogoHosts are the hosts that logos in mails may come from:
	// "cdn.example.com". Empty lets workspaces have none.
	LogoHosts []string
	// ReportsToPause is how many people have to report an invitation of a
	// workspace before its invitations are paused.
	ReportsToPause int

	// Issuer is an OIDC issuer that exists already. Empty makes a Cognito
	// user pool.
	Issuer string
	// Audience lists the client ids that the issuer's tokens are meant for;
	// needed with Issuer, and only there.
	Audience []string
	// CallbackPath is where the pool's sign-in page returns to, on every
	// dashboard. Default "/callback".
	CallbackPath string
	// NameOptional makes a pool that does not ask people for their name when
	// they sign up: lists then show the part of their address before the @. A
	// pool cannot change this later; pools of version 0.1.0 need it.
	NameOptional bool
	// RequireMFA makes every account of the pool set up an authenticator app.
	RequireMFA bool
	// AccountMailFromSender lets the pool's own mail (codes) come from Sender.
	// SES must have verified the sender before; until then Cognito's built-in
	// sender writes, up to 50 mails a day.
	AccountMailFromSender bool

	// WorkspaceCreation says who may create workspaces:
	// setting.CreationSignedIn (default) or setting.CreationOperators.
	WorkspaceCreation string
	// WorkspacesPerAccount is how many workspaces one account may create in a
	// UTC day.
	WorkspacesPerAccount int
	// HistoryDays is how long history is kept.
	HistoryDays int
	// MailsPerInviter, MailsPerNewWorkspace and MailsPerWorkspace bound the
	// mails of one UTC day, whatever becomes of them: those that one person
	// asks for, those of a workspace in its first 30 days, and those of a
	// workspace after that.
	MailsPerInviter, MailsPerNewWorkspace, MailsPerWorkspace int
	// LogRetentionDays is how long logs are kept, one of the numbers that
	// CloudWatch offers. Default 30.
	LogRetentionDays int

	// Domain gives the API an address of one's own.
	Domain *Domain

	// Site deploys the reference dashboard (web/) to the first of Dashboards.
	// Nil leaves it out, where there is a dashboard of one's own.
	Site *Site

	// NamePrefix begins the name of everything whose name people read.
	// Default "latchkey". Two deployments in one account and region differ in
	// it.
	NamePrefix string
	// Tags are put on every resource that takes tags.
	Tags map[string]string
	// PermissionsBoundary is the ARN of a managed policy that bounds every
	// role.
	PermissionsBoundary string

	// TableKey encrypts the table. Nil leaves it to a key that DynamoDB owns.
	TableKey awskms.IKey
	// Replicas are further regions that hold a copy of the table.
	// docs/operations.md says what works there.
	Replicas []string
	// LinkKeySecret keeps the secret that held the link keys in 0.1.0, for the
	// upgrade from there. docs/operations.md says when to remove it.
	LinkKeySecret bool
	// OmitByRole leaves out the index byRole, for the upgrade from 0.1.0: DynamoDB
	// creates one index for each deployment, and byCreation is the first. Lists
	// by role search until a later deployment adds it.
	OmitByRole bool
	// Stage is StageProduction (default) or StageDevelopment. In production,
	// deleting the stack keeps table, keys and accounts, and they are protected
	// against deletion; in development everything is deleted with the stack.
	// A change takes effect with the next deployment, not by itself.
	Stage string
	// Unprotected leaves deletion protection off in production. It is for the
	// first deployment alone: if that one fails, CloudFormation can remove
	// everything it has made. Deploy again without it.
	Unprotected bool

	// Canary says how functions move to a new version: a predefined Lambda
	// configuration of CodeDeploy, like "Canary10Percent15Minutes" (default in
	// production), or CanaryOff (default in development). While traffic is
	// shifted, an alarm returns everything to the version before.
	Canary string

	// AlarmTopic is notified of every alarm. In production, set this, AlarmMail
	// or OmitAlarmTopic.
	AlarmTopic awssns.ITopic
	// AlarmMail is an email address that is notified of every alarm, through a
	// topic that the stack creates. AWS asks the address to confirm first.
	AlarmMail string
	// OmitAlarmTopic declines both: alarms are visible in CloudWatch alone.
	OmitAlarmTopic bool
	// OmitDashboard leaves the CloudWatch dashboard out: the fourth and later
	// ones of an account cost 3 USD a month.
	OmitDashboard bool
	// Tracing records every run of a function in X-Ray: what called it, its
	// duration, a cold start. What a function calls is not recorded.
	Tracing bool
	// ReserveConcurrency sets aside what the blueprint reserves. A new account
	// has 10 concurrent runs in all and can reserve none of them.
	ReserveConcurrency bool

	// FunctionsFolder holds the functions, built elsewhere: for each a folder
	// of its name with its bootstrap (linux, arm64). Empty builds them here,
	// with the go command.
	FunctionsFolder string
}

// Domain is an address of one's own for the API.
type Domain struct {
	// Name is the host: invitations.example.com
	Name string
	// CertificateARN is an ACM certificate for it, in the stack's region.
	CertificateARN string
	// HostedZoneID is the Route 53 zone that gets the records. Empty leaves
	// them to be made elsewhere, from the output ApiDomainTarget.
	HostedZoneID string
}

// Site is the reference dashboard in an S3 bucket behind CloudFront.
type Site struct {
	// CertificateARN is an ACM certificate for the host of the first of
	// Dashboards, in us-east-1, where CloudFront looks for it.
	CertificateARN string
	// HostedZoneID is the Route 53 zone that gets the records. Empty leaves
	// them to be made elsewhere, from the output DashboardTarget.
	HostedZoneID string
	// Folder holds the built dashboard: make build writes build/web.
	Folder string
	// IssuerOrigins are where the Issuer's endpoints are beside its own
	// origin, like "https://oauth2.example.com": browsers may call no other.
	// Not for the pool that is made here.
	IssuerOrigins []string
	// SignOutWithToken posts the ID token to the Issuer to sign out. Okta
	// demands it. Not for the pool that is made here.
	SignOutWithToken bool
}

const (
	defaultPrefix           = "latchkey"
	defaultCallbackPath     = "/callback"
	defaultLogRetentionDays = 30
	defaultMailQuota        = 50_000 // what SES gives an account outside the sandbox
)

// withDefaults is a copy with every default filled in.
func (p Props) withDefaults() Props {
	for _, s := range p.Settings() {
		if s.Text() == "" {
			_ = s.Set("") // what has no default stays empty
		}
	}
	if p.NamePrefix == "" {
		p.NamePrefix = defaultPrefix
	}
	p = p.withStageDefaults()
	if p.CallbackPath == "" {
		p.CallbackPath = defaultCallbackPath
	}
	if p.MailQuota == 0 {
		p.MailQuota = defaultMailQuota
	}
	if p.LogRetentionDays == 0 {
		p.LogRetentionDays = defaultLogRetentionDays
	}
	return p
}
