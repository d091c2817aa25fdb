package workspace_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

var t0 = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func stamp(at time.Time) user.Stamp { return user.Stamp{ID: "evt_1", Actor: "usr_admin", At: at} }

func corp() workspace.Workspace {
	return workspace.New(stamp(t0), "ws_1", "Corp", "corp", []byte("wrapped"))
}

func p[T any](v T) *T { return &v }

func codes(fields fault.Fields) []string {
	var got []string
	for _, f := range fields {
		got = append(got, f.Pointer+" "+f.Code)
	}
	slices.Sort(got)
	return got
}

func TestApply(t *testing.T) {
	many := make([]string, 101)
	for i := range many {
		many[i] = "corp.com"
	}
	for _, c := range []struct {
		name   string
		patch  workspace.Patch
		wants  []string // pointer code
		change []string // names of what changed, where nothing is wrong
	}{
		{"nothing", workspace.Patch{}, nil, nil},
		{"name", workspace.Patch{Name: p("Corp International")}, nil, []string{"name"}},
		{"the same name", workspace.Patch{Name: p("Corp")}, nil, nil},
		{"the same name with space", workspace.Patch{Name: p(" Corp ")}, nil, nil},
		{"empty name", workspace.Patch{Name: p(" ")}, []string{"/name required"}, nil},
		{"name that is a link", workspace.Patch{Name: p("www.evil.example")}, []string{"/name looks_like_address"}, nil},
		{"name with a line break", workspace.Patch{Name: p("Corp\nBcc: x")}, []string{"/name invalid_characters"}, nil},
		{"0 days", workspace.Patch{InvitationDays: p(0)}, []string{"/invitationDays out_of_range"}, nil},
		{"1 day", workspace.Patch{InvitationDays: p(1)}, nil, []string{"invitationDays"}},
		{"30 days", workspace.Patch{InvitationDays: p(30)}, nil, []string{"invitationDays"}},
		{"31 days", workspace.Patch{InvitationDays: p(31)}, []string{"/invitationDays out_of_range"}, nil},
		{"the same days", workspace.Patch{InvitationDays: p(7)}, nil, nil},
		{"reminder of -1", workspace.Patch{ReminderDays: p(-1)}, []string{"/reminderDays out_of_range"}, nil},
		{"reminder of 29", workspace.Patch{ReminderDays: p(29)}, nil, []string{"reminderDays"}},
		{"reminder of 30", workspace.Patch{ReminderDays: p(30)}, []string{"/reminderDays out_of_range"}, nil},
		{"domains", workspace.Patch{AllowedEmailDomains: p([]string{"Corp.com", "bücher.example", "corp.com "})}, nil, []string{"allowedEmailDomains"}},
		{"no domains", workspace.Patch{AllowedEmailDomains: p([]string{})}, nil, nil},
		{"bad domains", workspace.Patch{AllowedEmailDomains: p([]string{"corp.com", "", "x", "a@corp.com", "*.corp.com", "corp .com", "-corp.com", "corp..com"})},
			[]string{"/allowedEmailDomains/1 invalid_domain", "/allowedEmailDomains/2 invalid_domain", "/allowedEmailDomains/3 invalid_domain",
				"/allowedEmailDomains/4 invalid_domain", "/allowedEmailDomains/5 invalid_domain", "/allowedEmailDomains/6 invalid_domain", "/allowedEmailDomains/7 invalid_domain"}, nil},
		{"101 domains", workspace.Patch{AllowedEmailDomains: &many}, []string{"/allowedEmailDomains too_many"}, nil},
		{"100 domains", workspace.Patch{AllowedEmailDomains: p(many[1:])}, nil, []string{"allowedEmailDomains"}},
		{"locale", workspace.Patch{Locale: p("pt-BR")}, nil, []string{"locale"}},
		{"no locale", workspace.Patch{Locale: p("")}, []string{"/locale unknown_locale"}, nil},
		{"locale that is none", workspace.Patch{Locale: p("not a locale")}, []string{"/locale unknown_locale"}, nil},
		{"undetermined locale", workspace.Patch{Locale: p("und")}, []string{"/locale unknown_locale"}, nil},
		{"endless locale", workspace.Patch{Locale: p("en-x" + strings.Repeat("-abcdefgh", 300))}, []string{"/locale unknown_locale"}, nil},
		{"time zone", workspace.Patch{Timezone: p("Europe/Berlin")}, nil, []string{"timezone"}},
		{"no time zone", workspace.Patch{Timezone: p("")}, []string{"/timezone unknown_timezone"}, nil},
		{"the machine's time zone", workspace.Patch{Timezone: p("Local")}, []string{"/timezone unknown_timezone"}, nil},
		{"time zone that is none", workspace.Patch{Timezone: p("Mars/Olympus")}, []string{"/timezone unknown_timezone"}, nil},
		{"time zone that is a path", workspace.Patch{Timezone: p("../../etc/passwd")}, []string{"/timezone unknown_timezone"}, nil},
		{"directory", workspace.Patch{Directory: p("members")}, nil, []string{"directory"}},
		{"directory that is none", workspace.Patch{Directory: p("everybody")}, []string{"/directory unknown_directory"}, nil},
		{"1 seat", workspace.Patch{SeatLimit: p(1)}, nil, []string{"seatLimit"}},
		{"1,000,000 seats", workspace.Patch{SeatLimit: p(1_000_000)}, nil, []string{"seatLimit"}},
		{"1,000,001 seats", workspace.Patch{SeatLimit: p(1_000_001)}, []string{"/seatLimit out_of_range"}, nil},
		{"-1 seats", workspace.Patch{SeatLimit: p(-1)}, []string{"/seatLimit out_of_range"}, nil},
		{"no limit where there is none", workspace.Patch{SeatLimit: p(0)}, nil, nil},
		{"messages", workspace.Patch{PersonalMessages: p(true)}, nil, []string{"personalMessages"}},
		{"everything", workspace.Patch{
			Name: p("Corp International"), InvitationDays: p(14), ReminderDays: p(2), AllowedEmailDomains: p([]string{"corp.com"}),
			Locale: p("de"), Timezone: p("Europe/Berlin"), Directory: p("members"), PersonalMessages: p(true), SeatLimit: p(10),
		}, nil, []string{"allowedEmailDomains", "directory", "invitationDays", "locale", "name", "personalMessages", "reminderDays", "seatLimit", "timezone"}},
		{"everything wrong", workspace.Patch{
			Name: p(""), InvitationDays: p(99), ReminderDays: p(99), AllowedEmailDomains: p([]string{"x", "y"}),
			Locale: p("x y"), Timezone: p("x"), Directory: p("x"), PersonalMessages: p(true), SeatLimit: p(-1),
		}, []string{"/allowedEmailDomains/0 invalid_domain", "/allowedEmailDomains/1 invalid_domain", "/directory unknown_directory",
			"/invitationDays out_of_range", "/locale unknown_locale", "/name required", "/reminderDays out_of_range", "/seatLimit out_of_range", "/timezone unknown_timezone"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := corp()
			next, fields := before.Apply(user.Stamp{ID: "evt_2", Actor: "usr_other", At: t0.Add(time.Hour)}, c.patch)
			if got := codes(fields); !slices.Equal(got, c.wants) {
				t.Fatalf("got %q, want %q", got, c.wants)
			}
			if !reflect.DeepEqual(before, corp()) {
				t.Errorf("the workspace itself changed: %+v", before)
			}
			if c.change == nil {
				if !reflect.DeepEqual(next, before) {
					t.Errorf("it changed: %+v", next)
				}
				return
			}
			want := workspace.Change{ID: "evt_2", Type: workspace.Updated, Actor: "usr_other", At: t0.Add(time.Hour), Changed: c.change}
			got := next.Last
			slices.Sort(got.Changed)
			if !reflect.DeepEqual(got, want) || next.Version != before.Version+1 || !next.UpdatedAt.Equal(want.At) {
				t.Errorf("version %d, %+v, want %+v", next.Version, got, want)
			}
			again, fields := next.Apply(stamp(t0.Add(2*time.Hour)), c.patch)
			if len(fields) > 0 || again.Version != next.Version || again.Last.ID != "evt_2" {
				t.Errorf("the same patch again makes version %d, %v", again.Version, fields)
			}
		})
	}
}

