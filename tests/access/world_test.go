package access

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
	"github.com/latchkey/latchkey/tests/caller"
)

type fields = map[string]any

// What people and integrators write, in a form that occurs nowhere else.
const (
	secretName    = "Quokkaname"
	secretMail    = "quokkamail-"
	secretDomain  = "quokkadomain.example"
	secretKey     = "quokkakey"
	secretValue   = "quokkavalue"
	secretMessage = "quokkamessage"
	secretGroup   = "Quokkagroup"
	secretCall    = "quokkacall-" // an Idempotency-Key
	secretQuery   = "quokkaquery"
	secretID      = "quokkaid"
)

// hiddenName is part of the names of both workspaces: no answer to a stranger
// holds it.
const hiddenName = "Hidden Harbor"

// world is a stack with two workspaces, and the people who are in the first.
type world struct {
	t       *testing.T
	stack   *local.Stack
	dataDir string
	links   link.Keys

	mine, foreign, absent place

	adminEmail, foreignAdmin            string
	pending, declined, archived, erased string
	builder, endUser                    string
}

// place is a workspace that an operation is tried in; one without an admin
// does not exist.
type place struct {
	*world
	id, path, slug string
	admin          *caller.Caller
	adminEmail     string
}

func newWorld(t *testing.T, cfg local.Config) *world {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dataDir: t.TempDir(), adminEmail: "ada@corp.example", foreignAdmin: "mallory@corp.example"}
	cfg.Root, cfg.Functions, cfg.DataDir = root, filepath.Join(root, "build", "local"), w.dataDir
	cfg.Settings = map[setting.Definition]string{
		setting.ReportsToPause: "100", setting.WorkspacesPerAccount: "100", setting.MailsPerInviter: "10000", setting.MailsPerNewWorkspace: "10000",
	}
	w.stack, err = local.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.stack.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w.mine, w.foreign = w.found(w.adminEmail), w.found(w.foreignAdmin)
	absent, err := id.Random(workspace.IDPrefix, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.absent = place{world: w, id: absent, path: "/v1/workspaces/" + absent}

	w.pending = w.mine.invite(nil).Email
	env := w.stack.Env()
	w.links, err = linkkey.New(store.FromEnv(env), datakey.FromEnv(env, rand.Reader), env).Keys(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	declined, erased := w.mine.invite(nil), w.mine.invite(nil)
	for _, u := range []caller.User{declined, erased} {
		caller.Anyone(t, w.stack.URL).Send("POST", "/v1/invitations/"+u.Token()+"/decline", nil).Into(http.StatusOK, nil)
	}
	w.mine.admin.Send("DELETE", w.mine.path+"/users/"+erased.ID, nil).Into(http.StatusNoContent, nil)
	w.declined, w.erased = declined.Email, erased.Email
	archived := w.mine.member(fields{"role": "admin"})
	w.mine.archive(archived)
	w.archived = archived.Email
	w.builder = w.mine.member(nil).Email
	w.endUser = w.mine.member(fields{"role": "end-user"}).Email
	return w
}

func (w *world) found(email string) place {
	w.t.Helper()
	admin := caller.Person(w.t, w.stack.URL, email, "Ada Admin")
	var made struct{ ID, Slug string }
	admin.Send("POST", "/v1/workspaces", fields{"name": hiddenName, "slug": "harbor-" + unique()}).Into(http.StatusCreated, &made)
	return place{world: w, id: made.ID, path: "/v1/workspaces/" + made.ID, slug: made.Slug, admin: &admin, adminEmail: email}
}

// spare is another workspace of the same admin, with the members whom the matrix
// tries: to be deleted. Of one that does not exist it is that.
func (p place) spare() place {
	p.t.Helper()
	if p.admin == nil {
		return p
	}
	other := p.found(p.adminEmail)
	if p.id == p.mine.id {
		other.member(fields{"email": p.builder})
		other.member(fields{"email": p.endUser, "role": "end-user"})
	}
	return other
}

var last atomic.Int64

func unique() string { return fmt.Sprintf("n%04d", last.Add(1)) }

// newUser is the body of an invitation without a mail: nothing happens behind
// it, so that the table stands still while refused calls are made.
func newUser(of fields) fields {
	body := fields{
		"name": secretName + " Doe", "email": secretMail + unique() + "@" + secretDomain, "role": "builder", "sendEmail": false,
		"metadata": fields{secretKey: secretValue},
	}
	maps.Copy(body, of)
	return body
}

// invite invites a new person. In a workspace that does not exist, ids and link
// have the right form.
func (p place) invite(of fields) (u caller.User) {
	p.t.Helper()
	body := newUser(of)
	if p.admin == nil {
		u.Email = body["email"].(string)
		u.ID = user.IDFor(p.id, u.Email)
		return u
	}
	p.admin.Send("POST", p.path+"/users", body).Into(http.StatusCreated, &u)
	return u
}

func (p place) member(of fields) caller.User {
	p.t.Helper()
	u := p.invite(of)
	if p.admin != nil {
		caller.Person(p.t, p.stack.URL, u.Email, "John Doe").Send("POST", "/v1/invitations/"+u.Token()+"/accept", nil).Into(http.StatusOK, nil)
	}
	return u
}

func (p place) archive(u caller.User) caller.User {
	p.t.Helper()
	if p.admin != nil {
		p.admin.Send("POST", p.path+"/users/"+u.ID+"/archive", nil).Into(http.StatusOK, nil)
	}
	return u
}

func (p place) group() string {
	p.t.Helper()
	group := unique()
	if p.admin != nil {
		p.admin.Send("PUT", p.path+"/groups/"+group, nil).Into(http.StatusCreated, nil)
	}
	return group
}

// list is a new import with some rows.
func (p place) list(rows int) string {
	p.t.Helper()
	made := struct{ ID string }{workspace.ImportPrefix + strings.Repeat("0", 26)}
	if p.admin == nil {
		return made.ID
	}
	p.admin.Send("POST", p.path+"/imports", nil).Into(http.StatusCreated, &made)
	for row := 1; row <= rows; row++ {
		p.admin.Send("POST", p.path+"/imports/"+made.ID+"/rows?firstRow="+strconv.Itoa(row), fields{"users": []any{newUser(nil)}}).Into(http.StatusOK, nil)
	}
	return made.ID
}

// token is somebody's link for a purpose. In a workspace that does not exist it
// is signed with another key.
func (p place) token(u caller.User, purpose link.Purpose) string {
	p.t.Helper()
	keys, inv := p.links, link.Invitation{WorkspaceID: p.id, UserID: u.ID, Generation: 1}
	if p.admin == nil {
		keys = link.Keys{Current: make([]byte, 32)}
	} else {
		var err error
		if inv, err = keys.Verify(link.Accept, u.Token()); err != nil {
			p.t.Fatal(err)
		}
	}
	token, err := keys.Token(purpose, inv)
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

// table is every item of the table by its key.
func (w *world) table() map[string]map[string]types.AttributeValue {
	w.t.Helper()
	all := map[string]map[string]types.AttributeValue{}
	pages := dynamodb.NewScanPaginator(w.stack.DB, &dynamodb.ScanInput{TableName: aws.String(local.TableName), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		for _, item := range page.Items {
			all[item["pk"].(*types.AttributeValueMemberS).Value+" "+item["sk"].(*types.AttributeValueMemberS).Value] = item
		}
	}
	return all
}

// quiet waits until nothing is written to the table any more, and returns it.
func (w *world) quiet() map[string]map[string]types.AttributeValue {
	w.t.Helper()
	before, still := len(w.table()), 0
	for range 200 {
		time.Sleep(200 * time.Millisecond)
		now := len(w.table())
		if still++; now != before {
			before, still = now, 0
		}
		if still == 5 {
			return w.table()
		}
	}
	w.t.Fatal("the table does not come to rest")
	return nil
}
