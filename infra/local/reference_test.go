package local_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// The reference tells of every operation, and loads nothing from anywhere.
func TestReference(t *testing.T) {
	res, err := http.Get(stack.URL + "/docs")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("%d %s %v", res.StatusCode, res.Header.Get("Content-Type"), err)
	}
	for _, o := range document.Operations() {
		if !strings.Contains(string(page), `"operationId":"`+o.ID+`"`) {
			t.Errorf("%s is not there", o.ID)
		}
	}
	for _, loaded := range regexp.MustCompile(`<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)`).FindAllStringSubmatch(string(page), -1) {
		t.Errorf("the page loads %s", loaded[1])
	}
	if policy := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "http") {
		t.Errorf("the page may load what it likes: %q", policy)
	}
}
