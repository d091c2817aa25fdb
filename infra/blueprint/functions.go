package blueprint

import "time"

const (
	httpTimeout     = 10 * time.Second
	mailTimeout     = 30 * time.Second
	feedbackTimeout = 30 * time.Second
)

// Throttles at the gateway. Public routes are tighter: nobody has shown who
// they are there.
var (
	usual  = Throttle{Rate: 500, Burst: 1000}
	public = Throttle{Rate: 50, Burst: 100}
)

// Keys of the table that permissions name.
var (
	workspaceKeys = []string{"WS#*"}
	accountKeys   = []string{"ACCOUNT#*"}
)

// Functions are all functions, in the order in which a newcomer would ask.
func Functions() []Function {
	return []Function{
		{
			Name: "workspace", Purpose: "create and read a workspace, change its settings and groups",
			MemoryMB: 256, Timeout: httpTimeout,
			Routes: []Route{
				{"POST", "/v1/workspaces", "createWorkspace", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}", "getWorkspace", SignedIn, usual},
				{"PATCH", "/v1/workspaces/{workspace}", "updateWorkspace", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/groups", "listGroups", SignedIn, usual},
				{"PUT", "/v1/workspaces/{workspace}/groups/{group}", "putGroup", SignedIn, usual},
			},
			Permissions: []Permission{
				{Read, OnTable, workspaceKeys, "the workspace and the caller's own user record"},
				{Query, OnTable, workspaceKeys, "the groups"},
				{Insert, OnTable, []string{"WS#*", "SLUG#*"}, "a new workspace, its slug and its first admin"},
				{Change, OnTable, workspaceKeys, "settings and groups"},
				{MakeKey, OnMetadataKey, nil, "the data key of a new workspace"},
			},
			Settings: []Setting{SettingTable, SettingMetadataKey, SettingWorkspaceCreation},
		},
		{
			Name: "invite", Purpose: "invite a person, send the invitation again, copy its link",
			MemoryMB: 256, Timeout: httpTimeout,
			Routes: []Route{
				{"POST", "/v1/workspaces/{workspace}/users", "inviteUser", SignedIn, usual},
				{"POST", "/v1/workspaces/{workspace}/users/{user}/resend", "resendInvitation", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/users/{user}/link", "getInvitationLink", SignedIn, usual},
			},
			Permissions: []Permission{
				{Read, OnTable, []string{"WS#*", "ACCOUNT#*"}, "workspace, caller, groups, whether the person has an account"},
				{Insert, OnTable, workspaceKeys, "the invited user"},
				{Change, OnTable, workspaceKeys, "a new generation on resend"},
				{Fetch, OnLinkKey, nil, "derive the link"},
				{Unwrap, OnMetadataKey, nil, "encrypt metadata, show it to the admin"},
			},
			Settings: []Setting{SettingTable, SettingLinkKey, SettingMetadataKey, SettingAPIURL},
		},
		{
			Name: "accept", Purpose: "the invited person's side: redirect, preview, accept, decline",
			MemoryMB: 256, Timeout: httpTimeout,
			Routes: []Route{
				{"GET", "/invite/{token}", "followInvitation", Public, public},
				{"GET", "/v1/invitations/{token}", "previewInvitation", Public, public},
				{"POST", "/v1/invitations/{token}/accept", "acceptInvitation", SignedIn, usual},
				{"POST", "/v1/invitations/{token}/decline", "declineInvitation", Public, public},
			},
			Permissions: []Permission{
				{Read, OnTable, []string{"WS#*", "ACCOUNT#*"}, "the invitation, its workspace, whether the person has an account"},
				{Insert, OnTable, accountKeys, "accepting makes the account known"},
				{Query, OnByEmail, nil, "where else this email is invited"},
				{Change, OnTable, workspaceKeys, "accept, decline, the count of admins, requested to invited"},
				{Fetch, OnLinkKey, nil, "verify the link"},
				{Unwrap, OnMetadataKey, nil, "show the person their own metadata"},
			},
			Settings: []Setting{SettingTable, SettingLinkKey, SettingMetadataKey, SettingDashboardURL},
		},
		{
			Name: "list", Purpose: "list users, read one, my workspaces; reads only",
			MemoryMB: 256, Timeout: httpTimeout,
			Routes: []Route{
				{"GET", "/v1/workspaces/{workspace}/users", "listUsers", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/users/{user}", "getUser", SignedIn, usual},
				{"GET", "/v1/me/workspaces", "listMyWorkspaces", SignedIn, usual},
			},
			Permissions: []Permission{
				{Read, OnTable, workspaceKeys, "workspaces and single users"},
				{Query, OnByStatus, nil, "the users of a workspace"},
				{Query, OnByEmail, nil, "the caller's workspaces"},
				{Unwrap, OnMetadataKey, nil, "show metadata, seal cursors"},
			},
			Settings: []Setting{SettingTable, SettingMetadataKey},
		},
		{
			Name: "archive", Purpose: "archive and restore users",
			MemoryMB: 256, Timeout: httpTimeout,
			Routes: []Route{
				{"POST", "/v1/workspaces/{workspace}/users/{user}/archive", "archiveUser", SignedIn, usual},
				{"POST", "/v1/workspaces/{workspace}/users/{user}/restore", "restoreUser", SignedIn, usual},
			},
			Permissions: []Permission{
				{Read, OnTable, []string{"WS#*", "ACCOUNT#*"}, "the user, the caller, the workspace, whether the person has an account"},
				{Change, OnTable, workspaceKeys, "the user's status, the count of admins"},
				{Fetch, OnLinkKey, nil, "the new link of a restored invitation"},
				{Unwrap, OnMetadataKey, nil, "show metadata to the admin"},
			},
			Settings: []Setting{SettingTable, SettingLinkKey, SettingMetadataKey, SettingAPIURL},
		},
		{
			Name: "expire", Purpose: "lapse stale invitations, send reminders",
			MemoryMB: 256, Timeout: 2 * time.Minute, ReservedConcurrency: 1, // two sweeps at once would do the same work twice
			Schedule: &Schedule{Name: "expire", Every: 5 * time.Minute},
			Permissions: []Permission{
				{Query, OnByDue, nil, "what is due"},
				{Read, OnTable, workspaceKeys, "the user as it is now"},
				{Change, OnTable, workspaceKeys, "expired, reminded"},
			},
			Settings: []Setting{SettingTable},
		},
		{
			Name: "account", Purpose: "a person's account becomes known: requested turns into invited",
			MemoryMB: 256, Timeout: httpTimeout,
			OnAccountConfirmed: true,
			Routes: []Route{
				{"PUT", "/v1/me", "recordAccount", SignedIn, usual},
			},
			Permissions: []Permission{
				{Insert, OnTable, accountKeys, "the account"},
				{Query, OnByEmail, nil, "where this email is invited"},
				{Read, OnTable, workspaceKeys, "the user as it is now"},
				{Change, OnTable, workspaceKeys, "requested to invited"},
			},
			Settings: []Setting{SettingTable},
		},
		{
			Name: "publish", Purpose: "table stream to domain events: into the history and onto the bus",
			MemoryMB: 256, Timeout: 30 * time.Second,
			Stream: &StreamSource{
				Filter: []map[string]any{{
					"eventName": []any{"INSERT", "MODIFY"},
					"dynamodb":  map[string]any{"NewImage": map[string]any{AttrEntity: map[string]any{"S": []any{"user", "workspace"}}}},
				}},
				BatchSize: 100, MaxRetries: 50, MaxRecordAge: 12 * time.Hour, BisectOnError: true,
				OnFailure: QueuePublishFailures,
			},
			Permissions: []Permission{
				{InsertMany, OnTable, []string{"HISTORY#*"}, "history entries"},
				{Publish, OnBus, nil, "domain events"},
			},
			Settings: []Setting{SettingTable, SettingBus, SettingHistoryDays},
		},
		{
			Name: "mail", Purpose: "domain events to SES: everything that is written to a person",
			MemoryMB: 256, Timeout: mailTimeout, ReservedConcurrency: 5, // mail goes out however many requests come in
			Queue: &QueueSource{Queue: QueueMail, BatchSize: 5, MaxConcurrency: 5},
			Permissions: []Permission{
				{Read, OnTable, []string{"WS#*", "ACCOUNT#*"}, "the invitation as it is now, its workspace, whether the person has an account"},
				{Insert, OnTable, workspaceKeys, "the claim of a mail"},
				{Change, OnTable, workspaceKeys, "the claim's mark, the delivery state, requested to invited"},
				{Fetch, OnLinkKey, nil, "derive the link"},
				{Send, OnSender, nil, "the mail"},
			},
			Settings: []Setting{SettingTable, SettingLinkKey, SettingAPIURL, SettingMailFrom, SettingMailConfigurationSet, SettingMailAttempts},
		},
	}
}
