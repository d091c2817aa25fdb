package blueprint

import (
	"time"

	"github.com/latchkey/latchkey/shared/setting"
)

const (
	httpTimeout     = 10 * time.Second
	batchTimeout    = 28 * time.Second // the gateway waits for 30
	mailTimeout     = 30 * time.Second
	feedbackTimeout = 30 * time.Second
	importTimeout   = time.Minute // a chunk of 500 people takes seconds
)

// Throttles at the gateway, each shared by all callers of its route: an HTTP API
// has no other key for them. API Gateway counts a request before the authorizer
// checks its token, so a stranger could use up a tight throttle and lock everyone
// out.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
var (
	usual = Throttle{Rate: 500, Burst: 1000}
	// batch bounds work: of calls for up to 500 people each, which take some
	// five seconds, a hundred a second keep half of the 1,000 runs busy that
	// Lambda gives an account.
	batch = Throttle{Rate: 100, Burst: 200}
	// looking is for the public GETs, which write nothing. Mail scanners call
	// them for every mail of every tenant: at 14 mails a second, the rate that
	// SES gives a new account, 35 requests for each mail fit. 500 a second of
	// some 15 ms keep 8 runs busy, fewer than the 10 that Lambda gives a new
	// account; at 2 USD a million, a flood costs 3.60 USD an hour.
	looking = usual
	// answering is for the public POSTs, which write. Scanners do not send them,
	// and a mail client sends one for a person's click (RFC 8058).
	answering = Throttle{Rate: 50, Burst: 100}
)

// Keys of the table that permissions name.
var (
	workspaceKeys = []string{"WS#*"}
	invitingKeys  = []string{"WS#*", "ACCOUNT#*", "RECIPIENT#*", "INVITER#*"} // all that an invitation depends on
	mailingKeys   = []string{"WS#*", "RECIPIENT#*", "INVITER#*"}              // all that a mail is counted in
	linkKeys      = []string{"LINKKEYS"}
)

