// Package setting defines every setting of a deployment once: its name, type,
// default, range and meaning. Functions read their settings from the
// environment, infra/cloud checks settings and writes them into that
// environment, and infra/local lets its caller's environment override them;
// all of them go by the definitions in this package.
//
// It imports the standard library alone.
package setting

// Definition is one setting, whatever the type of its values. Definitions are
// pointers: two are the same setting if they are equal.
type Definition interface {
	About() About
	// Check returns what is wrong with a value, worded to follow the
	// setting's name: `is "x"; set a whole number from 1 to 9`. The empty
	// value stands for the default and is wrong only where there is none.
	Check(value string) error
}

// Of is a definition whose values have the type T.
type Of[T any] interface {
	Definition
	// Parse returns the value that a text stands for, the default for the
	// empty text. Its errors are Check's.
	Parse(text string) (T, error)
	// Format returns the text that Parse turns into value.
	Format(value T) string
}

// About is what there is to know about a setting of any type.
type About struct {
	Name string // of the environment variable: MAILS_PER_INVITER
	Doc  string // what the setting is, as one phrase
	// Default is the text of the default. It is empty where the setting is
	// Required, and where the default is the empty text or list.
	Default  string
	Required bool // there is no default
	// Derived settings follow from the deployment, as a table's name does, and
	// cannot be chosen.
	Derived bool
	Allowed string // the accepted values, worded to follow "set"
}

// all holds the definitions in their order in the source.
var all []Definition

// All returns the definitions of all settings that functions read.
func All() []Definition { return append([]Definition(nil), all...) }

// define adds a definition to those that All returns.
func define[D Definition](d D) D {
	all = append(all, d)
	return d
}

// Values of WORKSPACE_CREATION.
const (
	CreationSignedIn  = "signed-in"
	CreationOperators = "operators"
)

// The deployment's own parts.
var (
	Table = define(&Text{Name: "TABLE", Required: true, Derived: true,
		Doc: "name of the table"})
	MetadataKey = define(&Text{Name: "METADATA_KEY", Required: true, Derived: true,
		Doc: "id of the KMS key that wraps the workspaces' data keys and the link keys"})
	Bus = define(&Text{Name: "BUS", Required: true, Derived: true,
		Doc: "name of the event bus"})
	APIURL = define(&URL{Name: "API_URL", Required: true, Derived: true,
		Doc: "public base address of the API; invitation links start with it"})
	DashboardURL = define(&URL{Name: "DASHBOARD_URL", Required: true, Derived: true,
		Doc: "where people sign in and sign up"})
	MailConfigurationSet = define(&Text{Name: "MAIL_CONFIGURATION_SET", Derived: true,
		Doc: "name of the SES configuration set; none if empty"})
	// MailAttempts has the upper bound of an SQS queue's maxReceiveCount.
	MailAttempts = define(&Int{Name: "MAIL_ATTEMPTS", Required: true, Derived: true, Min: 1, Max: 1000,
		Doc: "how often the mail queue hands out a mail before it is given up"})
	MailInterval = define(&Duration{Name: "MAIL_INTERVAL_MS", Required: true, Derived: true, Max: maxInterval,
		Doc: "pause of one instance of mail between two mails"})
)

// Settings that a deployment chooses.
var (
	MailFrom = define(&Sender{Name: "MAIL_FROM", Required: true,
		Doc: "sender of all mail"})
	LogoHosts = define(&Hosts{Name: "LOGO_HOSTS",
		Doc: "hosts that logos in mails may come from; no logos if empty"})
	WorkspaceCreation = define(&Choice{Name: "WORKSPACE_CREATION", Values: []string{CreationSignedIn, CreationOperators},
		Doc: "who may create workspaces"})
	WorkspacesPerAccount = define(&Int{Name: "WORKSPACES_PER_ACCOUNT", Default: 10, Min: 1, Max: 10_000,
		Doc: "workspaces that one account may create in a UTC day"})
	HistoryDays = define(&Int{Name: "HISTORY_DAYS", Default: 400, Min: 1, Max: 3650,
		Doc: "days for which history entries are kept"})
	ReportsToPause = define(&Int{Name: "REPORTS_TO_PAUSE", Default: 3, Min: 1, Max: 100_000,
		Doc: "people who have to report a workspace's invitations before the workspace is paused"})
	MailsPerInviter = define(&Int{Name: "MAILS_PER_INVITER", Default: 200, Min: 1, Max: 100_000,
		Doc: "mails that one person may ask for in a UTC day"})
	MailsPerNewWorkspace = define(&Int{Name: "MAILS_PER_NEW_WORKSPACE", Default: 200, Min: 1, Max: 10_000_000,
		Doc: "mails of a workspace in a UTC day of its first 30 days"})
	MailsPerWorkspace = define(&Int{Name: "MAILS_PER_WORKSPACE", Default: 2000, Min: 1, Max: 10_000_000,
		Doc: "mails of a workspace in a UTC day after its first 30 days"})
)
