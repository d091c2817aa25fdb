package email_test

import (
	"flag"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the test names zones, wherever it runs
	"unicode"
	"unicode/utf8"

	nethtml "golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/email"
	"github.com/latchkey/latchkey/shared/locale"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	now  = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	week = now.Add(7 * 24 * time.Hour)
)

// token is as long as a real one.
const token = "AQ3vK0aJ8cQm2rT6xYbN4hZ7pLwE9dUfGsVtCiRoXnM1kBqHyPjWzDgAeSlFuOcI5T-_8vN2mKx7QrLhY4pJwZ6bEdGtVsUa"

func invite(change ...func(*email.Invite)) email.Invite {
	inv := email.Invite{
		Kind: email.Invitation, To: "jane@corp.com", Name: "Jane Doe", Inviter: "Alice Smith",
		Workspace: "Acme Design", Role: "builder", Link: "https://api.latchkey.example/invite/" + token,
		ExpiresAt: week, Now: now,
		Unsubscribe: "https://api.latchkey.example/v1/invitations/" + token + "/unsubscribe",
		Report:      "https://api.latchkey.example/v1/invitations/" + token + "/report",
	}
	for _, c := range change {
		c(&inv)
	}
	return inv
}

// occasion is an invitation's mail of this kind.
func occasion(kind email.Kind) func(*email.Invite) {
	return func(inv *email.Invite) {
		inv.Kind = kind
		switch kind {
		case email.Access:
			inv.Link = "https://app.example.com/acme"
		case email.Accepted, email.Asked:
			inv.To, inv.Link = "alice@corp.com", "https://app.example.com/acme/workspace-settings/users"
			inv.Unsubscribe, inv.Report = "", ""
		}
	}
}

func in(language string) func(*email.Invite) {
	return func(inv *email.Invite) { inv.Locale = language }
}

func branded(inv *email.Invite) {
	inv.Branding = email.Branding{Product: "Acme Cloud", Logo: "https://cdn.corp.com/logo.png", Accent: "#7a1f5c", Support: "help@corp.com"}
}

