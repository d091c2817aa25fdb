package setting_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/latchkey/latchkey/shared/setting"
)

// A value that is not allowed is named together with its setting and with what
// is allowed.
func TestCheckNamesTheValueAndWhatIsAllowed(t *testing.T) {
	const (
		number   = "; set a whole number from 1 to 100000"
		address  = "; set an address such as https://app.example.com, without a trailing slash, query, fragment or wildcard"
		sender   = "; set an email address such as invitations@example.com or Example <invitations@example.com>"
		hosts    = "; set lower-case host names such as cdn.example.com, separated by commas"
		interval = "; set a whole number of milliseconds from 0 to 10000"
	)
	for _, c := range []struct {
		d           setting.Definition
		value, says string // "" where nothing is wrong
	}{
		{setting.ReportsToPause, "", ""},
		{setting.ReportsToPause, "1", ""},
		{setting.ReportsToPause, "100000", ""},
		{setting.ReportsToPause, "0", `is "0"` + number},
		{setting.ReportsToPause, "-1", `is "-1"` + number},
		{setting.ReportsToPause, "100001", `is "100001"` + number},
		{setting.ReportsToPause, "three", `is "three"` + number},
		{setting.ReportsToPause, " 3", `is " 3"` + number},
		{setting.ReportsToPause, "3.0", `is "3.0"` + number},
		{setting.ReportsToPause, "0x3", `is "0x3"` + number},
		{setting.ReportsToPause, "99999999999999999999", `is "99999999999999999999"` + number},
		{setting.ReportsToPause, "3\n4", `is "3\n4"` + number},
		{setting.ReportsToPause, strings.Repeat("ä", 101), `is "` + strings.Repeat("ä", 100) + `…"` + number},
		{setting.MailAttempts, "", "is empty; set a whole number from 1 to 1000"},
		{setting.MailAttempts, "8", ""},
		{setting.MailInterval, "", "is empty" + interval},
		{setting.MailInterval, "0", ""},
		{setting.MailInterval, "10000", ""},
		{setting.MailInterval, "10001", `is "10001"` + interval},
		{setting.MailInterval, "-1", `is "-1"` + interval},
		{setting.MailInterval, "1s", `is "1s"` + interval},
		{setting.MailInterval, "9223372036854775807", `is "9223372036854775807"` + interval},
		{setting.Table, "", "is empty; set the name of the table"},
		{setting.Table, "latchkey", ""},
		{setting.MailConfigurationSet, "", ""},
		{setting.WorkspaceCreation, "", ""},
		{setting.WorkspaceCreation, "operators", ""},
		{setting.WorkspaceCreation, "Operators", `is "Operators"; set signed-in or operators`},
		{setting.LogoHosts, "", ""},
		{setting.LogoHosts, "cdn.example.com, img.example.com", ""},
		{setting.LogoHosts, "cdn", `is "cdn"` + hosts},
		{setting.LogoHosts, "cdn.example.com,https://img.example.com", `is "cdn.example.com,https://img.example.com"` + hosts},
		{setting.LogoHosts, "CDN.example.com", `is "CDN.example.com"` + hosts},
		{setting.DashboardURL, "", "is empty" + address},
		{setting.DashboardURL, "http://127.0.0.1:8080", ""},
		{setting.DashboardURL, "https://app.example.com/users", ""},
		{setting.DashboardURL, "https://app.example.com/", `is "https://app.example.com/"` + address},
		{setting.DashboardURL, "app.example.com", `is "app.example.com"` + address},
		{setting.DashboardURL, "ftp://app.example.com", `is "ftp://app.example.com"` + address},
		{setting.DashboardURL, "https://", `is "https://"` + address},
		{setting.DashboardURL, "https://a.example?b", `is "https://a.example?b"` + address},
		{setting.DashboardURL, "https://a.example#", `is "https://a.example#"` + address},
		{setting.DashboardURL, "https://a:b@a.example", `is "https://a:b@a.example"` + address},
		{setting.DashboardURL, "https://*.example", `is "https://*.example"` + address},
		{setting.MailFrom, "", "is empty" + sender},
		{setting.MailFrom, "invitations@example.com", ""},
		{setting.MailFrom, "Example <invitations@Example.com>", ""},
		{setting.MailFrom, "Example", `is "Example"` + sender},
		{setting.MailFrom, "invitations@localhost", `is "invitations@localhost"` + sender},
	} {
		err := c.d.Check(c.value)
		if got := text(err); got != c.says {
			t.Errorf("%s=%q: %s\nwant %s", c.d.About().Name, c.value, got, c.says)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// An integer is accepted if and only if it is in the range.
func TestIntAcceptsItsRangeAlone(t *testing.T) {
	holds := func(a, b, other int32) bool {
		d := setting.Int{Min: int(min(a, b)), Max: int(max(a, b))}
		for _, n := range []int{int(other), d.Min - 1, d.Min, d.Max, d.Max + 1} {
			got, err := d.Parse(d.Format(n))
			inside := d.Min <= n && n <= d.Max
			if (err == nil) != inside || inside && got != n {
				return false
			}
		}
		return true
	}
	if err := quick.Check(holds, nil); err != nil {
		t.Error(err)
	}
}

// Parse returns the value that Format has written.
func TestFormatIsParsesInverse(t *testing.T) {
	spans := func(ms uint16) bool {
		span := time.Duration(int(ms)%10_001) * time.Millisecond
		got, err := setting.MailInterval.Parse(setting.MailInterval.Format(span))
		return err == nil && got == span
	}
	lists := func(labels []uint16) bool {
		var hosts []string
		for _, n := range labels {
			hosts = append(hosts, "h"+strconv.Itoa(int(n))+".example.com")
		}
		got, err := setting.LogoHosts.Parse(setting.LogoHosts.Format(hosts))
		return err == nil && slices.Equal(got, hosts)
	}
	for _, property := range []any{spans, lists} {
		if err := quick.Check(property, nil); err != nil {
			t.Error(err)
		}
	}
}

// No value makes Check panic or return more than one line, and the reader agrees
// with it.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"", "3", "three", "https://a.example", "a@b.example", "a.example,b.example", "\x00\n", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, d := range setting.All() {
			err := d.Check(value)
			if strings.Contains(text(err), "\n") {
				t.Errorf("%s: more than one line: %q", d.About().Name, err)
			}
			r := setting.NewReader(func(string) string { return value })
			r.Check(d)
			if (r.Err() == nil) != (err == nil) {
				t.Errorf("%s: Check says %v, the reader %v", d.About().Name, err, r.Err())
			}
		}
	})
}

