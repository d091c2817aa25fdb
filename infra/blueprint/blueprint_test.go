package blueprint_test

import (
	"os"
	"slices"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/shared/setting"
)

// The blueprint and the folders name the same functions.
func TestEveryFunctionHasItsFolder(t *testing.T) {
	entries, err := os.ReadDir("../../functions")
	if err != nil {
		t.Fatal(err)
	}
	var folders, names []string
	for _, e := range entries {
		folders = append(folders, e.Name())
	}
	for _, f := range blueprint.Functions() {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if !slices.Equal(folders, names) {
		t.Errorf("folders %v, functions %v", folders, names)
	}
}

func TestNamesReferToWhatExists(t *testing.T) {
	queues := map[string]blueprint.Queue{}
	for _, q := range blueprint.Queues() {
		queues[q.Name] = q
	}
	known := func(what, name string) {
		if _, ok := queues[name]; name != "" && !ok {
			t.Errorf("%s names the queue %q, which does not exist", what, name)
		}
	}
	for _, q := range blueprint.Queues() {
		known(q.Name, q.DeadLetter)
		if (q.DeadLetter != "") != (q.MaxReceives > 0) {
			t.Errorf("queue %s: %d receives and dead-letter queue %q", q.Name, q.MaxReceives, q.DeadLetter)
		}
	}
	for _, r := range blueprint.Rules() {
		known("rule "+r.Name, r.Queue)
		known("rule "+r.Name, r.DeadLetter)
	}
	routes, operations := map[string]bool{}, map[string]bool{}
	for _, f := range blueprint.Functions() {
		if f.Stream != nil {
			known(f.Name, f.Stream.OnFailure)
		}
		if f.Queue != nil {
			known(f.Name, f.Queue.Queue)
			// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
			if v := queues[f.Queue.Queue].Visibility; v < 6*f.Timeout {
				t.Errorf("%s runs up to %v, and its messages show again after %v", f.Name, f.Timeout, v)
			}
		}
		if len(f.Routes) == 0 && f.Stream == nil && f.Queue == nil && f.Schedule == nil && !f.OnAccountConfirmed {
			t.Errorf("nothing calls %s", f.Name)
		}
		for _, r := range f.Routes {
			if routes[r.Key()] || operations[r.Operation] {
				t.Errorf("%s %s is there twice", r.Key(), r.Operation)
			}
			routes[r.Key()], operations[r.Operation] = true, true
		}
		for _, p := range f.Permissions {
			if p.Why == "" || len(p.Verb.Actions()) == 0 {
				t.Errorf("%s may %s on %s, and nobody says why", f.Name, p.Verb, p.On)
			}
		}
	}
}

// The promises about permissions that the design makes in words.
func TestPromisesAboutPermissions(t *testing.T) {
	writes := []blueprint.Verb{blueprint.Insert, blueprint.InsertMany, blueprint.Change, blueprint.Remove}
	for _, f := range blueprint.Functions() {
		for _, p := range f.Permissions {
			switch {
			case f.Name == "list" && slices.Contains(writes, p.Verb):
				t.Errorf("list may %s", p.Verb)
			case p.Verb == blueprint.Send && f.Name != "mail":
				t.Errorf("%s may send mail", f.Name)
			case f.Name == "accept" && (slices.Contains(writes, p.Verb) && slices.Contains(p.Keys, "LINKKEYS") || p.Verb == blueprint.MakeKey):
				t.Errorf("accept, the public side, may %s link keys", p.Verb)
			case (p.On == blueprint.OnMetadataKey || p.On == blueprint.OnLinkKeys) && !f.Reads(setting.MetadataKey):
				t.Errorf("%s may %s and is not told which key", f.Name, p.Verb)
			}
		}
	}
}

// A setting is defined if and only if some function reads it.
func TestSettingsAreThoseThatFunctionsRead(t *testing.T) {
	read := map[setting.Definition]bool{}
	for _, f := range blueprint.Functions() {
		names := map[string]bool{}
		for _, d := range f.Settings {
			name := d.About().Name
			if !slices.Contains(setting.All(), d) {
				t.Errorf("%s lists %s, which setting.All does not", f.Name, name)
			}
			if names[name] {
				t.Errorf("%s lists %s twice", f.Name, name)
			}
			names[name], read[d] = true, true
		}
	}
	for _, d := range setting.All() {
		if !read[d] {
			t.Errorf("no function reads %s", d.About().Name)
		}
	}
}

// A hundred requests a second with bad tokens leave room for an admin on every
// signed-in route: the gateway counts them before it knows who is calling.
func TestSignedInRoutesHaveRoomForBadTokens(t *testing.T) {
	for _, f := range blueprint.Functions() {
		for _, r := range f.Routes {
			if r.Auth == blueprint.SignedIn && (r.Throttle.Rate < 100 || r.Throttle.Burst < 200) {
				t.Errorf("%s: %d a second and %d at once can be used up by anybody", r.Key(), r.Throttle.Rate, r.Throttle.Burst)
			}
		}
	}
}

// The scanners of one tenant's recipients leave room for everybody else's. One
// in front of a mailbox opens a link some ten times, by two routes, and SES lets
// 14 mails a second leave at first.
func TestLinksHaveRoomForMailScanners(t *testing.T) {
	for _, f := range blueprint.Functions() {
		for _, r := range f.Routes {
			if r.Auth == blueprint.Public && r.Method == "GET" && (r.Throttle.Rate < 2*10*14 || r.Throttle.Burst < r.Throttle.Rate) {
				t.Errorf("%s: %d a second and %d at once can be used up by scanners", r.Key(), r.Throttle.Rate, r.Throttle.Burst)
			}
		}
	}
}

// DynamoDB refuses an index that projects more attributes; DynamoDB Local takes it.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-secondary-indexes
func TestIndexesProjectNoMoreThanTheyMay(t *testing.T) {
	const each, together = 20, 100
	all := 0
	for _, i := range blueprint.TheTable().Indexes {
		all += len(i.Attributes)
		if len(i.Attributes) > each {
			t.Errorf("%s projects %d attributes, and may project %d", i.Name, len(i.Attributes), each)
		}
	}
	if all > together {
		t.Errorf("the indexes project %d attributes, and may project %d", all, together)
	}
}
