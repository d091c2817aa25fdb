package history

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/latchkey/latchkey/infra/local/mailbox"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/tests/caller"
)

const (
	clients    = 16
	workspaces = 3
)

// tomorrow is how far ahead the schedule runs during a load: it ends invitations
// for a day, and lets mails go that waited for another day.
const tomorrow = 36 * time.Hour

// load is a random load with a seed of its own, on workspaces of its own. Which
// calls are made follows from the seed; how they meet is chance.
type load struct {
	*clock
	t        *testing.T
	url      string
	seed     uint64
	operator caller.Caller
	offices  []*office
	left     atomic.Int64 // operations to be made
	made     atomic.Int64
	lost     atomic.Int64
}

// clock is what the loads of one stack share: their time, its crashes, and the
// schedule, which works through all workspaces.
type clock struct {
	began   time.Time
	crashes []crash

	mu     sync.Mutex
	sweeps []porcupine.Operation
}

// office is a workspace of the load.
type office struct {
	id, path string
	people   []*person
	admins   []caller.Caller
	// fewAdmins keeps roles that manage to those who began with one: they meet
	// the rule of the last admin often.
	fewAdmins bool
}

// person is somebody in one workspace, with all calls that concern them.
type person struct {
	name, email, id string
	office          *office
	isAdmin         bool // began as one
	trouble         string
	self            caller.Caller

	mu      sync.Mutex
	calls   []porcupine.Operation
	links   []string // tokens that were seen, the newest last
	version int      // that was seen last
}

func newLoad(t *testing.T, c *clock, url string, seed uint64, operations int) *load {
	t.Helper()
	l := &load{clock: c, t: t, url: url, seed: seed, operator: caller.Operator(t, url, "load")}
	l.left.Store(int64(operations))
	perOffice := max(8, operations/50)
	emails := make([]string, perOffice)
	selves := make([]caller.Caller, perOffice)
	for i := range emails {
		emails[i] = fmt.Sprintf("p%d.x%x@corp.example", i, seed)
		switch i % 12 {
		case 5:
			emails[i] = fmt.Sprintf("bounce+p%d.x%x@%s", i, seed, mailbox.Simulator)
		case 11:
			emails[i] = fmt.Sprintf("complaint+p%d.x%x@%s", i, seed, mailbox.Simulator)
		}
		selves[i] = caller.Person(t, url, emails[i], fmt.Sprintf("Person %d", i))
	}
	for n := range workspaces {
		o := &office{fewAdmins: n == 0}
		l.offices = append(l.offices, o)
		l.found(o, n)
		for i, email := range emails {
			p := l.person(o, fmt.Sprintf("Person %d", i), email)
			p.self = selves[i]
			switch i % 12 {
			case 5:
				p.trouble = "recipient_undeliverable"
			case 11:
				p.trouble = "recipient_complained"
			}
		}
	}
	return l
}

func (l *load) person(o *office, name, email string) *person {
	p := &person{name: name, email: email, office: o, id: user.IDFor(o.id, email)}
	o.people = append(o.people, p)
	return p
}

// found makes a workspace with its admins. What its founder did is no call of the
// history, so it is told as if they had been invited.
func (l *load) found(o *office, n int) {
	l.t.Helper()
	names := []string{"ada", "alan", "alonzo"}[:3-n%2]
	for i, name := range names {
		email := fmt.Sprintf("%s%d.x%x@corp.example", name, n, l.seed)
		c := caller.Person(l.t, l.url, email, "Admin "+name)
		o.admins = append(o.admins, c)
		if i == 0 {
			var made struct{ ID string }
			c.Send("POST", "/v1/workspaces", fields{"name": "Nexus", "slug": fmt.Sprintf("n%d-%x", n, l.seed)}).Into(http.StatusCreated, &made)
			o.id, o.path = made.ID, "/v1/workspaces/"+made.ID
		}
		p := l.person(o, "Admin "+name, email)
		p.self, p.isAdmin = c, true
		if i == 0 {
			p.note(0, input{Act: invite, Name: p.name, Role: "admin"}, output{}, 0, 0)
			p.note(0, input{Act: accept, Gen: 1}, output{}, 0, 0)
			continue
		}
		var u caller.User
		in := input{Act: invite, Name: p.name, Role: "admin"}
		l.call(0, p, in, l.operator, "POST", o.path+"/users", fields{"name": p.name, "email": email, "role": "admin", "sendEmail": false}).Into(http.StatusCreated, &u)
		l.call(0, p, input{Act: accept, Gen: generation(u.Token())}, c, "POST", "/v1/invitations/"+u.Token()+"/accept", nil).Into(http.StatusOK, nil)
	}
}

