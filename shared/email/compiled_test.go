package email

import (
	htmltemplate "html/template"
	"strings"
	"testing"
	texttemplate "text/template"

	"pgregory.net/rapid"
)

// TestTheCodeDoesWhatTheTemplatesSay compares compiled.go with html/template and
// text/template, byte by byte, whatever the values are.
func TestTheCodeDoesWhatTheTemplatesSay(t *testing.T) {
	html := htmltemplate.Must(htmltemplate.New("mail.html").Funcs(htmltemplate.FuncMap{
		"comment":    func() htmltemplate.HTML { return "<!--" },
		"endcomment": func() htmltemplate.HTML { return "-->" },
	}).ParseFiles("templates/mail.html", "templates/sentence.html"))
	plain := texttemplate.Must(texttemplate.ParseFiles("templates/mail.txt"))

	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(
			rapid.String(), rapid.StringMatching(`[ -~\x00]{0,20}`), rapid.SampledFrom([]string{
				"</title>", "</style>", "<script>alert(1)</script>", `" onclick="x`, "' x='", "-->", "<!--", "javascript:", "mailto:", "https://", "%zz", "%4", "%41", "&amp;", "\x80", "{{.}}", "`",
			}),
		), 0, 3).Draw(t, "parts"), "")
	})
	words := rapid.Custom(func(t *rapid.T) (s sentence) {
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			s = append(s, part{Text: text.Draw(t, "text"), Name: rapid.Bool().Draw(t, "name")})
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		v := view{
			Language: text.Draw(t, "language"), Subject: text.Draw(t, "subject"), Preview: text.Draw(t, "preview"),
			Product: text.Draw(t, "product"), Logo: text.Draw(t, "logo"),
			Accent: rapid.OneOf(rapid.StringMatching(`#[0-9a-f]{6}`), rapid.SampledFrom([]string{"red;x:y", "url(x)", `"`, "/**/", "</style>"})).Draw(t, "accent"),
			Title:  words.Draw(t, "title"), Greeting: words.Draw(t, "greeting"), Intro: words.Draw(t, "intro"), Lead: words.Draw(t, "lead"),
			Message: rapid.SliceOfN(text, 0, 3).Draw(t, "message"), Button: text.Draw(t, "button"), Colon: text.Draw(t, "colon"),
			Link: text.Draw(t, "link"), Fallback: text.Draw(t, "fallback"), Ends: words.Draw(t, "ends"), Why: words.Draw(t, "why"),
			Help: text.Draw(t, "help"), Support: text.Draw(t, "support"), Stop: text.Draw(t, "stop"), Unsubscribe: text.Draw(t, "unsubscribe"),
			Abuse: text.Draw(t, "abuse"), Report: text.Draw(t, "report"),
		}
		var want, got strings.Builder
		if err := html.Execute(&want, v); err != nil {
			t.Fatal(err)
		}
		if mailHTML(&got, v); got.String() != want.String() {
			t.Errorf("HTML:\n%s\nwant:\n%s", got.String(), want.String())
		}
		want.Reset()
		got.Reset()
		if err := plain.Execute(&want, v); err != nil {
			t.Fatal(err)
		}
		if mailText(&got, v); got.String() != want.String() {
			t.Errorf("text:\n%s\nwant:\n%s", got.String(), want.String())
		}
	})
}
