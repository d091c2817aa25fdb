package recovery

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/tests/caller"
)

type fields = map[string]any

// start starts a stack on a data folder; stop ends it before the test does.
func start(t *testing.T, dataDir string) (s *local.Stack, stop func()) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	s, err = local.Start(t.Context(), local.Config{Root: root, Functions: filepath.Join(root, "build", "local"), DataDir: dataDir})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return s, stop
}

// office is a workspace and its admin.
type office struct {
	t        *testing.T
	stack    *local.Stack
	admin    caller.Caller
	id, path string
}

func found(t *testing.T, s *local.Stack) office {
	t.Helper()
	o := office{t: t, stack: s, admin: caller.Person(t, s.URL, "ada@corp.example", "Ada Admin")}
	var made struct{ ID string }
	o.admin.Send("POST", "/v1/workspaces", fields{"name": "Nexus", "slug": "nexus"}).Into(http.StatusCreated, &made)
	o.id, o.path = made.ID, "/v1/workspaces/"+made.ID
	return o
}

// on is the same workspace at a restarted stack.
func (o office) on(s *local.Stack) office {
	o.stack, o.admin = s, caller.Person(o.t, s.URL, "ada@corp.example", "Ada Admin")
	return o
}

// newUser is the body of an invitation without a mail.
func newUser(name string, of fields) fields {
	body := fields{"name": "Jane Doe", "email": name + "@corp.example", "role": "builder", "sendEmail": false}
	maps.Copy(body, of)
	return body
}

func (o office) invite(name string, of fields) (u caller.User) {
	o.t.Helper()
	o.admin.Send("POST", o.path+"/users", newUser(name, of)).Into(http.StatusCreated, &u)
	return u
}

func (o office) act(u caller.User, operation string, body any) caller.Answer {
	o.t.Helper()
	return o.admin.Send("POST", o.path+"/users/"+u.ID+"/"+operation, body)
}

func (o office) get(u caller.User) (now caller.User) {
	o.t.Helper()
	o.admin.Send("GET", o.path+"/users/"+u.ID, nil).Into(http.StatusOK, &now)
	return now
}

func (o office) person(u caller.User) caller.Caller {
	o.t.Helper()
	return caller.Person(o.t, o.stack.URL, u.Email, "Jane Doe")
}

func (o office) nobody() caller.Caller { return caller.Anyone(o.t, o.stack.URL) }

func (o office) accept(u caller.User) caller.Answer {
	o.t.Helper()
	return o.person(u).Send("POST", "/v1/invitations/"+u.Token()+"/accept", nil)
}

func (o office) counts() (counts map[string]int) {
	o.t.Helper()
	var page struct{ Counts map[string]int }
	o.admin.Send("GET", o.path+"/users?counts=true&limit=1", nil).Into(http.StatusOK, &page)
	return page.Counts
}

// mails waits until an address has had n mails from this stack, and returns
// their texts.
func (o office) mails(address string, n int) (texts []string) {
	o.t.Helper()
	caller.Eventually(o.t, 30*time.Second, func() error {
		if texts = o.inbox(address); len(texts) != n {
			return fmt.Errorf("%s has had %d mails, not %d", address, len(texts), n)
		}
		return nil
	})
	return texts
}

func (o office) inbox(address string) (texts []string) {
	o.t.Helper()
	var store struct {
		Emails []struct {
			Destination struct{ To []string }
			Body        struct{ Text string }
		}
	}
	caller.Anyone(o.t, o.stack.MailURL).Send("GET", "/store", nil).Into(http.StatusOK, &store)
	for _, m := range store.Emails {
		if slices.Contains(m.Destination.To, address) {
			texts = append(texts, m.Body.Text)
		}
	}
	return texts
}

// users is the items of all users, by their keys.
func (o office) users() map[string]map[string]types.AttributeValue {
	o.t.Helper()
	users := map[string]map[string]types.AttributeValue{}
	for _, item := range o.table() {
		if key := keyOf(item); strings.Contains(key, " USER#") {
			users[key] = item
		}
	}
	return users
}

func keyOf(item map[string]types.AttributeValue) string {
	return item["pk"].(*types.AttributeValueMemberS).Value + " " + item["sk"].(*types.AttributeValueMemberS).Value
}

// table is every item of the table.
func (o office) table() (items []map[string]types.AttributeValue) {
	o.t.Helper()
	pages := dynamodb.NewScanPaginator(o.stack.DB, &dynamodb.ScanInput{TableName: aws.String(local.TableName), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(o.t.Context())
		if err != nil {
			o.t.Fatal(err)
		}
		items = append(items, page.Items...)
	}
	return items
}
