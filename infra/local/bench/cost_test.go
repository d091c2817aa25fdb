package bench

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local/capacity"
)

var measured = flag.String("measured", "", "write what a thousand invitations take to this file, for docs/cost.md")

// step is one line of that file: runs for 1,000 invitations, and what one run
// takes.
type step struct {
	Step       string  `json:"step"`
	Function   string  `json:"function"`
	Times      float64 `json:"times"`
	Ms         float64 `json:"ms"`
	ReadUnits  float64 `json:"readUnits"`
	WriteUnits float64 `json:"writeUnits"`
}

// people is how many are really invited; figures are scaled to a thousand.
const people = 200

// BenchmarkThousandInvitations invites people, has each follow the link, look
// at the invitation, sign up and accept, and lists them all.
func BenchmarkThousandInvitations(b *testing.B) {
	for b.Loop() {
		o, meter := newOffice(b)
		o.settle(meter)
		o.log.Take()
		var steps []step
		add := func(name, function string, units map[string]capacity.Units, ms map[string][]float64) {
			runs := float64(len(ms[function]))
			u := units[function]
			s := step{name, function, runs * 1000 / people, mean(ms[function]), u.Read / runs, u.Write / runs}
			steps = append(steps, s)
			b.Logf("%-34s %-8s %6.0f runs %7.2f ms %5.2f RCU %5.2f WCU", s.Step, s.Function, s.Times, s.Ms, s.ReadUnits, s.WriteUnits)
		}
		type guest struct{ email, url, token string }
		guests := make([]guest, people)
		for i := range guests {
			_, guests[i].email, guests[i].url = o.invite()
		}
		units, ms := o.settle(meter), o.log.Take()
		add("invite one person", "invite", units, ms)
		publishUnits, publishMs := units["publish"], ms["publish"]
		add("write the mail", "mail", units, ms)
		add("note what became of the mail", "feedback", units, ms)
		do := func(name, function string, call func(guest)) {
			for _, g := range guests {
				call(g)
			}
			units, ms := o.settle(meter), o.log.Take()
			add(name, function, units, ms)
			u := units["publish"]
			publishUnits = capacity.Units{Read: publishUnits.Read + u.Read, Write: publishUnits.Write + u.Write}
			publishMs = append(publishMs, ms["publish"]...)
		}
		// Public routes let 50 requests a second through: nobody is hurried.
		unhurried := func(call func(guest)) func(guest) {
			return func(g guest) { time.Sleep(20 * time.Millisecond); call(g) }
		}
		at := func(g guest) string { return "/v1/invitations/" + g.url[len(o.url+"/invite/"):] }
		do("follow the link", "accept", unhurried(func(g guest) { o.call("", "GET", g.url[len(o.url):], nil) }))
		do("preview the invitation", "accept", unhurried(func(g guest) { o.call("", "GET", at(g), nil) }))
		for i := range guests {
			guests[i].token = o.token(guests[i].email)
		}
		do("record the account", "account", func(g guest) { o.call(g.token, "PUT", "/v1/me", nil) })
		do("accept", "accept", func(g guest) { o.call(g.token, "POST", at(g)+"/accept", nil) })
		add("changes become events and history", "publish", map[string]capacity.Units{"publish": publishUnits}, map[string][]float64{"publish": publishMs})
		for cursor := ""; ; {
			page := o.call(o.admin, "GET", o.path+"/users?limit=50"+cursor, nil)
			next, more := page["nextCursor"].(string)
			if !more {
				break
			}
			cursor = "&cursor=" + next
		}
		add("list all 1,000, in pages of 50", "list", o.settle(meter), o.log.Take())
		write(b, steps)
	}
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func write(b *testing.B, steps []step) {
	if *measured == "" {
		return
	}
	for i := range steps {
		for _, v := range []*float64{&steps[i].Times, &steps[i].Ms, &steps[i].ReadUnits, &steps[i].WriteUnits} {
			*v = math.Round(*v*100) / 100
		}
	}
	raw, err := json.MarshalIndent(steps, "", "  ")
	if err == nil {
		err = os.WriteFile(*measured, append(raw, '\n'), 0o644)
	}
	if err != nil {
		b.Fatal(err)
	}
}
