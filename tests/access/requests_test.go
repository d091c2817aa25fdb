package access

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/contract"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/tests/caller"
)

var (
	requests = flag.Int("requests", 300, "how many requests TestBadRequests makes, in blocks of at most 500")
	seed     = flag.Uint64("seed", 0, "the seed of all blocks but the first; 0 takes a random one")
)

// The largest answer to any request here, and the largest headers of one: as
// long as those of a request to an HTTP API may be.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const (
	maxAnswer  = 1 << 20
	maxHeaders = 10_240
)

// TestBadRequests sends requests that are generated from openapi.yaml, most with
// something wrong in them, and holds every answer against the contract. The
// first block has a fixed seed.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, local.Config{})
	document, err := contract.Load("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, err := readOperations("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	run := &barrage{world: w, document: document, operations: all, forge: newForger(t, w), statuses: map[int]int{}}
	size := min(500, (*requests+1)/2)
	for block := 0; block*size < *requests && !t.Failed(); block++ {
		of := s + uint64(block)
		if block == 0 && *seed == 0 {
			of = 1
		}
		run.block(of, size)
	}
	for _, o := range all {
		if succeeded := slices.ContainsFunc(document.Exercised()[o.OperationID], func(status int) bool { return status < 400 }); *requests >= 5000 && !succeeded && !t.Failed() {
			t.Errorf("no request to %s has succeeded", o.OperationID)
		}
	}
	t.Logf("%d requests, %d of them twice to compare a foreign workspace with none; statuses %v; largest answer %d bytes; seed %d",
		run.sent.Load(), run.compared.Load(), run.statuses, run.largest, s)
}

// barrage is one run of the test.
type barrage struct {
	*world
	document   *contract.Contract
	operations []operation
	forge      forger

	sent, compared atomic.Int64
	mu             sync.Mutex
	statuses       map[int]int
	largest        int
}

// target is a workspace that a block of requests goes to, with everybody who
// calls.
type target struct {
	place
	known  map[string][]string
	tokens map[string]string // of callers, by who they are
	claims jwt.MapClaims     // of the admin
	links  map[string]string // tokens, by the end of the path that they are for
}

// block sends n requests to a workspace of its own, and deletes it in the end.
func (b *barrage) block(seed uint64, n int) {
	b.t.Helper()
	at := b.furnish(fmt.Sprintf("kim-%d@corp-%d.example", seed%1000, last.Add(1)))
	var next atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				g := generator{rand.New(rand.NewPCG(seed, uint64(i))), at.known}
				b.shoot(fmt.Sprintf("seed %d, request %d", seed, i), g, at)
			}
		})
	}
	all.Wait()
	at.known["slug"] = []string{at.slug} // until here nobody could confirm the deletion
	i := slices.IndexFunc(b.operations, func(o operation) bool { return o.OperationID == "deleteWorkspace" })
	d := generator{rand.New(rand.NewPCG(seed, uint64(n))), at.known}.request(b.operations[i])
	d.token = at.tokens["admin"]
	b.judge(fmt.Sprintf("seed %d, the deletion", seed), d)
}

// furnish makes a workspace with somebody in every status.
func (b *barrage) furnish(email string) target {
	p := b.found(email)
	at := target{place: p}
	one, two, three, four, declined := p.invite(nil), p.invite(nil), p.invite(nil), p.invite(nil), p.invite(nil)
	caller.Anyone(b.t, b.stack.URL).Send("POST", "/v1/invitations/"+declined.Token()+"/decline", nil).Into(http.StatusOK, nil)
	member, endUser, gone := p.member(nil), p.member(fields{"role": "end-user"}), p.archive(p.member(nil))
	at.tokens = map[string]string{
		"admin": b.token(b.t, fields{"email": email, "name": "Ada Admin"}), "builder": b.token(b.t, fields{"email": member.Email}),
		"end-user": b.token(b.t, fields{"email": endUser.Email}), "invited": b.token(b.t, fields{"email": one.Email}),
		"archived": b.token(b.t, fields{"email": gone.Email}), "operator": b.token(b.t, fields{"clientId": "reporting", "scope": "latchkey/operator"}),
		"stranger": b.token(b.t, fields{"email": "stranger@corp.example"}), "nobody": "",
	}
	at.claims = jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(at.tokens["admin"], at.claims); err != nil {
		b.t.Fatal(err)
	}
	at.links = map[string]string{
		"accept": p.token(one, link.Accept), "decline": p.token(two, link.Accept), "ask": p.token(declined, link.Accept),
		"unsubscribe": p.token(three, link.OptOut), "resubscribe": p.token(three, link.OptOut), "report": p.token(four, link.Report),
	}
	group, other := p.group(), p.group()
	userIDs := []string{one.ID, two.ID, three.ID, four.ID, declined.ID, member.ID, endUser.ID, gone.ID, "me"}
	at.known = map[string][]string{
		"workspace": {p.id}, "user": userIDs, "users": userIDs[:8], "group": {group, other, "newgroup"}, "import": {p.list(0), p.list(1), p.list(2)}, "groups": {group, other}, "firstRow": {"1", "2"},
		"name":  {"Jane Doe", "J", "Zoë", "李雷"},
		"email": {one.Email, gone.Email, "new1@corp.example", "new2@bücher.example", "NEW1@corp.example"},
		"q":     {"doe", "quokka"}, "If-Match": {`"1"`, "*", `W/"1"`}, "Idempotency-Key": {"k1", "k2", "k3"},
		"allowedEmailDomains": {"corp.example", secretDomain}, "locale": {"de", "en", "pt-BR"}, "timezone": {"Europe/Berlin", "UTC"},
		"supportAddress": {"help@corp.example"}, "replyTo": {"inviter", "help@corp.example"}, "productName": {"Nexus Cloud"},
	}
	return at
}