func render(t testing.TB, inv email.Invite) email.Message {
	t.Helper()
	m, err := email.Render(inv)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var golden = func() map[string]email.Invite {
	all := map[string]email.Invite{
		"invitation-account": invite(func(inv *email.Invite) {
			inv.HasAccount, inv.Role = true, "admin"
			inv.Location = time.FixedZone("CET", 3600)
		}),
		"invitation-message": invite(func(inv *email.Invite) {
			inv.Role = "end-user"
			inv.Message = "Hi Jane,\n\n\n\nwe plan the spring launch in here. Read https://evil.example/start?a=b first, or www.evil.example, then ask bob@corp.com.\r\nSee you there!"
		}),
		"invitation-backend": invite(func(inv *email.Invite) { inv.Inviter = "" }),
		"reminder-account": invite(func(inv *email.Invite) {
			inv.Kind, inv.HasAccount, inv.ExpiresAt = email.Reminder, true, now.Add(24*time.Hour)
		}),
		"long": invite(func(inv *email.Invite) {
			inv.Name = strings.Repeat("Wolfeschlegelsteinhausenberger", 3)
			inv.Inviter = "Maria del Carmen Guadalupe Fernández-Villanueva y Ortiz de Zárate"
			inv.Workspace = "Department of Interdepartmental Coordination and Long Names of the United Offices"
			inv.To = strings.Repeat("long", 16) + "@" + strings.Repeat("subdomain.", 5) + "corp.com"
		}),
		"unicode": invite(func(inv *email.Invite) {
			inv.Name, inv.Inviter, inv.Workspace = "山田 太郎", "נועה כהן", "Café Ωμέγα 👩‍👩‍👧 & Söhne"
			inv.Message = "ようこそ。一緒に仕事ができるのを楽しみにしています。何か質問があればいつでも聞いてください。よろしくお願いします。"
		}),
		"hostile": invite(func(inv *email.Invite) {
			inv.Name = "visit www.evil.example"
			inv.Inviter = "https://evil.example/x <b onclick=alert(1)>"
			inv.Workspace = "\u202e</td></table><script>alert(1)</script>"
		}),
	}
	all["branded"] = invite(branded)
	for _, language := range locale.Languages {
		for _, kind := range email.Kinds {
			all[string(kind)+"."+language] = invite(occasion(kind), in(language))
		}
	}
	return all
}()

func TestGolden(t *testing.T) {
	for name, inv := range golden {
		m := render(t, inv)
		files := map[string]string{name + ".txt": "Subject: " + m.Subject + "\n\n" + m.Text}
		if name == "branded" || name == "hostile" { // the layout, with all that it can have
			files[name+".html"] = m.HTML
		}
		for file, got := range files {
			path := filepath.Join("testdata", file)
			if *update {
				err := os.WriteFile(path, []byte(got), 0o644)
				if err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s is not what is rendered now; go test ./shared/email -update writes it anew, then look at the difference", path)
			}
		}
		sound(t, inv, m)
	}
}

// canLink is true for whatever some mail client makes a link of. A full stop
// between Chinese or Japanese letters is the end of a sentence of ours.
func canLink(text string) bool {
	return linkable.MatchString(sentences.ReplaceAllString(text, "$1。 "))
}

var sentences = regexp.MustCompile(`([\p{Han}\p{Hiragana}\p{Katakana}])。`)

var linkable = regexp.MustCompile(`(?i)(https?:|www\.|[\p{L}\p{N}][.。．｡․][\p{L}\p{N}]|[@＠]\p{L}|\\\\|\b(mailto|tel|javascript):\S)`)

// sound checks what holds for every mail, whatever people typed.
func sound(t interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}, inv email.Invite, m email.Message) {
	t.Helper()
	for part, text := range map[string]string{"subject": m.Subject, "text": strings.ReplaceAll(m.Text, "\n", ""), "HTML": strings.ReplaceAll(m.HTML, "\n", "")} {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, forbidden) {
			t.Errorf("a control or direction character in the %s: %q", part, text)
		}
	}
	visible := strings.Map(func(r rune) rune {
		if r == '\u200c' {
			return -1
		}
		return r
	}, m.Subject)
	if n := utf8.RuneCountInString(visible); n == 0 || n > 78 || strings.TrimSpace(visible) != visible {
		t.Errorf("a subject of %d characters: %q", n, m.Subject)
	}
	if canLink(m.Subject) {
		t.Errorf("the subject can become a link: %q", m.Subject)
	}

	own := 0
	for line := range strings.SplitSeq(m.Text, "\n") {
		switch {
		case line == inv.Link:
			own++
			continue
		case line != "" && (line == inv.Unsubscribe || line == inv.Report), inv.Support != "" && strings.HasSuffix(line, inv.Support):
			continue
		}
		if last, size := utf8.DecodeLastRuneInString(line); strings.ContainsRune("、。，．：；！？）］」』】", last) {
			line = line[:len(line)-size] // one mark may hang
		}
		if utf8.RuneCountInString(strings.Map(wide, line)) > 76 {
			t.Errorf("a line over 76 columns: %q", line)
		}
		if canLink(line) {
			t.Errorf("a text line can become a link: %q", line)
		}
	}
	if own != 1 {
		t.Errorf("the link is on %d lines of the text", own)
	}
	if strings.Contains(m.Text, "\n\n\n") || strings.HasPrefix(m.Text, "\n") || strings.HasSuffix(m.Text, "\n\n") {
		t.Errorf("stray empty lines in the text: %q", m.Text)
	}

	if len(m.HTML) > 40_000 { // Gmail cuts off at 102 KB
		t.Errorf("the HTML has %d bytes", len(m.HTML))
	}
	root, err := nethtml.Parse(strings.NewReader(m.HTML))
	if err != nil {
		t.Fatalf("the HTML does not parse: %v", err)
	}
	hrefs := 0
	for n := range root.Descendants() {
		switch n.Type {
		case nethtml.TextNode:
			shown := n.Data
			if n.Parent.Data == "a" {
				shown = strings.ReplaceAll(shown, inv.Link, "")
				if inv.Support != "" {
					shown = strings.ReplaceAll(shown, inv.Support, "")
				}
			}
			if n.Parent.Data != "style" && canLink(shown) {
				t.Errorf("the HTML shows what can become a link: %q", shown)
			}
		case nethtml.ElementNode:
			if !slices.Contains(elements, n.Data) {
				t.Errorf("an element <%s>", n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "href" {
					switch a.Val {
					case inv.Link:
						hrefs++
					case inv.Unsubscribe, inv.Report, "mailto:" + inv.Support:
					default:
						t.Errorf("a href %q", a.Val)
					}
				} else if a.Key == "src" && n.Data == "img" {
					if a.Val != inv.Logo || a.Val == "" {
						t.Errorf("a picture from %q", a.Val)
					}
				} else if !slices.Contains(attributes, a.Key) || strings.Contains(a.Val, "url(") {
					t.Errorf("an attribute %s=%q on <%s>", a.Key, a.Val, n.Data)
				}
			}
			if n.Data == "table" && !slices.Contains(n.Attr, nethtml.Attribute{Key: "role", Val: "presentation"}) {
				t.Errorf("a table that is read out as one")
			}
		}
	}
	if hrefs != 2 { // the button, and spelled out
		t.Errorf("%d links", hrefs)
	}
	if n := strings.Count(html.UnescapeString(m.HTML), `href="`+inv.Link+`"`); n != 2 {
		t.Errorf("the link is %d times in the HTML source", n)
	}
}