type fields = map[string]any

// generation reads the generation out of a link's token; 0 where it is none.
func generation(token string) int {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < 36 {
		return 0
	}
	return int(binary.BigEndian.Uint32(raw[len(raw)-36:])) // before the MAC
}

// run makes the calls, and then looks at everybody once more.
func (l *load) run() {
	var clientsLeft sync.WaitGroup
	for n := range clients {
		r := rand.New(rand.NewPCG(l.seed, uint64(n)))
		clientsLeft.Go(func() {
			for l.left.Add(-1) >= 0 {
				l.act(n, r)
			}
		})
	}
	clientsLeft.Wait()
}

// settle asks for everybody's state, until there is an answer.
func (l *load) settle() {
	for _, o := range l.offices {
		for _, p := range o.people {
			caller.Eventually(l.t, time.Minute, func() error {
				a := l.call(0, p, input{Act: get}, l.operator, "GET", o.path+"/users/"+p.id, nil)
				if a.Status == 0 || a.Status >= 500 {
					return fmt.Errorf("no answer: %v", a)
				}
				return nil
			})
		}
	}
}

// histories are the calls of each person, with the runs of the schedule.
func (l *load) histories() map[*person][]porcupine.Operation {
	all := map[*person][]porcupine.Operation{}
	for _, o := range l.offices {
		for _, p := range o.people {
			all[p] = afterCrashes(slices.Clone(p.calls), l.clock.crashes)
			if slices.ContainsFunc(p.calls, func(c porcupine.Operation) bool { return c.Input.(input).Short }) {
				all[p] = append(all[p], l.clock.sweeps...)
			}
		}
	}
	return all
}

// note records a call.
func (p *person) note(client int, in input, out output, from, to time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := porcupine.Operation{ClientId: client, Input: in, Output: out, Call: int64(from), Return: int64(to)}
	if out.Lost {
		c.Return = never
	}
	p.calls = append(p.calls, c)
	if out.Version > 0 {
		p.version = out.Version
	}
}

func (p *person) saw(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if token != "" && !slices.Contains(p.links, token) {
		p.links = append(p.links, token)
	}
}

// call makes a call about one person and records it.
func (l *load) call(client int, p *person, in input, who caller.Caller, method, path string, body any, headers ...string) caller.Answer {
	from := time.Since(l.began)
	a := who.Send(method, path, body, headers...)
	to := time.Since(l.began)
	if l.unsent(a) {
		return a
	}
	var u caller.User
	out := answered(a, &u)
	out.Replay = a.Header.Get("idempotent-replay") != ""
	l.count(out)
	p.note(client, in, out, from, to)
	p.saw(u.Token())
	return a
}

func (l *load) count(out output) {
	l.made.Add(1)
	if out.Lost {
		l.lost.Add(1)
	}
}

// unsent reports whether nobody got the call; then it is another one's turn, in a
// moment.
func (l *load) unsent(a caller.Answer) bool {
	refused := a.Status == 0 && errors.Is(a.Err, syscall.ECONNREFUSED)
	throttled := a.Status == http.StatusTooManyRequests && a.Code() == ""
	if refused || throttled {
		l.left.Add(1)
		time.Sleep(50 * time.Millisecond)
	}
	return refused || throttled
}

// answered reads an answer that shows a user, or a problem.
func answered(a caller.Answer, u *caller.User) output {
	switch {
	case a.Status == 0 || a.Status >= 500:
		return output{Lost: true}
	case a.Status >= 400:
		return output{Code: a.Code()}
	}
	if len(a.Body) > 0 && json.Unmarshal(a.Body, u) != nil {
		return output{Code: "an answer that is no user: " + string(a.Body)}
	}
	return shows(*u)
}

func shows(u caller.User) output {
	return output{Status: u.Status, Name: u.Name, Role: u.Role, Version: u.Version, Gen: generation(u.Token())}
}

// batch makes one call about several people, each of whom has a row of their own.
func (l *load) batch(client int, people []*person, in func(*person) input, who caller.Caller, path string, body any) {
	from := time.Since(l.began)
	a := who.Send("POST", path, body)
	to := time.Since(l.began)
	if l.unsent(a) {
		return
	}
	var u caller.User
	all := answered(a, &u)
	l.count(all)
	var rows struct {
		Results []struct {
			Outcome string
			User    caller.User
			Errors  []struct{ Code string }
		}
	}
	_ = json.Unmarshal(a.Body, &rows) // of a problem there are none
	for i, p := range people {
		out := all
		if i < len(rows.Results) {
			r := rows.Results[i]
			switch {
			case r.Outcome == "exists":
				out = output{Code: "user_exists"}
			case len(r.Errors) > 0:
				out = output{Code: r.Errors[0].Code}
			default:
				out = shows(r.User)
			}
		}
		p.note(client, in(p), out, from, to)
	}
}