// shoot generates a request, changes it and judges what it is answered.
func (b *barrage) shoot(label string, g generator, at target) {
	o := pick(g, b.operations)
	d := g.request(o)
	if d.params["token"] != "" {
		way := o.path[strings.LastIndexByte(o.path, '/')+1:]
		d.params["token"] = cmp.Or(at.links[way], at.links["accept"])
	}
	who := "admin"
	switch { // most are somebody who may
	case g.oneIn(3):
		who = pick(g, sorted(at.tokens))
	case strings.Contains(o.path, "/accept") || strings.Contains(o.path, "/decline"):
		who = "invited"
	case strings.HasPrefix(o.path, "/v1/accounts"):
		who = "operator"
	}
	d.token = at.tokens[who]
	stranger := who == "stranger" || who == "admin"
	if !g.oneIn(8) {
		for range 1 + g.IntN(3) {
			m := pick(g, mutations)
			m.apply(g, d)
			d.changed = append(d.changed, m.name)
		}
		if d.raw == nil && d.body != nil {
			d.raw = []byte(asJSON(d.body))
		}
		if d.raw != nil && g.oneIn(3) {
			m := pick(g, byteMutations)
			m.apply(g, d)
			d.changed = append(d.changed, m.name)
		}
		if g.oneIn(5) {
			d.token = b.forge.sign(jwt.SigningMethodRS256, b.forge.key, b.forge.kid, g.forged(at.claims))
			d.changed, stranger = append(d.changed, "claims"), false
		}
	}
	label += fmt.Sprintf(", %s as %s, changed %q", d.operation, who, d.changed)
	b.judge(label, d)
	if stranger && d.params["workspace"] == at.id && g.oneIn(2) {
		b.compare(label, d)
	}
}

// judge fails the test for an answer that no request may get.
func (b *barrage) judge(label string, d *draft) caller.Answer {
	a, wrong := b.send(d)
	if a.Status == http.StatusServiceUnavailable { // a busy machine is allowed that, once
		a, wrong = b.send(d)
	}
	b.sent.Add(1)
	b.mu.Lock()
	b.statuses[a.Status]++
	b.largest = max(b.largest, len(a.Body))
	b.mu.Unlock()
	switch {
	case a.Err != nil:
		wrong = append(wrong, a.Err)
	case a.Status >= http.StatusInternalServerError:
		wrong = append(wrong, errors.New("a server error"))
	case len(a.Body) > maxAnswer:
		wrong = append(wrong, fmt.Errorf("an answer of %d bytes", len(a.Body)))
	case len(fmt.Sprint(a.Header)) > maxHeaders:
		wrong = append(wrong, fmt.Errorf("headers of %d bytes", len(fmt.Sprint(a.Header))))
	}
	for _, err := range wrong {
		b.t.Errorf("%s: %.600v\n%s %.300s %.1000v %.600q\nis answered %d %.600s", label, err, d.method, d.target(), d.header, d.raw, a.Status, a.Body)
	}
	return a
}

// compare makes the same request in a workspace that the caller is not in, and
// in one that does not exist.
func (b *barrage) compare(label string, d *draft) {
	var answers []caller.Answer
	for _, id := range []string{b.foreign.id, b.absent.id} {
		there := *d
		there.params = maps.Clone(d.params)
		there.params["workspace"] = id
		answers = append(answers, b.judge(label+", elsewhere", &there))
	}
	b.compared.Add(1)
	if foreign, absent := whole(answers[0]), whole(answers[1]); foreign != absent {
		b.t.Errorf("%s: a foreign workspace answers %s\na missing one %s", label, foreign, absent)
	}
}

// send sends a request, and returns what of the conversation is not as the
// contract has it.
func (b *barrage) send(d *draft) (a caller.Answer, wrong []error) {
	body := d.raw
	if body == nil && d.body != nil {
		body = []byte(asJSON(d.body))
	}
	ctx := context.Context(b.t.Context())
	if len(d.changed) > 0 {
		ctx = contract.Bad(ctx)
	}
	req, err := http.NewRequestWithContext(ctx, d.method, b.stack.URL+d.target(), bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if body == nil {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	req.Header = d.header.Clone()
	if d.token != "" {
		req.Header.Set("Authorization", "Bearer "+d.token)
	}
	client := http.Client{
		Timeout: caller.Timeout, Transport: b.document.Transport(http.DefaultTransport, func(err error) { wrong = append(wrong, err) }),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		a.Err = err
		return a, wrong
	}
	defer res.Body.Close()
	a.Status, a.Header = res.StatusCode, res.Header
	a.Body, a.Err = io.ReadAll(res.Body)
	return a, wrong
}

func sorted[T any](of map[string]T) []string { return slices.Sorted(maps.Keys(of)) }

// asJSON renders what is made of JSON's own types.
func asJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