var (
	elements = []string{"html", "head", "meta", "title", "style", "body", "div", "table", "tbody", "tr", "td", "h1", "p", "span", "strong", "br", "a", "img"}
	// Neither an event handler nor anything that loads something.
	attributes = []string{"lang", "dir", "charset", "name", "content", "class", "style", "role", "aria-roledescription", "aria-label", "width", "height", "cellpadding", "cellspacing", "border", "bgcolor", "align", "valign", "alt", "target", "media", "type", "http-equiv", "xmlns", "xmlns:v", "xmlns:o"}
)

// wide drops what takes no column.
func wide(r rune) rune {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return -1
	}
	return r
}

func forbidden(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) || r == utf8.RuneError || r == '\u200b' || r == '\ufeff' || r == '\u2060'
}

// fields are the texts that people type.
var fields = map[string]func(*email.Invite, string){
	"To":        func(inv *email.Invite, s string) { inv.To = s },
	"Name":      func(inv *email.Invite, s string) { inv.Name = s },
	"Inviter":   func(inv *email.Invite, s string) { inv.Inviter = s },
	"Workspace": func(inv *email.Invite, s string) { inv.Workspace = s },
	"Message":   func(inv *email.Invite, s string) { inv.Message = s },
}

var hostile = []string{
	`<script>alert(1)</script>`,
	`</title><script>alert(1)</script>`,
	`</style><img src=x onerror=alert(1)>`,
	`"><a href="https://evil.example">click</a>`,
	`--><!--[if mso]><v:rect href="http://evil.example"/><![endif]-->`,
	`' onmouseover='alert(1)`,
	`{{.Link}} {{template "x"}}`,
	"Bob\r\nBcc: all@evil.example\r\n\r\n<p>body",
	"Bob\u2028Subject: x\u2029y\u0085z\x00\x1b[31m\x7f",
	"\u202egro.live\u202c \u2066a\u2069 \u200f\u061c",
	"www.evil.example", "http://evil.example/a?b=c", "HTTPS://EVIL.EXAMPLE", "evil.example", "www\u200b.evil\u2060.example\ufeff",
	"visit evil。example or evil．example or ｅｖｉｌ｡example", "bob@evil.example", "mailto:bob@evil.example", "tel:+15550100",
	`\\evil\share`, "http:\\\\evil.example", "javascript:alert(1)", "a.b.c.d.e.f", "...", "@", "://", "\xff\xfe",
	"e\u0301vil.example", "evil.example.", ".example", "\u200d\u200c\u00ad",
}

func TestHostileTexts(t *testing.T) {
	for field, set := range fields {
		for _, text := range hostile {
			for _, kind := range email.Kinds {
				inv := invite(func(inv *email.Invite) { inv.Kind = kind; set(inv, text) })
				m := render(t, inv)
				sound(t, inv, m)
				for _, bad := range []string{"://evil", "www.evil", "evil.example"} {
					if strings.Contains(strings.ToLower(m.Subject+m.Text+m.HTML), bad) {
						t.Errorf("%s of %q in %s: %q is left", kind, text, field, bad)
					}
				}
				for _, bad := range []string{"<script", "<img", "onerror=alert(1)>", "onmouseover='"} {
					if strings.Contains(m.HTML, bad) {
						t.Errorf("%s of %q in %s: the HTML has %q", kind, text, field, bad)
					}
				}
			}
		}
	}
}

func TestAnyTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.StringN(0, 30, -1), rapid.SampledFrom(hostile), rapid.StringMatching(`[a-z.@:/ \\<>&"']{0,12}`)), 0, 6).Draw(t, "parts"), "")
		})
		inv := email.Invite{
			Kind:   rapid.SampledFrom(email.Kinds).Draw(t, "kind"),
			Locale: rapid.SampledFrom(locale.Languages).Draw(t, "locale"),
			To:     text.Draw(t, "to"), Name: text.Draw(t, "name"), Inviter: text.Draw(t, "inviter"),
			Workspace: text.Draw(t, "workspace"), Message: text.Draw(t, "message"),
			Role:       rapid.SampledFrom([]string{"admin", "builder", "end-user"}).Draw(t, "role"),
			Link:       rapid.StringMatching(`https?://[a-z0-9-]{1,20}(\.[a-z]{2,9})?(:8080)?/invite/[A-Za-z0-9_-]{1,96}(\?[a-z]=[a-z+]&[a-z]=%20)?`).Draw(t, "link"),
			HasAccount: rapid.Bool().Draw(t, "account"), Now: now,
			ExpiresAt: now.Add(time.Duration(rapid.Int64Range(-1e15, 3e15).Draw(t, "left"))),
		}
		m, err := email.Render(inv)
		if err != nil {
			t.Fatalf("%v", err)
		}
		sound(t, inv, m)
	})
}

func TestSubject(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("Longname ", 11))
	for _, c := range []struct {
		kind                     email.Kind
		inviter, workspace, want string
	}{
		{email.Invitation, "Alice Smith", "Acme", "Alice Smith invited you to Acme"},
		{email.Invitation, "", "Acme", "You are invited to Acme"},
		{email.Invitation, "Alice", "", "Alice invited you to a workspace"},
		{email.Reinvitation, "Alice", "Acme", "Alice sent you a new invitation to Acme"},
		{email.Reinvitation, "", "Acme", "A new invitation to Acme"},
		{email.Reminder, "Alice", "Acme", "Reminder: your invitation to Acme ends in 7 days"},
		{email.Invitation, "Alice\r\nBcc: bob", " A \t c\u0000me ", "Alice Bcc: bob invited you to A cme"},
		{email.Invitation, "Alice", long, "Alice invited you to Longname Longname Longname Longname Longname Longname…"},
		{email.Invitation, strings.Repeat("x", 100), strings.Repeat("é", 100), strings.Repeat("x", 30) + "… invited you to " + strings.Repeat("é", 30) + "…"},
		{email.Access, "Alice", "Acme", "You have access to Acme again"},
		{email.Accepted, "Alice", "Acme", "Jane Doe accepted your invitation to Acme"},
		{email.Invitation, "Dr. J.R. Smith", "Acme Inc.", "Dr. J\u200c.\u200cR. Smith invited you to Acme Inc."},
	} {
		m := render(t, invite(func(inv *email.Invite) { inv.Kind, inv.Inviter, inv.Workspace = c.kind, c.inviter, c.workspace }))
		if m.Subject != c.want {
			t.Errorf("subject %q, want %q", m.Subject, c.want)
		}
	}
}