// Functions are all functions, in the order in which a newcomer would ask about
// them. A function that people wait for has the memory size that keeps its 99th
// percentile under 30 ms; docs/performance.md says why.
func Functions() []Function {
	concurrency := MailConcurrency(DefaultMailRate)
	return []Function{
		{
			Name: "workspace", Purpose: "create and read a workspace, change its settings and groups, delete and restore it",
			MemoryMB: 512, Timeout: httpTimeout,
			Routes: []Route{
				{"POST", "/v1/workspaces", "createWorkspace", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}", "getWorkspace", SignedIn, usual},
				{"PATCH", "/v1/workspaces/{workspace}", "updateWorkspace", SignedIn, usual},
				{"DELETE", "/v1/workspaces/{workspace}", "deleteWorkspace", SignedIn, usual},
				{"POST", "/v1/workspaces/{workspace}/restore", "restoreWorkspace", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/groups", "listGroups", SignedIn, usual},
				{"PUT", "/v1/workspaces/{workspace}/groups/{group}", "putGroup", SignedIn, usual},
				{"DELETE", "/v1/workspaces/{workspace}/groups/{group}", "deleteGroup", SignedIn, usual},
			},
			Permissions: []Permission{
				{Read, OnTable, []string{"WS#*", "INVITER#*"}, "the workspace, the caller's own user record, the seats in use, the workspaces made today"},
				{Query, OnTable, workspaceKeys, "the groups"},
				{Query, OnByStatus, nil, "the users of a group that is deleted"},
				{Query, OnByDue, nil, "seats of invitations whose time has passed, where a seat limit needs them"},
				{Insert, OnTable, []string{"WS#*", "SLUG#*"}, "a new workspace, its slug and its first admin"},
				{Change, OnTable, []string{"WS#*", "INVITER#*"}, "settings, groups, deletion, seats, users who leave a deleted group, the count of workspaces made today"},
				{Remove, OnTable, workspaceKeys, "users from the list of a deleted group"},
				{MakeKey, OnMetadataKey, nil, "the data key of a new workspace"},
			},
			Settings: []setting.Definition{
				setting.Table, setting.MetadataKey, setting.WorkspaceCreation, setting.WorkspacesPerAccount, setting.LogoHosts,
			},
		},
		{
			Name: "invite", Purpose: "invite one or many, prepare imports, send invitations again, correct an email, copy a link",
			MemoryMB: 512, Timeout: batchTimeout, // a batch of 500 is much at once
			Routes: []Route{
				{"POST", "/v1/workspaces/{workspace}/users", "inviteUser", SignedIn, usual},
				{"POST", "/v1/workspaces/{workspace}/users/batch", "inviteUsers", SignedIn, batch},
				{"POST", "/v1/workspaces/{workspace}/users/batch/resend", "resendInvitations", SignedIn, batch},
				{"POST", "/v1/workspaces/{workspace}/users/{user}/resend", "resendInvitation", SignedIn, usual},
				{"POST", "/v1/workspaces/{workspace}/users/{user}/email", "correctEmail", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/users/{user}/link", "getInvitationLink", SignedIn, usual},
				{"POST", "/v1/workspaces/{workspace}/imports", "createImport", SignedIn, usual},
				{"POST", "/v1/workspaces/{workspace}/imports/{import}/rows", "addImportRows", SignedIn, batch},
				{"POST", "/v1/workspaces/{workspace}/imports/{import}/start", "startImport", SignedIn, usual},
				{"POST", "/v1/workspaces/{workspace}/imports/{import}/cancel", "cancelImport", SignedIn, usual},
			},
			Permissions: []Permission{
				{Read, OnTable, invitingKeys, "workspace, caller, groups, counts, whether the person has an account and takes mail"},
				{Query, OnTable, workspaceKeys, "how many imports there are"},
				{Query, OnByDue, nil, "seats of invitations whose time has passed, where one is needed"},
				{Insert, OnTable, []string{"WS#*", "RECIPIENT#*"}, "the invited users, into the lists of their groups, their mailboxes, what is left under a corrected email, imports, the answer to a call with an Idempotency-Key"},
				{InsertMany, OnTable, workspaceKeys, "into the lists of more groups than a transaction has room for"},
				{Remove, OnTable, workspaceKeys, "a corrected email from the lists of its groups"},
				{Change, OnTable, []string{"WS#*", "INVITER#*"}, "a new generation on resend, the counts of users, seats and mails"},
				{Read, OnTable, linkKeys, "the link keys, wrapped"},
				{Unwrap, OnLinkKeys, nil, "derive the link"},
				{MakeKey, OnLinkKeys, nil, "the first link key"},
				{Insert, OnTable, linkKeys, "the same"},
				{Unwrap, OnMetadataKey, nil, "encrypt metadata, show it to the admin"},
			},
			Settings: []setting.Definition{
				setting.Table, setting.MetadataKey, setting.APIURL,
				setting.MailsPerInviter, setting.MailsPerNewWorkspace, setting.MailsPerWorkspace,
			},
		},
		{
			Name: "accept", Purpose: "the invited person's side: redirect, preview, accept, decline, ask for a new link, unsubscribe, report",
			MemoryMB: 512, Timeout: httpTimeout,
			Routes: []Route{
				{"GET", "/invite/{token}", "followInvitation", Public, looking},
				{"GET", "/v1/invitations/{token}", "previewInvitation", Public, looking},
				{"POST", "/v1/invitations/{token}/accept", "acceptInvitation", SignedIn, usual},
				{"POST", "/v1/invitations/{token}/decline", "declineInvitation", Public, answering},
				{"POST", "/v1/invitations/{token}/ask", "askAgain", Public, answering},
				{"POST", "/v1/me/workspaces/{workspace}/accept", "acceptMine", SignedIn, usual},
				{"POST", "/v1/me/workspaces/{workspace}/decline", "declineMine", SignedIn, usual},
				{"POST", "/v1/me/workspaces/{workspace}/ask", "askMine", SignedIn, usual},
				{"GET", "/v1/invitations/{token}/unsubscribe", "askUnsubscribe", Public, looking},
				{"POST", "/v1/invitations/{token}/unsubscribe", "unsubscribeInvitation", Public, answering},
				{"POST", "/v1/invitations/{token}/resubscribe", "resubscribeInvitation", Public, answering},
				{"GET", "/v1/invitations/{token}/report", "askReport", Public, looking},
				{"POST", "/v1/invitations/{token}/report", "reportInvitation", Public, answering},
			},
			Permissions: []Permission{
				{Read, OnTable, []string{"WS#*", "ACCOUNT#*"}, "the invitation, its workspace and inviter, whether the person has an account"},
				{Insert, OnTable, workspaceKeys, "what the person says about mail"},
				{Remove, OnTable, workspaceKeys, "the same, when they want mail again"},
				{Query, OnByEmail, nil, "where else this email is invited"},
				{Change, OnTable, []string{"WS#*", "ACCOUNT#*"}, "accept, decline, ask, unsubscribe, report; the account becomes known; requested to invited, the counts of users, admins and reports"},
				{Read, OnTable, linkKeys, "the link keys, wrapped"},
				{Unwrap, OnLinkKeys, nil, "verify the link"},
				{Unwrap, OnMetadataKey, nil, "show the person their own metadata"},
			},
			Settings: []setting.Definition{setting.Table, setting.MetadataKey, setting.DashboardURL, setting.ReportsToPause},
		},
		{
			Name: "list", Purpose: "list users, read one, the history, the statistics, imports, my workspaces; reads only",
			MemoryMB: 512, Timeout: httpTimeout,
			Routes: []Route{
				{"GET", "/v1/workspaces/{workspace}/users", "listUsers", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/users/{user}", "getUser", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/users/{user}/history", "listUserHistory", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/history", "listHistory", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/statistics", "getStatistics", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/imports", "listImports", SignedIn, usual},
				{"GET", "/v1/workspaces/{workspace}/imports/{import}", "getImport", SignedIn, usual},
				{"GET", "/v1/me/workspaces", "listMyWorkspaces", SignedIn, usual},
			},
			Permissions: []Permission{
				{Read, OnTable, workspaceKeys, "workspaces, single users, the counts of users"},
				{Query, OnTable, []string{"WS#*", "HISTORY#*"}, "the users of a group, the history of a user, the statistics, imports"},
				{Query, OnByCreation, nil, "the users of a workspace"},
				{Query, OnByRole, nil, "its users of a role"},
				{Query, OnByStatus, nil, "its users of some statuses, its history"},
				{Query, OnByEmail, nil, "the caller's workspaces"},
				{Unwrap, OnMetadataKey, nil, "show metadata, seal cursors"},
			},
			Settings: []setting.Definition{setting.Table, setting.MetadataKey},
		},
		{
			Name: "update", Purpose: "edit a user's name, role, groups and metadata",
			MemoryMB: 512, Timeout: httpTimeout,
			Routes: []Route{
				{"PATCH", "/v1/workspaces/{workspace}/users/{user}", "updateUser", SignedIn, usual},
			},
			Permissions: []Permission{
				{Read, OnTable, workspaceKeys, "the user, the caller, the workspace, the groups"},
				{Change, OnTable, workspaceKeys, "the user, the count of admins"},
				{Insert, OnTable, workspaceKeys, "the user into the list of a group"},
				{InsertMany, OnTable, workspaceKeys, "the same, for more groups than a transaction has room for"},
				{Remove, OnTable, workspaceKeys, "the user from the list of a group"},
				{Unwrap, OnMetadataKey, nil, "merge metadata, show it to the admin"},
			},
			Settings: []setting.Definition{setting.Table, setting.MetadataKey},
		},
		{
			Name: "archive", Purpose: "archive, restore and erase users, one or many; leave a workspace",
			MemoryMB: 512, Timeout: batchTimeout,
			Routes: []Route{
				{"POST", "/v1/workspaces/{workspace}/users/{user}/archive", "archiveUser", SignedIn, usual},
				{"POST", "/v1/workspaces/{workspace}/users/{user}/restore", "restoreUser", SignedIn, usual},
				{"DELETE", "/v1/workspaces/{workspace}/users/{user}", "eraseUser", SignedIn, usual},
				{"POST", "/v1/workspaces/{workspace}/users/batch/archive", "archiveUsers", SignedIn, batch},
				{"POST", "/v1/workspaces/{workspace}/users/batch/restore", "restoreUsers", SignedIn, batch},
				{"POST", "/v1/workspaces/{workspace}/users/me/leave", "leaveWorkspace", SignedIn, usual},
				{"POST", "/v1/accounts/archive", "archiveAccount", SignedIn, batch},
			},
			Permissions: []Permission{
				{Read, OnTable, mailingKeys, "the user, the caller, the workspace, the counts, whether the person takes mail"},
				{Query, OnByEmail, nil, "the workspaces of an account that is archived"},
				{Query, OnTable, workspaceKeys, "the rows of imports, where somebody is erased"},
				{Query, OnByDue, nil, "seats of invitations whose time has passed, where a restored user needs one"},
				{Insert, OnTable, []string{"WS#*", "RECIPIENT#*", "ACCOUNT#*"}, "what is left of an erased user, the mailbox of a restored one, a departed account for the schedule"},
				{Change, OnTable, []string{"WS#*", "INVITER#*"}, "the user's status, the counts of users, admins, seats and mails; an erased person's rows of imports"},
				{Remove, OnTable, workspaceKeys, "an erased user from the lists of their groups"},
				{Read, OnTable, linkKeys, "the link keys, wrapped"},
				{Unwrap, OnLinkKeys, nil, "the new link of a restored invitation"},
				{MakeKey, OnLinkKeys, nil, "the first link key"},
				{Insert, OnTable, linkKeys, "the same"},
				{Unwrap, OnMetadataKey, nil, "show metadata to the admin"},
			},
			Settings: []setting.Definition{
				setting.Table, setting.MetadataKey, setting.APIURL,
				setting.MailsPerInviter, setting.MailsPerNewWorkspace, setting.MailsPerWorkspace,
			},
		},
		{
			Name: "expire", Purpose: "end stale invitations, let scheduled mails and reminders go, finish deletions of groups and workspaces, revive imports",
			MemoryMB: 1024, Timeout: 4 * time.Minute, ReservedConcurrency: 1, // two sweeps at once would do the same work twice
			Schedule: &Schedule{Name: "expire", Every: 5 * time.Minute, Retries: 1},
			Permissions: []Permission{
				{Query, OnByDue, nil, "what is due"},
				{Query, OnByStatus, nil, "the users of a group that is deleted"},
				{Query, OnByEmail, nil, "the workspaces of an account that was archived everywhere"},
				{Read, OnTable, invitingKeys, "the user as it is now, the counts, whether they take mail; a departed account"},
				{Query, OnTable, []string{"WS#*", "HISTORY#*"}, "what a workspace holds that is to be erased"},
				{Insert, OnTable, []string{"WS#*", "RECIPIENT#*"}, "the mailbox of a person who is mailed, the tombstone of an erased workspace, an import that has stalled"},
				{Change, OnTable, []string{"WS#*", "INVITER#*"}, "expired, reminded, mailed, archived, out of a deleted group; the counts of users and mails"},
				{Remove, OnTable, []string{"WS#*", "ACCOUNT#*", "SLUG#*"}, "a deleted group that nobody is in any more, users from its list; a departed account; the slug of an erased workspace"},
				{RemoveMany, OnTable, []string{"WS#*", "HISTORY#*"}, "what is in an erased workspace"},
			},
			Settings: []setting.Definition{setting.Table, setting.MailsPerInviter, setting.MailsPerNewWorkspace, setting.MailsPerWorkspace},
		},
		{
			Name: "import", Purpose: "work through imports, a chunk at a time",
			MemoryMB: 512, Timeout: importTimeout,
			// Each step changes the import, which calls for the next one. A stream
			// costs nothing while nothing is written, and a queue would be polled.
			Stream: &StreamSource{
				Filter: []map[string]any{{
					"eventName": []any{"INSERT", "MODIFY"},
					"dynamodb": map[string]any{"NewImage": map[string]any{
						AttrEntity: map[string]any{"S": []any{"import"}}, AttrStatus: map[string]any{"S": []any{"running", "canceling"}},
					}},
				}},
				// A step that fails for longer waits for the schedule, so that it
				// does not keep the imports of others waiting.
				BatchSize: 1, MaxRetries: 5, MaxRecordAge: time.Hour,
				OnFailure: QueuePublishFailures,
			},
			Permissions: []Permission{
				{Read, OnTable, invitingKeys, "the import and its rows, workspace, who started it, groups, counts, whether people have an account and take mail"},
				{Query, OnByDue, nil, "seats of invitations whose time has passed, where one is needed"},
				{Insert, OnTable, []string{"WS#*", "RECIPIENT#*"}, "the invited users, into the lists of their groups, their mailboxes, the import and what became of its rows"},
				{InsertMany, OnTable, workspaceKeys, "into the lists of more groups than a transaction has room for"},
				{Change, OnTable, []string{"WS#*", "INVITER#*"}, "the counts of users, seats and mails"},
				{Unwrap, OnMetadataKey, nil, "read the rows, encrypt metadata"},
			},
			Settings: []setting.Definition{
				setting.Table, setting.MetadataKey,
				setting.MailsPerInviter, setting.MailsPerNewWorkspace, setting.MailsPerWorkspace,
			},
		},
		{
			Name: "account", Purpose: "a person's account becomes known: requested turns into invited",
			MemoryMB: 512, Timeout: httpTimeout,
			OnAccountConfirmed: true,
			Routes: []Route{
				{"PUT", "/v1/me", "recordAccount", SignedIn, usual},
			},
			Permissions: []Permission{
				{Query, OnByEmail, nil, "where this email is invited"},
				{Read, OnTable, workspaceKeys, "the user as it is now"},
				{Change, OnTable, []string{"WS#*", "ACCOUNT#*"}, "the account; requested to invited, the counts of users"},
			},
			Settings: []setting.Definition{setting.Table},
		},
		{
			Name: "publish", Purpose: "table stream to domain events: into the history and the statistics, and onto the bus",
			MemoryMB: 256, Timeout: 30 * time.Second,
			Stream: &StreamSource{
				Filter: []map[string]any{{
					"eventName": []any{"INSERT", "MODIFY"},
					"dynamodb":  map[string]any{"NewImage": map[string]any{AttrEntity: map[string]any{"S": []any{"user", "workspace", "erased"}}}},
				}},
				// Lambda's other defaults hold: no window, one batch of a shard at
				// a time. docs/scale.md has the arithmetic.
				BatchSize: 100, MaxRetries: 50, MaxRecordAge: 12 * time.Hour, BisectOnError: true,
				OnFailure: QueuePublishFailures, AgeAlarm: "stream-age",
			},
			Permissions: []Permission{
				{InsertMany, OnTable, []string{"HISTORY#*"}, "history entries"},
				{Read, OnTable, []string{"HISTORY#*"}, "the statistics of a day"},
				{Insert, OnTable, []string{"HISTORY#*"}, "the same, with what has happened since"},
				{Publish, OnBus, nil, "domain events"},
			},
			Settings: []setting.Definition{setting.Table, setting.Bus, setting.HistoryDays},
		},
		{
			Name: "mail", Purpose: "domain events to SES: everything that is written to a person",
			MemoryMB: 256, Timeout: mailTimeout, ReservedConcurrency: concurrency, // mail leaves under any load of requests
			Queue: &QueueSource{Queue: QueueMail, BatchSize: 1, MaxConcurrency: concurrency},
			Permissions: []Permission{
				{Read, OnTable, []string{"WS#*", "ACCOUNT#*"}, "the invitation as it is now, its workspace and inviter, whether the person has an account"},
				{Query, OnByRole, nil, "an admin to tell that somebody asks for a new link, where the inviter is none any more"},
				{Query, OnByStatus, nil, "the same, before that index has the users"},
				{Insert, OnTable, workspaceKeys, "the claim of a mail"},
				{Change, OnTable, workspaceKeys, "the claim's mark, the delivery state, requested to invited, the counts of users and of the day's notices"},
				{Read, OnTable, linkKeys, "the link keys, wrapped"},
				{Unwrap, OnLinkKeys, nil, "derive the link"},
				{MakeKey, OnLinkKeys, nil, "the first link key"},
				{Insert, OnTable, linkKeys, "the same"},
				{Send, OnSender, nil, "the mail"},
			},
			Settings: []setting.Definition{
				setting.Table, setting.MetadataKey, setting.APIURL, setting.DashboardURL,
				setting.MailFrom, setting.MailConfigurationSet, setting.MailAttempts, setting.MailInterval,
			},
		},
		{
			Name: "feedback", Purpose: "SES's notices of what became of a mail to the invitation's delivery state",
			MemoryMB: 256, Timeout: feedbackTimeout,
			Queue: &QueueSource{Queue: QueueFeedback, BatchSize: 10, MaxConcurrency: 5},
			Permissions: []Permission{
				{Read, OnTable, []string{"WS#*", "RECIPIENT#*"}, "the user whose mail was returned or called spam"},
				{Insert, OnTable, []string{"WS#*", "RECIPIENT#*"}, "an address that takes no mail, a person who called a mail spam"},
				{Change, OnTable, workspaceKeys, "the delivery state"},
			},
			Settings: []setting.Definition{setting.Table},
		},
	}
}