// A definition is complete, and its default is a value that it accepts.
func TestDefinitions(t *testing.T) {
	shape := regexp.MustCompile(`^[A-Z]+(_[A-Z]+)*$`)
	seen := map[string]bool{}
	for _, d := range setting.All() {
		about := d.About()
		if !shape.MatchString(about.Name) || seen[about.Name] {
			t.Errorf("the name %q is unfit or taken", about.Name)
		}
		seen[about.Name] = true
		if about.Doc == "" || about.Allowed == "" || strings.HasSuffix(about.Doc, ".") {
			t.Errorf("%s: %+v", about.Name, about)
		}
		if about.Required && about.Default != "" {
			t.Errorf("%s is required and has the default %q", about.Name, about.Default)
		}
		if err := d.Check(about.Default); (err != nil) != about.Required {
			t.Errorf("%s, required %v: its default %q: %v", about.Name, about.Required, about.Default, err)
		}
	}
}

// Every setting that the package exports is one of All.
func TestAllIsComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "setting.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	exported := 0
	for _, decl := range file.Decls {
		vars, ok := decl.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		for _, spec := range vars.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if name.IsExported() {
					exported++
				}
			}
		}
	}
	if got := len(setting.All()); got != exported || exported == 0 {
		t.Errorf("All has %d settings, the package exports %d", got, exported)
	}
}

// A host name is what DNS takes, in lower case, with a dot in it.
func TestIsHost(t *testing.T) {
	label := strings.Repeat("a", 63)
	for text, want := range map[string]bool{
		"a.example": true, "a-b.c1.example": true, "xn--bcher-kva.example": true, label + "." + label: true,
		"": false, "localhost": false, ".example": false, "a..example": false, "a.example.": false, "-a.example": false,
		"a-.example": false, "A.example": false, "a_b.example": false, "a.example:443": false, "a.e": false, "127.0.0.1": false,
		"bücher.example": false, "a" + label + ".example": false, "a." + label + "a": false, "a.example\n": false,
	} {
		if got := setting.IsHost(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// A reader names everything that is wrong, in the order of reading, and reads
// the zero value there.
func TestReaderCollectsEveryProblem(t *testing.T) {
	set := map[string]string{
		"HISTORY_DAYS": "a year", "WORKSPACE_CREATION": "anyone", "LOGO_HOSTS": "cdn.example.com", "MAIL_INTERVAL_MS": "357",
		"DASHBOARD_URL": "https://app.example.com", "MAIL_FROM": "a@b.example", "BUS": "latchkey",
	}
	r := setting.NewReader(func(name string) string { return set[name] })
	if got := r.Int(setting.HistoryDays); got != 0 {
		t.Errorf("history: %d", got)
	}
	if got := r.Choice(setting.WorkspaceCreation); got != "" {
		t.Errorf("creation: %q", got)
	}
	if got := r.Hosts(setting.LogoHosts); !slices.Equal(got, []string{"cdn.example.com"}) {
		t.Errorf("hosts: %v", got)
	}
	if got := r.Duration(setting.MailInterval); got != 357*time.Millisecond {
		t.Errorf("interval: %v", got)
	}
	if got := []string{r.URL(setting.DashboardURL), r.Sender(setting.MailFrom), r.Text(setting.Bus)}; !slices.Equal(got, []string{set["DASHBOARD_URL"], set["MAIL_FROM"], set["BUS"]}) {
		t.Errorf("texts: %v", got)
	}
	if got := r.Int(setting.WorkspacesPerAccount); got != 10 {
		t.Errorf("default: %d", got)
	}
	r.Check(setting.Table, setting.MailsPerInviter)
	const want = `HISTORY_DAYS is "a year"; set a whole number from 1 to 3650
WORKSPACE_CREATION is "anyone"; set signed-in or operators
TABLE is empty; set the name of the table`
	if got := text(r.Err()); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
