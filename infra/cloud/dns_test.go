package latchkey_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// resolved is a value of the template with the region filled in and a word for
// what only a deployment knows.
func resolved(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var out strings.Builder
		for _, one := range v {
			out.WriteString(resolved(one))
		}
		return out.String()
	case map[string]any:
		if join, ok := v["Fn::Join"].([]any); ok {
			parts := make([]string, len(join[1].([]any)))
			for i, part := range join[1].([]any) {
				parts[i] = resolved(part)
			}
			return strings.Join(parts, join[0].(string))
		}
		if att, ok := v["Fn::GetAtt"].([]any); ok {
			return "known-later." + strings.ToLower(att[1].(string))
		}
		if ref, ok := v["Ref"].(string); ok {
			return "ref-" + ref
		}
	}
	return "?"
}

// zoneLine is one record of a zone file, as RFC 1035 section 5 has it.
var zoneLine = regexp.MustCompile(`^[a-z0-9_.-]+\. [0-9]+ IN (CNAME [a-z0-9_.-]+\.|MX [0-9]+ [a-z0-9_.-]+\.|TXT "[^"]*")$`)

// TestRecords outputs every DNS record of the sender's domain, by itself and as
// lines of a zone file.
func TestRecords(t *testing.T) {
	props := minimal()
	props.MailFromDomain = "bounce.example.com"
	made := synth(t, props, nil)
	value := func(name string) string {
		output, ok := made.Outputs[name].(map[string]any)
		if !ok {
			t.Fatalf("no output %s among %v", name, slices.Sorted(maps.Keys(made.Outputs)))
		}
		return resolved(output["Value"])
	}
	want := map[string]string{
		"MailFromMxRecord":  "bounce.example.com MX 10 feedback-smtp.eu-central-1.amazonses.com",
		"MailFromSpfRecord": `bounce.example.com TXT "v=spf1 include:amazonses.com ~all"`,
		"DmarcRecord":       `_dmarc.example.com TXT "v=DMARC1; p=none;"`,
	}
	for name, record := range want {
		if got := value(name); got != record {
			t.Errorf("%s is %s, want %s", name, got, record)
		}
	}
	lines := strings.Split(value("DnsRecords"), "\n")
	if len(lines) != 6 {
		t.Errorf("%d lines in the zone file: %v", len(lines), lines)
	}
	for _, line := range lines {
		if !zoneLine.MatchString(line) {
			t.Errorf("not a line of a zone file: %s", line)
		}
	}
	if got := resolved(standard(t).Outputs["DnsRecords"].(map[string]any)["Value"]); strings.Contains(got, " MX ") {
		t.Errorf("records of a MAIL FROM domain that is not set: %s", got)
	}
	if everything(t).Outputs["DnsRecords"] != nil {
		t.Error("records of an identity that exists already")
	}
}
