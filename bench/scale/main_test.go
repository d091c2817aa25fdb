package main

import (
	"os"
	"testing"
)

// docs/scale.md says what is worked out here.
func TestThePageIsCurrent(t *testing.T) {
	text, err := tables("../..")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := merge(string(page), text)
	if err != nil {
		t.Fatal(err)
	}
	if want != string(page) {
		t.Error("docs/scale.md is not what the measurements come to; write it anew with: go run ./bench/scale -write")
	}
}