// chance is true with a probability in percent.
func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// act makes one call that the dice choose.
func (l *load) act(client int, r *rand.Rand) {
	o := pick(r, l.offices)
	p := pick(r, o.people)
	who, person := l.operator, false
	if chance(r, 25) {
		who, person = pick(r, o.admins), true
	}
	in := input{Person: person, Trouble: p.trouble}
	path := o.path + "/users/" + p.id
	switch n := r.IntN(100); {
	case p.isAdmin:
		l.actOnAdmin(client, r, p, in, who)
	case n < 17:
		l.invite(client, r, p, in, who)
	case n < 21:
		l.inviteMany(client, r, o, in, who)
	case n < 30:
		in.Act, in.Mail = resend, chance(r, 40)
		l.call(client, p, in, who, "POST", path+"/resend", fields{"sendEmail": in.Mail})
	case n < 47:
		l.answer(client, r, p, accept)
	case n < 52:
		l.answer(client, r, p, decline)
	case n < 54:
		l.leave(client, p)
	case n < 60:
		in.Act = archive
		l.call(client, p, in, who, "POST", path+"/archive", nil)
	case n < 68:
		in.Act, in.Mail, in.Reinvite = restore, chance(r, 40), chance(r, 30)
		l.call(client, p, in, who, "POST", path+"/restore", fields{"sendEmail": in.Mail, "reinvite": in.Reinvite})
	case n < 73:
		in.Act = erase
		l.call(client, p, in, who, "DELETE", path, nil)
	case n < 82:
		l.update(client, r, p, in, who)
	case n < 87:
		in.Act = get
		l.call(client, p, in, who, "GET", path, nil)
	case n < 91:
		in.Act = getLink
		l.call(client, p, in, who, "GET", path+"/link", nil)
	case n < 95:
		l.many(client, r, o, in, who)
	case n < 97:
		group := o.path + "/groups/" + pick(r, groups)
		if chance(r, 70) {
			who.Send("PUT", group, nil)
		} else {
			who.Send("DELETE", group, nil)
		}
	case n < 99:
		limits := []any{len(o.people) - 3, len(o.people) - 1, len(o.people) / 2, nil}
		who.Send("PATCH", o.path, fields{"seatLimit": pick(r, limits)})
	default:
		l.sweep(client, tomorrow)
	}
}

var groups = []string{"eu", "us", "apac"}

func (l *load) actOnAdmin(client int, r *rand.Rand, p *person, in input, who caller.Caller) {
	path := p.office.path + "/users/" + p.id
	switch n := r.IntN(10); {
	case n < 3:
		in.Act = archive
		l.call(client, p, in, who, "POST", path+"/archive", nil)
	case n < 4:
		l.leave(client, p)
	case n < 7:
		in.Act = restore
		l.call(client, p, in, who, "POST", path+"/restore", fields{"sendEmail": false})
	default:
		in.Act, in.Role = update, pick(r, []string{"admin", "admin", "builder"})
		l.call(client, p, in, who, "PATCH", path, fields{"role": in.Role})
	}
}

// spelling is another way to write an address.
func spelling(r *rand.Rand, email string) string {
	switch r.IntN(4) {
	case 0:
		return strings.ToUpper(email)
	case 1:
		return "  " + email
	case 2:
		return strings.ToUpper(email[:1]) + email[1:] + " "
	}
	return email
}

func (l *load) newcomer(r *rand.Rand, p *person, in input) (input, fields) {
	in.Act, in.Name, in.Role, in.Mail, in.Short = invite, fmt.Sprintf("%s the %dth", p.name, r.IntN(1e6)), "builder", chance(r, 70), chance(r, 30)
	if !p.office.fewAdmins && chance(r, 10) {
		in.Role = "admin"
	}
	body := fields{"name": in.Name, "email": spelling(r, p.email), "role": in.Role, "sendEmail": in.Mail}
	if in.Short {
		body["expiresInDays"] = 1
	}
	return in, body
}

