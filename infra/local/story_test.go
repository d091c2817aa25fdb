package local_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// storyQuery is the query of docs/operations.md that tells an invitation's
// story: the fields that it shows, and the one that it filters by.
var storyQuery = regexp.MustCompile("(?m)^fields ([^|]+) \\| filter (\\w+) = \"…\" \\| sort @timestamp$")

// One query tells an invitation's story. The id of the request that invited
// somebody stands in every line that a function logs about them: the request,
// the event, the mail, SES's notices, and the events that those lead to.
func TestOneQueryTellsAnInvitationsStory(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, found := range storyQuery.FindAllStringSubmatch(string(page), -1) {
		if found[2] == "correlationId" {
			fields = strings.Split(found[1], ", ")
		}
	}
	if fields == nil {
		t.Fatal("docs/operations.md has no query by correlationId")
	}
	o := newOffice(t)
	u := o.invite(map[string]any{"email": simulator("bounce")})
	o.becomes(u.ID, "bounced")
	// The change that the last notice brings is the end of the story.
	chapters := []string{
		"request POST /v1/workspaces/{workspace}/users", "event user.invited", "mail sent",
		"feedback noted Bounce", "event invitation.delivery_changed",
	}
	var about []map[string]any
	eventually(t, func() error {
		about = nil
		for _, line := range logged() {
			if line["userId"] == u.ID {
				about = append(about, line)
			}
		}
		for _, c := range chapters[1:] {
			if !slices.ContainsFunc(about, func(line map[string]any) bool { return chapter(line) == c }) {
				return fmt.Errorf("nobody has logged %q", c)
			}
		}
		return nil
	})
	id := ""
	for _, line := range about {
		if line["correlationId"] == nil || id != "" && line["correlationId"] != id {
			t.Errorf("not of this story: %v", line)
			continue
		}
		id = line["correlationId"].(string)
	}
	var told []string
	shown := map[string]bool{}
	for _, line := range logged() {
		if line["correlationId"] != id {
			continue
		}
		if line["userId"] != nil && line["userId"] != u.ID {
			t.Errorf("of another story: %v", line)
		}
		told = append(told, chapter(line))
		for _, f := range fields {
			shown[f] = shown[f] || line[f] != nil
		}
	}
	for _, c := range chapters {
		if !slices.Contains(told, c) {
			t.Errorf("the query leaves out %q: %q", c, told)
		}
	}
	for _, f := range fields {
		if !strings.HasPrefix(f, "@") && !shown[f] {
			t.Errorf("the query shows %q, which no line of the story has", f)
		}
	}
}

// chapter names a line: its subject and its outcome.
func chapter(line map[string]any) string {
	parts := []any{line["message"]}
	switch line["message"] {
	case "request":
		parts = append(parts, line["route"])
	case "event":
		parts = append(parts, line["type"])
	case "mail":
		parts = append(parts, line["outcome"])
	case "feedback":
		parts = append(parts, line["outcome"], line["type"])
	}
	return strings.TrimSuffix(fmt.Sprintln(parts...), "\n")
}
