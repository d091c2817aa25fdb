package sample

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/identity"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/user"
)

// Event is one sample: a file of events/, for a function, and what the function
// shall answer to it.
type Event struct {
	File     string // <function>.json or <function>-<what>.json
	Function string
	Route    string // route key; "" for other triggers
	Payload  any
	Status   int // HTTP status; 0 for other triggers
}

type m = map[string]any

// Events are all samples, in an order in which they can be run one after
// another on one table.
func Events() ([]Event, error) {
	john, err := Token(link.Accept, "john@corp.com")
	if err != nil {
		return nil, err
	}
	dora, err := Token(link.Accept, "dora@corp.com")
	if err != nil {
		return nil, err
	}
	optOut, err := Token(link.OptOut, "dora@corp.com")
	if err != nil {
		return nil, err
	}
	abuse, err := Token(link.Report, "dora@corp.com")
	if err != nil {
		return nil, err
	}
	ws := m{"workspace": WorkspaceID}
	list, other := m{"workspace": WorkspaceID, "import": ImportIDs[0]}, m{"workspace": WorkspaceID, "import": ImportIDs[1]}
	of := func(email string) m { return m{"workspace": WorkspaceID, "user": user.IDFor(WorkspaceID, email)} }
	users := func(emails ...string) m {
		var ids []string
		for _, email := range emails {
			ids = append(ids, user.IDFor(WorkspaceID, email))
		}
		return m{"users": ids}
	}
	calls := []call{
		{"workspace", "createWorkspace", 201, "ada@corp.com", nil, m{"name": "Nexus"}},
		{"workspace-get", "getWorkspace", 200, "ada@corp.com", ws, nil},
		{"workspace-update", "updateWorkspace", 200, "ada@corp.com", ws, m{"invitationDays": 14, "timezone": "Europe/Berlin"}},
		{"workspace-put-group", "putGroup", 201, "ada@corp.com", m{"workspace": WorkspaceID, "group": "manager"}, m{"name": "Manager"}},
		{"workspace-list-groups", "listGroups", 200, "bob@corp.com", ws, nil},
		{"invite", "inviteUser", 201, "ada@corp.com", ws, m{"name": "Zoe Zed", "email": "zoe@corp.com", "role": "builder", "groups": []string{"manager"}, "metadata": m{"apiKey": "abc123"}}},
		{"invite-link", "getInvitationLink", 200, "ada@corp.com", of("john@corp.com"), nil},
		{"invite-resend", "resendInvitation", 200, "ada@corp.com", of("mary@corp.com"), nil},
		{"accept-follow", "followInvitation", 302, "", m{"token": john}, nil},
		{"accept-preview", "previewInvitation", 200, "", m{"token": john}, nil},
		{"accept-decline", "declineInvitation", 200, "", m{"token": dora}, nil},
		{"accept-ask", "askAgain", 204, "", m{"token": dora}, nil},
		{"accept-ask-unsubscribe", "askUnsubscribe", 200, "", m{"token": optOut}, nil},
		{"accept-unsubscribe", "unsubscribeInvitation", 204, "", m{"token": optOut}, form("List-Unsubscribe=One-Click")},
		{"accept-resubscribe", "resubscribeInvitation", 204, "", m{"token": optOut}, nil},
		{"accept-ask-report", "askReport", 200, "", m{"token": abuse}, nil},
		{"accept-report", "reportInvitation", 204, "", m{"token": abuse}, nil},
		{"accept", "acceptInvitation", 200, "john@corp.com", m{"token": john}, nil},
		{"accept-mine", "acceptMine", 200, "mary@corp.com", ws, nil},
		{"accept-decline-mine", "declineMine", 200, "zoe@corp.com", ws, nil},
		{"accept-ask-mine", "askMine", 204, "zoe@corp.com", ws, nil},
		{"invite-batch", "inviteUsers", 200, "ada@corp.com", ws, m{"users": []m{
			{"name": "Max Many", "email": "max@corp.com", "role": "builder", "groups": []string{"manager"}},
			{"name": "Mona Many", "email": "mona@corp.com", "role": "end-user", "sendEmail": false},
			{"name": "Nora Typo", "email": "nora@crop.com", "role": "end-user", "sendEmail": false},
		}}},
		{"invite-batch-csv", "inviteUsers", 200, operator, ws, "name,email,role,groups,metadata\r\nCeline Sheet,celine@corp.com,builder,manager,\"{\"\"region\"\":\"\"eu\"\"}\"\r\n"},
		{"invite-import", "createImport", 201, "ada@corp.com", ws, nil},
		// These are there already: nobody comes of it later.
		{"invite-import-rows", "addImportRows", 200, "ada@corp.com", m{"workspace": WorkspaceID, "import": ImportIDs[0], "?firstRow": "1"}, m{"users": []m{
			{"name": "Bob Builder", "email": "bob@corp.com", "role": "builder", "groups": []string{"manager"}},
			{"name": "John Doe", "email": "john@corp.com", "role": "end-user"},
		}}},
		{"invite-import-start", "startImport", 200, "ada@corp.com", list, nil},
		{"invite-import-cancel", "cancelImport", 200, "ada@corp.com", other, nil},
		{"invite-batch-resend", "resendInvitations", 200, "ada@corp.com", ws, users("nina@corp.com")},
		{"invite-email", "correctEmail", 200, "ada@corp.com", of("nora@crop.com"), m{"email": "nora@corp.com"}},
		{"update", "updateUser", 200, "ada@corp.com", of("bob@corp.com"), m{"name": "Bob B. Builder", "groups": []string{"manager"}, "metadata": m{"region": "eu"}}},
		{"list", "listUsers", 200, "ada@corp.com", ws, nil},
		{"list-get", "getUser", 200, "ada@corp.com", of("bob@corp.com"), nil},
		{"list-mine", "listMyWorkspaces", 200, "bob@corp.com", nil, nil},
		{"list-history", "listHistory", 200, "ada@corp.com", ws, nil},
		{"list-statistics", "getStatistics", 200, "ada@corp.com", ws, nil},
		{"list-imports", "listImports", 200, "ada@corp.com", ws, nil},
		{"list-import", "getImport", 200, "ada@corp.com", list, nil},
		{"list-user-history", "listUserHistory", 200, "ada@corp.com", of("bob@corp.com"), nil},
		{"archive", "archiveUser", 200, "ada@corp.com", of("bob@corp.com"), nil},
		{"archive-restore", "restoreUser", 200, "ada@corp.com", of("jane@corp.com"), nil},
		{"archive-batch", "archiveUsers", 200, "ada@corp.com", ws, users("max@corp.com", "mona@corp.com")},
		{"archive-batch-restore", "restoreUsers", 200, "ada@corp.com", ws, users("bob@corp.com")},
		{"archive-leave", "leaveWorkspace", 204, "john@corp.com", ws, nil},
		{"archive-account", "archiveAccount", 200, operator, nil, m{"email": "celine@corp.com"}},
		{"archive-erase", "eraseUser", 204, "ada@corp.com", of("dora@corp.com"), nil},
		{"workspace-delete-group", "deleteGroup", 204, "ada@corp.com", m{"workspace": WorkspaceID, "group": "manager"}, nil},
		{"workspace-delete", "deleteWorkspace", 200, "ada@corp.com", ws, m{"slug": "sample"}},
		{"workspace-restore", "restoreWorkspace", 200, operator, ws, nil},
		{"account", "recordAccount", 204, "mary@corp.com", nil, nil},
	}
	first, last := triggers()
	events := first
	for _, c := range calls {
		e, err := c.event()
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return append(events, last...), nil
}

// call is one HTTP request of the sample.
type call struct {
	file, operation string
	status          int
	as              string // whose token: a person's email, or operator; "" for nobody's
	params          m      // of the path; those of the query begin with ?
	body            any    // an object, a form, or CSV as a string
}

type form string

// operator stands for a backend's token, in place of a person's.
const operator = "operator"

func (c call) event() (Event, error) {
	function, route := routeOf(c.operation)
	path := route.Path
	inPath, query := m{}, m{}
	for name, value := range c.params {
		if name, ok := strings.CutPrefix(name, "?"); ok {
			query[name] = value
			continue
		}
		inPath[name] = value
		path = strings.ReplaceAll(path, "{"+name+"}", value.(string))
	}
	http := m{"method": route.Method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "sample"}
	requestContext := m{
		"accountId": "000000000000", "apiId": "sample", "domainName": "127.0.0.1", "domainPrefix": "127",
		"http": http, "requestId": "sample-" + c.file, "routeKey": route.Key(), "stage": "$default",
		"time": Begin.Format("02/Jan/2006:15:04:05 -0700"), "timeEpoch": Begin.UnixMilli(),
	}
	headers := m{"accept": "application/json", "host": "127.0.0.1"}
	if c.as != "" {
		headers["authorization"] = "Bearer sample"
		claims := m{"sub": Subject(c.as), "email": c.as, "email_verified": "true", "name": Find(c.as).Name}
		if c.as == operator {
			claims = m{"sub": "billing", "client_id": "billing", "scope": identity.OperatorScope}
		}
		requestContext["authorizer"] = m{"jwt": m{"claims": claims, "scopes": nil}}
	}
	payload := m{
		"version": "2.0", "routeKey": route.Key(), "rawPath": path, "rawQueryString": "",
		"headers": headers, "requestContext": requestContext, "isBase64Encoded": false,
	}
	if len(inPath) > 0 {
		payload["pathParameters"] = inPath
	}
	if len(query) > 0 {
		payload["queryStringParameters"] = query
	}
	switch body := c.body.(type) {
	case nil:
	case form:
		headers["content-type"] = "application/x-www-form-urlencoded"
		payload["body"] = string(body)
	case string:
		headers["content-type"] = "text/csv"
		payload["body"] = body
	default:
		raw, err := json.Marshal(c.body)
		if err != nil {
			return Event{}, err
		}
		headers["content-type"] = "application/json"
		payload["body"] = string(raw)
	}
	return Event{File: c.file + ".json", Function: function, Route: route.Key(), Payload: payload, Status: c.status}, nil
}

func routeOf(operation string) (function string, route blueprint.Route) {
	for _, f := range blueprint.Functions() {
		for _, r := range f.Routes {
			if r.Operation == operation {
				return f.Name, r
			}
		}
	}
	return "", blueprint.Route{}
}

// queued is a message as Lambda gets it from a queue.
func queued(queue, body string) m {
	return m{"Records": []m{{
		"messageId": "00000000-0000-0000-0000-000000000001", "receiptHandle": "sample", "body": body,
		"attributes":        m{"ApproximateReceiveCount": "1", "SentTimestamp": "1767268860000", "SenderId": "sample", "ApproximateFirstReceiveTimestamp": "1767268860000"},
		"messageAttributes": m{}, "md5OfBody": "", "eventSource": "aws:sqs",
		"eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:" + queue, "awsRegion": "us-east-1",
	}}}
}

// triggers are the samples of everything that is no HTTP request: those that
// come before the requests, and those that come after.
func triggers() (first, last []Event) {
	john := User(Find("john@corp.com"))
	e := event.OfUser(john)
	envelope, err := json.Marshal(m{
		"version": "0", "id": "00000000-0000-0000-0000-000000000000", "detail-type": e.Type, "source": event.Source,
		"account": "000000000000", "time": e.Time.Format(time.RFC3339), "region": "us-east-1", "resources": []string{}, "detail": e,
	})
	if err != nil {
		envelope = nil // our own types: cannot fail
	}
	notice, err := json.Marshal(m{
		"eventType": "Bounce",
		"mail": m{"tags": m{
			"workspace": []string{WorkspaceID}, "user": []string{john.ID}, "kind": []string{"invitation"},
			"generation": []string{strconv.Itoa(john.Invitation.Generation)},
		}},
		"bounce": m{"bounceType": "Transient", "bounceSubType": "MailboxFull", "bouncedRecipients": []m{{"emailAddress": john.Email, "status": "4.2.2"}}},
	})
	if err != nil {
		notice = nil // plain values: cannot fail
	}
	text := func(s string) m { return m{"S": s} }
	first = []Event{
		// Before publish, whose event leads to the same mail.
		{File: "mail.json", Function: "mail", Payload: queued("mail", string(envelope))},
		{File: "feedback.json", Function: "feedback", Payload: queued("feedback", string(notice))},
		{File: "publish.json", Function: "publish", Payload: m{"Records": []m{{
			"eventID": "sample", "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
			"eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/latchkey/stream/2026-01-01T00:00:00.000",
			"dynamodb": m{
				"ApproximateCreationDateTime": Begin.Unix(), "SequenceNumber": "100000000000000000001", "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
				"Keys": m{"pk": text("WS#" + WorkspaceID), "sk": text("USER#" + john.ID)},
				"NewImage": m{
					"pk": text("WS#" + WorkspaceID), "sk": text("USER#" + john.ID), "entity": text("user"),
					"name": text(john.Name), "email": text(john.Email), "role": text(string(john.Role)), "status": text(string(john.Status)),
					"generation": m{"N": strconv.Itoa(john.Invitation.Generation)}, "version": m{"N": "1"}, "sendEmail": m{"BOOL": true},
					"last": m{"M": m{"id": text(john.Last.ID), "type": text(string(john.Last.Type)), "actor": text(john.Last.Actor), "at": text("2026-01-01T12:01:00.000Z")}},
				},
			},
		}}}},
	}
	last = []Event{
		// A turn of an import that was taken before.
		{File: "import.json", Function: "import", Payload: m{"Records": []m{{
			"eventID": "sample", "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
			"eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/latchkey/stream/2026-01-01T00:00:00.000",
			"dynamodb": m{
				"ApproximateCreationDateTime": Begin.Unix(), "SequenceNumber": "100000000000000000002", "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
				"Keys": m{"pk": text("WS#" + WorkspaceID), "sk": text("IMPORT#" + ImportIDs[0])},
				"NewImage": m{
					"pk": text("WS#" + WorkspaceID), "sk": text("IMPORT#" + ImportIDs[0]), "entity": text("import"), "status": text("running"),
					"rows": m{"N": "2"}, "next": m{"N": "1"}, "version": m{"N": "1"},
				},
			},
		}}}},
		{File: "account-confirmed.json", Function: "account", Payload: m{
			"version": "1", "region": "us-east-1", "userPoolId": "us-east-1_sample", "userName": Subject("nina@corp.com"),
			"callerContext": m{"awsSdkVersion": "sample", "clientId": "sample"},
			"triggerSource": "PostConfirmation_ConfirmSignUp",
			"request": m{"userAttributes": m{
				"sub": Subject("nina@corp.com"), "email": "nina@corp.com", "email_verified": "true", "cognito:user_status": "CONFIRMED",
			}},
			"response": m{},
		}},
		{File: "expire.json", Function: "expire", Payload: m{"now": Begin.Add(lasts + 24*time.Hour).Format(time.RFC3339)}},
	}
	return first, last
}