// invite invites somebody, at times with a key; a call with a key that was lost
// is made once more, as a client would.
func (l *load) invite(client int, r *rand.Rand, p *person, in input, who caller.Caller) {
	in, body := l.newcomer(r, p, in)
	var headers []string
	if chance(r, 50) {
		in.Key = strconv.FormatUint(r.Uint64(), 36)
		headers = []string{"idempotency-key", in.Key}
	}
	a := l.call(client, p, in, who, "POST", p.office.path+"/users", body, headers...)
	if in.Key != "" && (a.Status == 0 || a.Status >= 500 || chance(r, 10)) {
		l.call(client, p, in, who, "POST", p.office.path+"/users", body, headers...)
	}
}

// some returns a few people of a workspace, none of whom began as an admin.
func some(r *rand.Rand, o *office) (people []*person) {
	for _, i := range r.Perm(len(o.people)) {
		if !o.people[i].isAdmin && len(people) < 4 {
			people = append(people, o.people[i])
		}
	}
	return people
}

func (l *load) inviteMany(client int, r *rand.Rand, o *office, in input, who caller.Caller) {
	people := some(r, o)
	inputs := map[*person]input{}
	var rows []any
	for _, p := range people {
		in.Trouble = p.trouble
		row, body := l.newcomer(r, p, in)
		inputs[p] = row
		rows = append(rows, body)
	}
	l.batch(client, people, func(p *person) input { return inputs[p] }, who, o.path+"/users/batch", fields{"users": rows})
}

// many resends, archives or restores several people at once.
func (l *load) many(client int, r *rand.Rand, o *office, in input, who caller.Caller) {
	people := some(r, o)
	var ids []string
	for _, p := range people {
		ids = append(ids, p.id)
	}
	body := fields{"users": ids}
	in.Act = pick(r, []act{resend, archive, restore})
	if in.Act != archive {
		in.Mail = chance(r, 30)
		body["sendEmail"] = in.Mail
	}
	l.batch(client, people, func(p *person) input { in.Trouble = p.trouble; return in }, who, o.path+"/users/batch/"+string(in.Act), body)
}

// answer accepts or declines, mostly by the newest link that anybody has seen,
// and mostly as that person.
func (l *load) answer(client int, r *rand.Rand, p *person, what act) {
	in, who := input{Act: what}, p.self
	p.mu.Lock()
	links := slices.Clone(p.links)
	p.mu.Unlock()
	if len(links) == 0 || chance(r, 10) {
		in.Own = true
		l.call(client, p, in, who, "POST", "/v1/me/workspaces/"+p.office.id+"/"+string(what), nil)
		return
	}
	token := links[len(links)-1]
	if chance(r, 20) {
		token = pick(r, links)
	}
	in.Gen = generation(token)
	if other := pick(r, p.office.people); what == accept && chance(r, 15) && other != p {
		in.Wrong, who = true, other.self
	}
	l.call(client, p, in, who, "POST", "/v1/invitations/"+token+"/"+string(what), nil)
}

// leave is the person's own wish.
func (l *load) leave(client int, p *person) {
	l.call(client, p, input{Act: leave}, p.self, "POST", p.office.path+"/users/me/leave", nil)
}

func (l *load) update(client int, r *rand.Rand, p *person, in input, who caller.Caller) {
	in.Act, in.Name = update, fmt.Sprintf("%s the %dth", p.name, r.IntN(1e6))
	body := fields{"name": in.Name}
	if chance(r, 20) {
		in.Role = pick(r, []string{"builder", "end-user"})
		body["role"] = in.Role
	}
	if chance(r, 20) {
		in.Groups = true
		body["groups"] = []string{pick(r, groups)}
	}
	var headers []string
	p.mu.Lock()
	version := p.version
	p.mu.Unlock()
	if version > 0 && chance(r, 60) {
		in.Match = version
		headers = []string{"if-match", strconv.Quote(strconv.Itoa(version))}
	}
	l.call(client, p, in, who, "PATCH", p.office.path+"/users/"+p.id, body, headers...)
}

// sweep runs the schedule as if it were later, and reports whether it did all
// that was due.
func (l *load) sweep(client int, ahead time.Duration) bool {
	from := time.Since(l.began)
	a := caller.Anyone(l.t, l.url).Send("POST", "/local/run/expire", fields{"now": time.Now().Add(ahead).UTC().Format(time.RFC3339)})
	c := porcupine.Operation{ClientId: client, Input: input{Act: sweep}, Output: output{}, Call: int64(from), Return: int64(time.Since(l.began))}
	if a.Status != http.StatusOK {
		c.Return = never
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweeps = append(l.sweeps, c)
	var report struct{ Failed int }
	return a.Status == http.StatusOK && json.Unmarshal(a.Body, &report) == nil && report.Failed == 0
}
