package blueprint

import "time"

const (
	httpTimeout     = 10 * time.Second
	batchTimeout    = 28 * time.Second // the gateway waits for 30
	mailTimeout     = 30 * time.Second
	feedbackTimeout = 30 * time.Second
)

// Throttles at the gateway, each shared by all callers of its route. API Gateway
// applies them before the authorizer checks the token, so anyone can exhaust a
// tight throttle on a signed-in route. Public routes are tighter because their
// callers are anonymous.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
var (
	usual = Throttle{Rate: 500, Burst: 1000}
	// batch bounds work: a call for 500 people takes about five seconds, so a
	// hundred a second occupy half of an account's default Lambda concurrency
	// of 1,000.
	batch  = Throttle{Rate: 100, Burst: 200}
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
				{"DELETE", "/v1/workspaces/{workspace}/groups/{group}", "deleteGroup", SignedIn, usual},
			},
			Permissions: []Permission{
				{Read, OnTable, workspaceKeys, "the workspace, the caller's own user record, the seats in use"},
				{Query, OnTable, workspaceKeys, "the groups"},
				{Query, OnByStatus, nil, "the users of a group that is deleted"},
				{Query, OnByDue, nil, "seats of invitations whose time has passed, where a seat limit needs them"},
				{Insert, OnTable, []string{"WS#*", "SLUG#*"}, "a new workspace, its slug and its first admin"},
				{Change, OnTable, workspaceKeys, "settings and groups, seats, users who leave a deleted group"},
				{MakeKey, OnMetadataKey, nil, "the data key of a new workspace"},
			},
			Settings: []Setting{SettingTable, SettingMetadataKey, SettingWorkspaceCreation, SettingLogoHosts},
		},
		{
			Name: "invite", Purpose: "invite one or many, send invitations again, copy a link",
			MemoryMB: 512, Timeout: batchTimeout, // a batch of 500 is much at once
			Routes: []Route{
				{"POST", "/v1/workspaces/{workspace}/users", "inviteUser", SignedIn, usual},
				{"POST", "/v1/workspaces/{workspace}/users/batch", "inviteUsers", SignedIn, batch},
				{"POST", "/v1/workspaces/{workspace}/users/batch/resend", "resendInvitations", SignedIn, batch},
				{"POST", "/v1/workspaces/{workspace}/users/{user}/resend", "resendInvitation", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/users/{user}/link", "getInvitationLink", SignedIn, usual},
			},
			Permissions: []Permission{
				{Read, OnTable, []string{"WS#*", "ACCOUNT#*"}, "workspace, caller, groups, whether the person has an account"},
				{Query, OnByDue, nil, "seats of invitations whose time has passed, where one is needed"},
				{Insert, OnTable, workspaceKeys, "the invited users, the answer to a call with an Idempotency-Key"},
				{Change, OnTable, workspaceKeys, "a new generation on resend, the counts of users, seats and mails"},
				{Fetch, OnLinkKey, nil, "derive the link"},
				{Unwrap, OnMetadataKey, nil, "encrypt metadata, show it to the admin"},
			},
			Settings: []Setting{
				SettingTable, SettingLinkKey, SettingMetadataKey, SettingAPIURL,
				SettingMailsPerInviter, SettingMailsPerNewWorkspace, SettingMailsPerWorkspace,
			},
		},
		{
			Name: "accept", Purpose: "the invited person's side: redirect, preview, accept, decline, unsubscribe, report",
			MemoryMB: 256, Timeout: httpTimeout,
			Routes: []Route{
				{"GET", "/invite/{token}", "followInvitation", Public, public},
				{"GET", "/v1/invitations/{token}", "previewInvitation", Public, public},
				{"POST", "/v1/invitations/{token}/accept", "acceptInvitation", SignedIn, usual},
				{"POST", "/v1/invitations/{token}/decline", "declineInvitation", Public, public},
				{"GET", "/v1/invitations/{token}/unsubscribe", "askUnsubscribe", Public, public},
				{"POST", "/v1/invitations/{token}/unsubscribe", "unsubscribeInvitation", Public, public},
				{"GET", "/v1/invitations/{token}/report", "askReport", Public, public},
				{"POST", "/v1/invitations/{token}/report", "reportInvitation", Public, public},
			},
			Permissions: []Permission{
				{Read, OnTable, []string{"WS#*", "ACCOUNT#*"}, "the invitation, its workspace and inviter, whether the person has an account"},
				{Insert, OnTable, accountKeys, "accepting makes the account known"},
				{Query, OnByEmail, nil, "where else this email is invited"},
				{Change, OnTable, workspaceKeys, "accept, decline, unsubscribe, report; requested to invited, the counts of users, admins and reports"},
				{Fetch, OnLinkKey, nil, "verify the link"},
				{Unwrap, OnMetadataKey, nil, "show the person their own metadata"},
			},
			Settings: []Setting{SettingTable, SettingLinkKey, SettingMetadataKey, SettingDashboardURL, SettingReportsToPause},
		},
		{
			Name: "list", Purpose: "list users, read one, the history, my workspaces; reads only",
			MemoryMB: 256, Timeout: httpTimeout,
			Routes: []Route{
				{"GET", "/v1/workspaces/{workspace}/users", "listUsers", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/users/{user}", "getUser", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/users/{user}/history", "listUserHistory", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/history", "listHistory", SignedIn, usual},
				{"GET", "/v1/me/workspaces", "listMyWorkspaces", SignedIn, usual},
			},
			Permissions: []Permission{
				{Read, OnTable, workspaceKeys, "workspaces, single users, the counts of users"},
				{Query, OnTable, []string{"HISTORY#*"}, "the history of a user"},
				{Query, OnByStatus, nil, "the users and the history of a workspace"},
				{Query, OnByEmail, nil, "the caller's workspaces"},
				{Unwrap, OnMetadataKey, nil, "show metadata, seal cursors"},
			},
			Settings: []Setting{SettingTable, SettingMetadataKey},
		},
		{
			Name: "update", Purpose: "edit a user's name, role, groups and metadata",
			MemoryMB: 256, Timeout: httpTimeout,
			Routes: []Route{
				{"PATCH", "/v1/workspaces/{workspace}/users/{user}", "updateUser", SignedIn, usual},
			},
			Permissions: []Permission{
				{Read, OnTable, workspaceKeys, "the user, the caller, the workspace, the groups"},
				{Change, OnTable, workspaceKeys, "the user, the count of admins"},
				{Unwrap, OnMetadataKey, nil, "merge metadata, show it to the admin"},
			},
			Settings: []Setting{SettingTable, SettingMetadataKey},
		},
		{
			Name: "archive", Purpose: "archive, restore and erase users, one or many",
			MemoryMB: 256, Timeout: batchTimeout,
			Routes: []Route{
				{"POST", "/v1/workspaces/{workspace}/users/{user}/archive", "archiveUser", SignedIn, usual},
				{"POST", "/v1/workspaces/{workspace}/users/{user}/restore", "restoreUser", SignedIn, usual},
				{"DELETE", "/v1/workspaces/{workspace}/users/{user}", "eraseUser", SignedIn, usual},
				{"POST", "/v1/workspaces/{workspace}/users/batch/archive", "archiveUsers", SignedIn, batch},
				{"POST", "/v1/workspaces/{workspace}/users/batch/restore", "restoreUsers", SignedIn, batch},
				{"POST", "/v1/accounts/archive", "archiveAccount", SignedIn, batch},
			},
			Permissions: []Permission{
				{Read, OnTable, []string{"WS#*", "ACCOUNT#*"}, "the user, the caller, the workspace, whether the person has an account"},
				{Query, OnByEmail, nil, "the workspaces of an account that is archived"},
				{Query, OnByDue, nil, "seats of invitations whose time has passed, where a restored user needs one"},
				{Insert, OnTable, workspaceKeys, "what is left of an erased user"},
				{Change, OnTable, workspaceKeys, "the user's status, the counts of users, admins, seats and mails"},
				{Fetch, OnLinkKey, nil, "the new link of a restored invitation"},
				{Unwrap, OnMetadataKey, nil, "show metadata to the admin"},
			},
			Settings: []Setting{
				SettingTable, SettingLinkKey, SettingMetadataKey, SettingAPIURL,
				SettingMailsPerInviter, SettingMailsPerNewWorkspace, SettingMailsPerWorkspace,
			},
		},
		{
			Name: "expire", Purpose: "lapse stale invitations, send reminders, end deletions of groups",
			MemoryMB: 256, Timeout: 4 * time.Minute, ReservedConcurrency: 1, // two sweeps at once would do the same work twice
			Schedule: &Schedule{Name: "expire", Every: 5 * time.Minute, Retries: 1},
			Permissions: []Permission{
				{Query, OnByDue, nil, "what is due"},
				{Query, OnByStatus, nil, "the users of a group that is deleted"},
				{Read, OnTable, workspaceKeys, "the user as it is now"},
				{Change, OnTable, workspaceKeys, "expired, reminded, out of a deleted group; the counts of users and mails"},
				{Remove, OnTable, workspaceKeys, "a deleted group that nobody is in any more"},
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
				{Change, OnTable, workspaceKeys, "requested to invited, the counts of users"},
			},
			Settings: []Setting{SettingTable},
		},
		{
			Name: "publish", Purpose: "table stream to domain events: into the history and onto the bus",
			MemoryMB: 256, Timeout: 30 * time.Second,
			Stream: &StreamSource{
				Filter: []map[string]any{{
					"eventName": []any{"INSERT", "MODIFY"},
					"dynamodb":  map[string]any{"NewImage": map[string]any{AttrEntity: map[string]any{"S": []any{"user", "workspace", "erased"}}}},
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
			MemoryMB: 256, Timeout: mailTimeout, ReservedConcurrency: MailConcurrency, // mail goes out however many requests come in
			Queue: &QueueSource{Queue: QueueMail, BatchSize: 1, MaxConcurrency: MailConcurrency},
			Permissions: []Permission{
				{Read, OnTable, []string{"WS#*", "ACCOUNT#*"}, "the invitation as it is now, its workspace and inviter, whether the person has an account"},
				{Insert, OnTable, workspaceKeys, "the claim of a mail"},
				{Change, OnTable, workspaceKeys, "the claim's mark, the delivery state, requested to invited, the counts of users"},
				{Fetch, OnLinkKey, nil, "derive the link"},
				{Send, OnSender, nil, "the mail"},
			},
			Settings: []Setting{
				SettingTable, SettingLinkKey, SettingAPIURL, SettingDashboardURL,
				SettingMailFrom, SettingMailConfigurationSet, SettingMailAttempts, SettingMailInterval,
			},
		},
		{
			Name: "feedback", Purpose: "SES's notices of what became of a mail to the invitation's delivery state",
			MemoryMB: 256, Timeout: feedbackTimeout,
			Queue: &QueueSource{Queue: QueueFeedback, BatchSize: 10, MaxConcurrency: 5},
			Permissions: []Permission{
				{Change, OnTable, workspaceKeys, "the delivery state"},
			},
			Settings: []Setting{SettingTable},
		},
	}
}