func TestWords(t *testing.T) {
	zone := func(name string) *time.Location {
		l, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	at := func(left time.Duration, l *time.Location) func(*email.Invite) {
		return func(inv *email.Invite) { inv.ExpiresAt, inv.Location = now.Add(left), l }
	}
	for want, change := range map[string]func(*email.Invite){
		"ends in 7 days, on Thursday, 8 January 2026 at 12:00 UTC.":              at(7*24*time.Hour, nil),
		"ends in 7 days, on Thursday, 8 January 2026 at 12:55 CET (UTC+1).":      at(7*24*time.Hour-5*time.Minute, zone("Europe/Berlin")),
		"ends in 6 days, on Wednesday, 7 January 2026 at 07:00 EST (UTC-5).":     at(6*24*time.Hour, zone("America/New_York")),
		"ends in 30 days, on Saturday, 31 January 2026 at 09:00 UTC-3.":          at(30*24*time.Hour, zone("America/Sao_Paulo")),
		"ends in 2 days, on Saturday, 3 January 2026 at 17:15 IST (UTC+5:30).":   at(48*time.Hour-15*time.Minute, zone("Asia/Kolkata")),
		"ends in 24 hours, on Friday, 2 January 2026 at 11:59 UTC.":              at(24*time.Hour-time.Minute, nil),
		"ends in an hour, on Thursday, 1 January 2026 at 13:00 UTC.":             at(time.Hour, nil),
		"ends in less than an hour, on Thursday, 1 January 2026 at 12:20 UTC.":   at(20*time.Minute, nil),
		"ends on Thursday, 1 January 2026 at 11:00 UTC.":                         at(-time.Hour, nil),
		"join Acme Design as an admin.":                                          func(inv *email.Invite) { inv.Role = "admin" },
		"join Acme Design as a builder.":                                         func(inv *email.Invite) {},
		"join Acme Design as an end user.":                                       func(inv *email.Invite) { inv.Role = "end-user" },
		"join Acme Design as a":                                                  func(inv *email.Invite) { inv.Kind = email.Reinvitation },
		"Any link you were sent before no longer works.":                         func(inv *email.Invite) { inv.Kind = email.Reinvitation },
		"The invitation is still waiting for your answer.":                       func(inv *email.Invite) { inv.Kind = email.Reminder },
		"Create your account and join":                                           func(inv *email.Invite) {},
		"Sign in and join":                                                       func(inv *email.Invite) { inv.HasAccount = true },
		"This mail was sent to jane\u200c@\u200ccorp\u200c.\u200ccom, and the":   func(inv *email.Invite) {},
		"Alice Smith wrote: Come in, [link removed] is ours":                     func(inv *email.Invite) { inv.Message = "Come in, https://x.example/?a=b is ours" },
		"With these words: Come in":                                              func(inv *email.Invite) { inv.Inviter, inv.Message = "", "Come in" },
		"If you did not expect it, ignore it: nothing happens unless you accept": func(inv *email.Invite) {},
		"Hello, Alice Smith invited you":                                         func(inv *email.Invite) { inv.Name = "\u200d \u00ad" },
	} {
		m := render(t, invite(change))
		for part, text := range map[string]string{"text": plain(strings.ReplaceAll(m.Text, "\n> ", "\n")), "HTML": plain(shown(t, m.HTML))} {
			if !strings.Contains(text, want) {
				t.Errorf("the %s does not say %q: %s", part, want, text)
			}
		}
	}
}

// Every language says everything: no sentence is missing, none has a place
// that was not filled, and every name stands where it belongs.
func TestEveryLanguageSaysEverything(t *testing.T) {
	for _, language := range locale.Languages {
		seen := map[string]email.Kind{}
		for _, kind := range email.Kinds {
			for _, without := range []string{"", "inviter", "name", "account", "time"} {
				inv := invite(occasion(kind), in(language), branded)
				switch without {
				case "inviter":
					inv.Inviter = ""
				case "name":
					inv.Name = ""
				case "account":
					inv.HasAccount = true
				case "time":
					inv.ExpiresAt = now.Add(-time.Minute)
				}
				m := render(t, inv)
				sound(t, inv, m)
				all := m.Subject + "\n" + m.Text + "\n" + shown(t, m.HTML)
				if strings.ContainsAny(all, "{}") || strings.Contains(all, "  ") && language != "ja" && strings.Contains(m.Subject, "  ") {
					t.Errorf("%s %s without %s: a place is not filled: %s", language, kind, without, all)
				}
				if !strings.Contains(m.HTML, `<html lang="`+language+`"`) || !strings.Contains(m.Subject, "Acme Design") {
					t.Errorf("%s %s without %s: %s", language, kind, without, m.Subject)
				}
				if other, twice := seen[m.Subject]; twice && other != kind {
					t.Errorf("%s: %s and %s have one subject: %s", language, kind, other, m.Subject)
				}
				seen[m.Subject] = kind
				if !kind.ToManager() && (!strings.Contains(m.Text, inv.Unsubscribe) || !strings.Contains(m.HTML, html.EscapeString(inv.Report))) {
					t.Errorf("%s %s: there is no way out", language, kind)
				}
				if language != "en" && strings.Contains(all, "invit") && strings.Contains(all, " you ") {
					t.Errorf("%s %s is English: %s", language, kind, all)
				}
			}
		}
	}
}

func TestDatesAndPlurals(t *testing.T) {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	for language, want := range map[string][3]string{
		"en":      {"in 3 days, on Sunday, 4 January 2026 at 21:00 JST (UTC+9)", "in 2 hours", "in an hour"},
		"de":      {"in 3 Tagen, am Sonntag, 4. Januar 2026 um 21:00 JST (UTC+9)", "in 2 Stunden", "in einer Stunde"},
		"fr":      {"dans 3 jours, le dimanche 4 janvier 2026 à 21:00 JST (UTC+9)", "dans 2 heures", "dans une heure"},
		"es":      {"en 3 días, el domingo, 4 de enero de 2026, 21:00 JST (UTC+9)", "en 2 horas", "en una hora"},
		"pt-BR":   {"em 3 dias (domingo, 4 de janeiro de 2026, 21:00 JST (UTC+9))", "em 2 horas", "em uma hora"},
		"ja":      {"2026年1月4日（日）21:00 JST (UTC+9)です（あと3日）", "あと2時間", "あと1時間"},
		"zh-Hans": {"在 3 天后失效（2026年1月4日星期日 21:00 JST (UTC+9)）", "在 2 小时后", "在 1 小时后"},
	} {
		for i, left := range []time.Duration{72 * time.Hour, 2 * time.Hour, time.Hour} {
			m := render(t, invite(in(language), func(inv *email.Invite) { inv.ExpiresAt, inv.Location = now.Add(left), tokyo }))
			if text := plain(m.Text); !strings.Contains(strings.ReplaceAll(text, " ", ""), strings.ReplaceAll(want[i], " ", "")) {
				t.Errorf("%s does not say %q: %s", language, want[i], text)
			}
		}
	}
	first := render(t, invite(in("fr"), func(inv *email.Invite) { inv.ExpiresAt = time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC) }))
	if !strings.Contains(plain(first.Text), "le dimanche 1er février 2026") {
		t.Error(first.Text)
	}
}

