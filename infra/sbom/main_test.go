package main

import (
	"encoding/json"
	"testing"
)

func TestLicensesAreThoseOfTheList(t *testing.T) {
	for _, c := range []struct {
		component string
		ok        bool
	}{
		{`{"name":"a","licenses":[{"license":{"id":"MIT"}}]}`, true},
		{`{"name":"a","evidence":{"licenses":[{"license":{"id":"Apache-2.0"}}]}}`, true},
		{`{"name":"a","licenses":[{"expression":"(MIT OR GPL-3.0-only)"}]}`, true},
		{`{"name":"slick"}`, true},
		{`{"group":"another","name":"slick"}`, false},
		{`{"name":"a"}`, false},
		{`{"name":"a","licenses":[{"license":{"id":"AGPL-3.0-only"}}]}`, false},
		{`{"name":"a","licenses":[{"license":{"name":"SEE LICENSE IN EULA"}}]}`, false},
		{`{"name":"a","licenses":[{"expression":"MIT AND GPL-3.0-only"}]}`, false},
		{`{"name":"a","licenses":[{"license":{"id":"MIT"}},{"license":{"id":"GPL-2.0-only"}}]}`, false},
	} {
		var b bill
		if err := json.Unmarshal([]byte(`{"components":[`+c.component+`]}`), &b); err != nil {
			t.Fatal(err)
		}
		if err := check(b, map[string]int{}); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.component, err)
		}
	}
	if check(bill{}, nil) == nil {
		t.Error("an empty bill passed")
	}
}
