package blueprint

// Setting is the name of an environment variable that a function reads. The
// renderings give each function those that it lists and no others.
type Setting string

const (
	// SettingTable is the table's name.
	SettingTable Setting = "TABLE"
	// SettingLinkKey is the id (ARN) of the secret with the link keys:
	// {"current": base64, "previous": base64 or ""}, 32 bytes each.
	SettingLinkKey Setting = "LINK_KEY"
	// SettingMetadataKey is the id (ARN) of the KMS key that wraps the data
	// keys of the workspaces.
	SettingMetadataKey Setting = "METADATA_KEY"
	// SettingBus is the name of the event bus.
	SettingBus Setting = "BUS"
	// SettingDashboardURL is where people sign in and sign up, without a
	// trailing slash: https://app.example.com
	SettingDashboardURL Setting = "DASHBOARD_URL"
	// SettingAPIURL is the public base address of the API, without a
	// trailing slash: invitation links start with it.
	SettingAPIURL Setting = "API_URL"
	// SettingMailFrom is the sender: an address, or "Name <address>".
	SettingMailFrom Setting = "MAIL_FROM"
	// SettingMailConfigurationSet is the SES configuration set; may be empty.
	SettingMailConfigurationSet Setting = "MAIL_CONFIGURATION_SET"
	// SettingMailAttempts is how often a mail is tried before it is given up:
	// what the mail queue allows (1 or more).
	SettingMailAttempts Setting = "MAIL_ATTEMPTS"
	// SettingMailInterval is how long one instance of mail waits between two
	// mails, in milliseconds: MailConcurrency divided by the account's rate.
	SettingMailInterval Setting = "MAIL_INTERVAL_MS"
	// SettingReportsToPause is how many people have to report an invitation
	// of a workspace before its invitations are paused (1 or more).
	SettingReportsToPause Setting = "REPORTS_TO_PAUSE"
	// SettingLogoHosts are the hosts that logos in mails may come from,
	// separated by commas; may be empty: then there is no logo.
	SettingLogoHosts Setting = "LOGO_HOSTS"
	// SettingWorkspaceCreation says who may create workspaces: "signed-in"
	// or "operators".
	SettingWorkspaceCreation Setting = "WORKSPACE_CREATION"
	// SettingHistoryDays is how long history entries are kept (1-3650 days).
	SettingHistoryDays Setting = "HISTORY_DAYS"
	// SettingMailsPerInviter is how many mails one person may ask for in a UTC
	// day (1 or more).
	SettingMailsPerInviter Setting = "MAILS_PER_INVITER"
	// SettingMailsPerNewWorkspace is the same for a workspace in its first 30
	// days, SettingMailsPerWorkspace for one after that.
	SettingMailsPerNewWorkspace Setting = "MAILS_PER_NEW_WORKSPACE"
	SettingMailsPerWorkspace    Setting = "MAILS_PER_WORKSPACE"
)