func TestDomainsAreKeptInOneForm(t *testing.T) {
	next, fields := corp().Apply(stamp(t0), workspace.Patch{AllowedEmailDomains: p([]string{"B\u00fccher.example", " corp.com", "CORP.COM", "bu\u0308cher.example"})})
	if want := []string{"corp.com", "xn--bcher-kva.example"}; len(fields) > 0 || !slices.Equal(next.AllowedEmailDomains, want) {
		t.Errorf("%q, %v", next.AllowedEmailDomains, fields)
	}
	none, fields := next.Apply(stamp(t0), workspace.Patch{AllowedEmailDomains: p([]string{})})
	if len(fields) > 0 || len(none.AllowedEmailDomains) != 0 || none.Version != next.Version+1 || !none.Allows("john@anywhere.example") {
		t.Errorf("they cannot be taken away: %q, %v", none.AllowedEmailDomains, fields)
	}
}

// Rule 21 of the pitfalls: whole domains are compared.
func TestAllowedAreWholeDomains(t *testing.T) {
	next, fields := corp().Apply(stamp(t0), workspace.Patch{AllowedEmailDomains: p([]string{"corp.com", "bücher.example"})})
	if len(fields) > 0 {
		t.Fatal(fields)
	}
	for email, want := range map[string]bool{
		"john@corp.com":                  true,
		"JOHN@CORP.COM":                  true,
		" john@corp.com ":                true,
		"john@bücher.example":            true,
		"john@bu\u0308cher.example":      true,
		"john@BÜCHER.example":            true,
		"john@xn--bcher-kva.example":     true,
		"john@attacker-corp.com":         false,
		"john@attackercorp.com":          false,
		"john@sub.corp.com":              false,
		"john@corp.com.evil.example":     false,
		"john@corp.co":                   false,
		"john@com":                       false,
		"john@corp.com.":                 false,
		"john@corp\u3002com.evil":        false,
		"corp.com@evil.example":          false,
		"john@corp.com@evil.example":     false,
		"\"john@corp.com\"@evil.example": false,
		"john@c\u043erp.com":             false, // a Cyrillic o
		"john@bucher.example":            false,
		"":                               false,
	} {
		if got := next.Allows(email); got != want {
			t.Errorf("%s: %v", email, got)
		}
	}
	if !corp().Allows("john@anywhere.example") {
		t.Error("without a list, a domain is refused")
	}
}

func TestInvitingFollowsTheSettings(t *testing.T) {
	const day = 24 * time.Hour
	next, fields := corp().Apply(stamp(t0), workspace.Patch{InvitationDays: p(14), ReminderDays: p(3), Locale: p("de")})
	if len(fields) > 0 {
		t.Fatal(fields)
	}
	if in, err := next.Inviting(0); err != nil || in.Lasts != 14*day || in.RemindFor != 3*day || in.Locale != "de" || !in.SendEmail {
		t.Errorf("%+v", in)
	}
	if in, err := next.Inviting(2); err != nil || in.Lasts != 2*day {
		t.Errorf("for two days: %+v", in)
	}
}

func TestGroupIDs(t *testing.T) {
	for text, want := range map[string]bool{
		"a": true, "0": true, "sales-emea_2": true, strings.Repeat("a", 50): true,
		"": false, strings.Repeat("a", 51): false, "-a": false, "_a": false, "A": false, "a b": false, "a\n": false, "a#b": false, "ä": false, "a/b": false,
	} {
		if got := workspace.ValidGroupID(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
