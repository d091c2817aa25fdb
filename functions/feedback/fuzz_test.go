package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// Whatever a notice says, what is learned from it quotes none of it.
func FuzzNotice(f *testing.F) {
	for _, seed := range []string{
		`{"eventType":"Delivery","mail":{"tags":{"kind":["invited"],"generation":["1"]}}}`,
		`{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"quoted","bouncedRecipients":[{"status":"quoted 5.1.1"}]}}`,
		`{"eventType":"DeliveryDelay","deliveryDelay":{"delayType":"quoted"}}`,
		`{"eventType":"Complaint","complaint":{"complaintSubType":"OnAccountSuppressionList"}}`,
		`{"mail":{"tags":{"workspace":["a","b"],"user":null,"generation":["9999999999999999999999"]}}}`,
		`{"mail":[]}`, `null`, `[]`, `"`, ``,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var n notice
		if json.Unmarshal([]byte(body), &n) != nil {
			return
		}
		if _, ours := n.mail(); ours && len(n.Mail.Tags["workspace"]) == 0 {
			t.Errorf("a notice without a workspace is ours: %s", body)
		}
		n.recipient()
		learned, known := n.learned()
		if known == (learned.Delivery == "") {
			t.Errorf("known %v with delivery %q: %s", known, learned.Delivery, body)
		}
		for _, r := range n.Bounce.Recipients {
			if len(r.Status) > 40 && strings.Contains(learned.Reason, r.Status) {
				t.Errorf("the reason quotes the notice: %q", learned.Reason)
			}
		}
	})
}