// plain is a text in one line.
func plain(text string) string { return strings.Join(strings.Fields(text), " ") }

// shown is the text of a page.
func shown(t *testing.T, page string) string {
	root, err := nethtml.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == nethtml.TextNode && n.Parent.Data != "style" {
			b.WriteString(n.Data)
		}
		if n.Type == nethtml.ElementNode && n.Data != "strong" && n.Data != "span" {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func TestRefusals(t *testing.T) {
	const secret = "SECRET"
	for name, change := range map[string]func(*email.Invite){
		"no kind":      func(inv *email.Invite) { inv.Kind = "" },
		"unknown kind": func(inv *email.Invite) { inv.Kind = "spam" },
		"unknown role": func(inv *email.Invite) { inv.Role = "root" },
		"no end":       func(inv *email.Invite) { inv.ExpiresAt = time.Time{} },
		"no link":      func(inv *email.Invite) { inv.Link = "" },
		"relative":     func(inv *email.Invite) { inv.Link = "/invite/" + secret },
		"no host":      func(inv *email.Invite) { inv.Link = "https:///invite/" + secret },
		"script":       func(inv *email.Invite) { inv.Link = "javascript:alert(1)//" + secret },
		"data":         func(inv *email.Invite) { inv.Link = "data:text/html," + secret },
		"userinfo":     func(inv *email.Invite) { inv.Link = "https://corp.com@evil.example/" + secret },
		"quote":        func(inv *email.Invite) { inv.Link = `https://corp.com/"onclick=` + secret },
		"line break":   func(inv *email.Invite) { inv.Link = "https://corp.com/\nx" + secret },
		"space":        func(inv *email.Invite) { inv.Link = "https://corp.com/ x" + secret },
		"not ASCII":    func(inv *email.Invite) { inv.Link = "https://corp.com/é" + secret },
		"half escape":  func(inv *email.Invite) { inv.Link = "https://corp.com/%zz" + secret },
		"port":         func(inv *email.Invite) { inv.Link = "https://corp.com:x/" + secret },
		"accent":       func(inv *email.Invite) { inv.Accent = "red;background:url(" + secret + ")" },
		"logo":         func(inv *email.Invite) { inv.Logo = "http://corp.com/" + secret },
		"unsubscribe":  func(inv *email.Invite) { inv.Unsubscribe = "javascript:" + secret },
		"report":       func(inv *email.Invite) { inv.Report = "/" + secret },
		"too long":     func(inv *email.Invite) { inv.Link = "https://corp.com/" + strings.Repeat("x", 2000) + secret },
	} {
		m, err := email.Render(invite(change))
		if err == nil || m != (email.Message{}) {
			t.Errorf("%s: rendered", name)
		} else if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "corp.com") {
			t.Errorf("%s: the error quotes the link: %v", name, err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	inv := golden["invitation-message"]
	render(b, inv)
	b.ReportAllocs()
	for b.Loop() {
		render(b, inv)
	}
}
