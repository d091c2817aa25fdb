package policy_test

import (
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint/policy"
)

// A resource without a wildcard allows itself alone, and one with a wildcard no
// more than its pattern.
func FuzzAllows(f *testing.F) {
	for _, seed := range [][2]string{{table, table}, {table + "/index/*", table + "/index/byDue"}, {"*", key}, {table, table + "/index/byDue"}, {"a*b?c", "axxbyc"}, {"", ""}, {"**?*", "\xff"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, resource, asked string) {
		d := document(policy.Statement{Action: []string{"dynamodb:GetItem"}, Resource: []string{resource}})
		if d.Check() != nil {
			return
		}
		got := d.Allows(policy.Request{Action: "dynamodb:GetItem", Resource: asked})
		plain := true
		for _, c := range resource {
			plain = plain && c != '*' && c != '?'
		}
		if plain && got && resource != asked {
			t.Errorf("%q allows %q", resource, asked)
		}
		if d.Allows(policy.Request{Action: "dynamodb:PutItem", Resource: asked}) {
			t.Errorf("an action that no statement names is allowed on %q", asked)
		}
	})
}
