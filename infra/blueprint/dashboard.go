package blueprint

import "strings"

// DashboardPage is the file that answers for every page of the dashboard: its
// script reads the address and shows what belongs there.
const DashboardPage = "index.html"

// DashboardFile is which file of the built dashboard (web/) answers for a path:
// the file itself where the path names one, and DashboardPage for all pages.
// Files have a dot in their last part; pages and slugs never have.
func DashboardFile(path string) string {
	file := strings.TrimPrefix(path, "/")
	if !strings.Contains(file[strings.LastIndex(file, "/")+1:], ".") {
		return DashboardPage
	}
	return file
}

// preventScroll is the one style that the dashboard's component library puts
// into the page by script, on iPhones alone, while a menu or a dialog is open.
// A test in web/ shows that it is still this one.
const preventScroll = "'sha256-gYiS/BvZvRcK27JIXTuwhZ3hs2+VJ1X+2gUlE+farlg='"

// DashboardOrigins are the origins beside its own that the dashboard's pages
// use, each like https://api.example.com.
type DashboardOrigins struct {
	Call []string // by script: the API and the OIDC issuer
	// SignOut takes a form with the ID token and leads back; nil if signing out
	// takes no form (DashboardConfig.SignOutWithToken).
	SignOut []string
}

// DashboardHeaders are the security headers of every file of the dashboard.
// https://owasp.org/www-project-secure-headers/
func DashboardHeaders(origins DashboardOrigins) map[string]string {
	connect := strings.Join(append([]string{"'self'"}, origins.Call...), " ")
	forms := "'none'"
	if origins.SignOut != nil {
		// Browsers compare where the answer leads, too: back to the dashboard.
		forms = strings.Join(append([]string{"'self'"}, origins.SignOut...), " ")
	}
	return map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' " + preventScroll +
			"; img-src 'self' data:; connect-src " + connect +
			"; base-uri 'none'; form-action " + forms + "; frame-ancestors 'none'; require-trusted-types-for 'script'",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
		"Referrer-Policy":              "no-referrer", // the link's token passes here, in the fragment
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
	}
}

// DashboardCaching is the Cache-Control of a file of the dashboard. What is in
// assets/ has a hash of its content in its name.
func DashboardCaching(file string) string {
	if strings.HasPrefix(file, "assets/") {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}

// DashboardConfig is config.json, which the dashboard reads before anything
// else, so that one build serves everywhere.
type DashboardConfig struct {
	API      string `json:"api"`      // base address, without a trailing slash
	Issuer   string `json:"issuer"`   // OIDC issuer
	ClientID string `json:"clientId"` // of the dashboard, at the issuer
	// SignUp is the address of the issuer's sign-up page, where it is another
	// than the authorization endpoint with prompt=create (Cognito:
	// https://<domain>/signup). Optional.
	SignUp string `json:"signUp,omitempty"`
	// SignOutWithToken posts the ID token to the issuer to sign out, as Okta
	// demands. Optional.
	SignOutWithToken bool `json:"signOutWithToken,omitempty"`
}
