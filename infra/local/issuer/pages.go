package issuer

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
)

//go:embed templates/page.html assets/login.css
var files embed.FS

type pageSet struct {
	page   *template.Template
	assets fs.FS
}

func loadPages() (pageSet, error) {
	page, err := template.ParseFS(files, "templates/page.html")
	if err != nil {
		return pageSet{}, fmt.Errorf("issuer: pages: %w", err)
	}
	assets, err := fs.Sub(files, "assets")
	if err != nil {
		return pageSet{}, fmt.Errorf("issuer: pages: %w", err)
	}
	return pageSet{page: page, assets: assets}, nil
}

type mode string

const (
	modeLogin  mode = "login"
	modeSignup mode = "signup"
)

// form is a sign-in or sign-up form, perhaps sent back with what was wrong.
type form struct {
	mode        mode
	flow        *authRequest
	query       url.Values
	name, email string
	refused     *refusal
}

// view is what the template shows.
type view struct {
	Title         string
	Failure       string
	Signup        bool
	Action, Other string
	Name, Email   string
	Refused       *refusal
}

func (i *Issuer) formPage(w http.ResponseWriter, status int, f form) {
	v := view{
		Title: "Sign in", Signup: f.mode == modeSignup,
		Name: f.name, Email: f.email, Refused: f.refused,
	}
	if v.Signup {
		v.Title = "Create your account"
	}
	query := ""
	target := ""
	if f.flow != nil {
		query = "?" + carried(f.query).Encode()
		target = f.flow.redirectURI
	}
	v.Action, v.Other = "/local/login"+query, "/local/signup"+query
	if v.Signup {
		v.Action, v.Other = v.Other, v.Action
	}
	i.render(w, status, v, target)
}

func (i *Issuer) failPage(w http.ResponseWriter, status int, detail string) {
	i.render(w, status, view{Title: "This did not work", Failure: detail}, "")
}

func carried(q url.Values) url.Values {
	kept := url.Values{}
	for _, name := range authParameters() {
		if q.Get(name) != "" {
			kept.Set(name, q.Get(name))
		}
	}
	return kept
}

// render sends a page. A browser checks form-action for the redirect after the
// form too, so the client's origin stands there while a client waits.
func (i *Issuer) render(w http.ResponseWriter, status int, v view, target string) {
	formAction := "'self'"
	if target != "" {
		formAction += " " + origin(target)
	}
	var page bytes.Buffer
	if err := i.pages.page.Execute(&page, v); err != nil {
		i.log.Error("issuer: page", "error", err)
		writeProblem(w, http.StatusInternalServerError, "internal", "The page could not be made.")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action "+formAction)
	// Not no-referrer: a browser without fetch metadata would then send
	// "Origin: null" with this page's own form. Other origins learn nothing.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}

func (i *Issuer) asset(name, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		data, err := fs.ReadFile(i.pages.assets, name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(data)
	}
}
