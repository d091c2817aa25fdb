package issuer

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// allowList is where browsers may be sent.
type allowList []*url.URL

func newAllowList(entries []string) (allowList, error) {
	var list allowList
	for _, entry := range entries {
		u, ok := parseTarget(entry)
		if !ok {
			return nil, fmt.Errorf("issuer: redirect URI %q must be an absolute http(s) address without fragment", entry)
		}
		list = append(list, u)
	}
	return list, nil
}

// allows compares whole parsed parts and never text: "http://good" is no prefix
// of "http://good.evil.example".
func (l allowList) allows(target string) bool {
	u, ok := parseTarget(target)
	if !ok {
		return false
	}
	for _, entry := range l {
		if u.Scheme != entry.Scheme || u.Host != entry.Host {
			continue
		}
		if u.String() == entry.String() {
			return true
		}
		if strings.HasSuffix(entry.String(), "/") && strings.HasPrefix(u.Path, entry.Path) {
			return true
		}
	}
	return false
}

// parseTarget takes only addresses that every browser reads as this code does.
func parseTarget(target string) (*url.URL, bool) {
	u, err := url.Parse(target)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil ||
		strings.ContainsAny(target, "#\\") || !printable(target) {
		return nil, false
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." || strings.Contains(segment, "\\") {
			return nil, false
		}
	}
	return u, true
}

// withQuery adds the pairs whose value isn't empty to an allowed address.
func withQuery(target string, pairs ...string) string {
	u, err := url.Parse(target)
	if err != nil {
		return target
	}
	q := u.Query()
	for n := 0; n+1 < len(pairs); n += 2 {
		if pairs[n+1] != "" {
			q.Set(pairs[n], pairs[n+1])
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func origin(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// redirect makes the browser's next request a GET.
func redirect(w http.ResponseWriter, r *http.Request, target string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	http.Redirect(w, r, target, status)
}
