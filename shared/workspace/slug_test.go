package workspace_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/workspace"
)

func slugCodes(slug string) []string {
	var fields fault.Fields
	workspace.CheckSlug(&fields, slug)
	return codes(fields)
}

func TestSlugs(t *testing.T) {
	for slug, want := range map[string]string{
		"a": "", "corp": "", "corp-2": "", "2-corp-3": "", strings.Repeat("a", 40): "", "apis": "", "my-api": "",
		"":                           "/slug invalid_slug",
		strings.Repeat("a", 41):      "/slug invalid_slug",
		"Corp":                       "/slug invalid_slug",
		"-corp":                      "/slug invalid_slug",
		"corp-":                      "/slug invalid_slug",
		"cor--p":                     "/slug invalid_slug",
		"cor_p":                      "/slug invalid_slug",
		"cor.p":                      "/slug invalid_slug",
		"corp/users":                 "/slug invalid_slug",
		"..":                         "/slug invalid_slug",
		"corp\n":                     "/slug invalid_slug",
		"c orp":                      "/slug invalid_slug",
		"córp":                       "/slug invalid_slug",
		"corp\x00":                   "/slug invalid_slug",
		"api":                        "/slug reserved_slug",
		"login":                      "/slug reserved_slug",
		"v1":                         "/slug reserved_slug",
		"invite":                     "/slug reserved_slug",
		"-" + strings.Repeat("a", 9): "/slug invalid_slug",
	} {
		if got := strings.Join(slugCodes(slug), ", "); got != want {
			t.Errorf("%q: %q, want %q", slug, got, want)
		}
	}
}

func TestASlugIsMadeOfTheName(t *testing.T) {
	for _, c := range []struct{ name, suffix, want string }{
		{"Corp", "", "corp"},
		{"  Corp & Sons, Ltd.  ", "", "corp-sons-ltd"},
		{"Müller Öl", "", "muller-ol"},
		{"Crème Brûlée", "", "creme-brulee"},
		{"Ａｃｍｅ", "", "acme"}, // full width
		{"Corp", "k3f9a2", "corp-k3f9a2"},
		{"株式会社", "k3f9a2", "w-k3f9a2"},
		{"株式会社", "", "w"},
		{"🚀🚀", "k3f9a2", "w-k3f9a2"},
		{"🚀 Rocket 🚀", "", "rocket"},
		{"---", "", "w"},
		{"", "", "w"},
		{"API", "", "w"},
		{"Login", "k3f9a2", "login-k3f9a2"},
		{strings.Repeat("Corp ", 20), "", "corp-corp-corp-corp-corp-corp-corp-corp"},
		{strings.Repeat("a", 100), "", strings.Repeat("a", 40)},
		{strings.Repeat("a", 100), "k3f9a2", strings.Repeat("a", 33) + "-k3f9a2"},
		{strings.Repeat("a", 32) + " b", "k3f9a2", strings.Repeat("a", 32) + "-k3f9a2"},
	} {
		if got := workspace.SlugFrom(c.name, c.suffix); got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.name, c.suffix, got, c.want)
		}
	}
}

func TestEveryNameGivesAValidSlug(t *testing.T) {
	reserved := []string{"api", "assets", "docs", "invite", "local", "login", "logout", "me", "oauth2", "signup", "static", "v1", "workspaces"}
	names := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[a-zA-Z0-9äÖß株🚀 ._-]{0,60}`),
		rapid.SampledFrom(reserved),
		rapid.Map(rapid.SampledFrom(reserved), strings.ToUpper),
	)
	rapid.Check(t, func(t *rapid.T) {
		name := names.Draw(t, "name")
		suffix := rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[0-9a-v]{6}`)).Draw(t, "suffix")
		slug := workspace.SlugFrom(name, suffix)
		if wrong := slugCodes(slug); len(wrong) > 0 {
			t.Fatalf("%q and %q give %q: %q", name, suffix, slug, wrong)
		}
		if !strings.HasSuffix(slug, suffix) {
			t.Fatalf("%q and %q give %q, which does not end in the suffix", name, suffix, slug)
		}
	})
	for _, name := range reserved {
		if !slices.Equal(slugCodes(name), []string{"/slug reserved_slug"}) {
			t.Errorf("%s is not reserved any more", name)
		}
	}
}
