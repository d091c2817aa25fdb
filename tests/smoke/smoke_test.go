package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local"
)

// The journey as make smoke plays it, against the laptop. Whatever the table
// shows, the report has to say.
func TestJourney(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	stack, err := local.Start(t.Context(), local.Config{
		Root: root, Functions: filepath.Join(root, "build", "local"), RetrySpeed: 30, KeepAwake: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	file := filepath.Join(t.TempDir(), "smoke.md")
	err = run(t.Context(), []string{"-api", stack.URL, "-expire", "-mail-within", "1m", "-out", file}, func(string) string { return "" })
	raw, _ := os.ReadFile(file)
	report := string(raw)
	if err != nil {
		t.Fatalf("%v\n%s", err, report)
	}
	t.Log(report)
	for _, want := range []string{
		"Successful run", "| inviteUser | 7 |", "| acceptInvitation | 3 |", "| eraseUser | 7 |",
		"| success | delivered |", "| bounce | bounced |", "| complaint | complained |", "| suppressionlist | suppressed |", "| ooto | delivered |",
		"| POST /local/run/expire |", "What remains:\n\n- the workspace ws_",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, secret := range []string{"eyJ", "/invite/", "@"} { // tokens, links, addresses
		if strings.Contains(report, secret) {
			t.Errorf("the report has %q in it", secret)
		}
	}
}

func TestRunRefusesWhatCannotWork(t *testing.T) {
	none := func(string) string { return "" }
	for name, c := range map[string]struct {
		args   []string
		getenv func(string) string
		want   string
	}{
		"no address":     {nil, none, "name the API"},
		"plain http":     {[]string{"-api", "http://api.example.com"}, none, "name the API"},
		"no credentials": {[]string{"-api", "https://api.example.com"}, none, "ADMIN_TOKEN"},
		"expire at AWS":  {[]string{"-api", "https://api.example.com", "-expire"}, none, "for the laptop"},
		"one account twice": {[]string{"-api", "https://api.example.com"},
			func(string) string { return "x.eyJlbWFpbCI6ImFAYi5jIn0.x" }, "two accounts"},
		"an access token": {[]string{"-api", "https://api.example.com"},
			func(string) string { return "x.eyJzdWIiOiIxIn0.x" }, "ID token"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := run(t.Context(), c.args, c.getenv); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestTokenOfACommand(t *testing.T) {
	got, err := fromEnvironment(t.Context(), func(name string) string {
		return map[string]string{"ADMIN_TOKEN_COMMAND": "echo x.eyJlbWFpbCI6ImFAYi5jIn0.x"}[name]
	}, "ADMIN")
	if want := (identity{"a@b.c", "x.eyJlbWFpbCI6ImFAYi5jIn0.x"}); err != nil || got != want {
		t.Errorf("%v %v, want %v", got, err, want)
	}
}

func TestFiguresKeepTheFirstCallApart(t *testing.T) {
	calls := []call{{"a", time.Second}, {"b", 7 * time.Millisecond}}
	for n := 1; n <= 100; n++ {
		calls = append(calls, call{"a", time.Duration(n) * time.Millisecond})
	}
	want := []figure{
		{"a", 101, time.Second, 50 * time.Millisecond, 99 * time.Millisecond},
		{"b", 1, 7 * time.Millisecond, 0, 0},
	}
	if got := figuresOf(calls); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
