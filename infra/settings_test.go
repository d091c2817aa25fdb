package main

import (
	"reflect"
	"strings"
	"testing"

	latchkey "github.com/latchkey/latchkey/infra/cloud"
)

// TestSettingsCoverProps finds a setting for every field of Props.
func TestSettingsCoverProps(t *testing.T) {
	covered := map[string]bool{}
	for _, s := range settings {
		covered[s.field] = true
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[latchkey.Props]()) {
		if !covered[field.Name] {
			t.Errorf("no setting for Props.%s", field.Name)
		}
		delete(covered, field.Name)
	}
	delete(covered, "")
	for name := range covered {
		t.Errorf("a setting for Props.%s, which is not there", name)
	}
}

func TestReadConfig(t *testing.T) {
	c, err := readConfig(map[string]any{
		"@aws-cdk/core:checkSecretUsage": true, // not ours
		"latchkey:sender":                "Example <invitations@example.com>",
		"latchkey:dashboards":            []any{"https://app.example.com", "https://admin.example.com"},
		"latchkey:audience":              "a, b",
		"latchkey:issuer":                "https://login.example.com",
		"latchkey:tracing":               true,
		"latchkey:stage":                 "development",
		"latchkey:unprotected":           "false",
		"latchkey:historyDays":           30.0, // numbers in cdk.json
		"latchkey:tags":                  "team=identity, stage=production",
		"latchkey:domainName":            "invitations.example.com",
		"latchkey:domainCertificate":     "arn:aws:acm:eu-central-1:123456789012:certificate/1",
		"latchkey:logoHosts":             "cdn.example.com, img.example.com",
		"latchkey:mailsPerInviter":       "5000",
		"latchkey:alarmTopic":            "arn:aws:sns:eu-central-1:123456789012:on-call",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := latchkey.Props{
		Sender: "Example <invitations@example.com>", Dashboards: []string{"https://app.example.com", "https://admin.example.com"},
		Issuer: "https://login.example.com", Audience: []string{"a", "b"}, Tracing: true, HistoryDays: 30, Stage: latchkey.StageDevelopment,
		Tags: map[string]string{"team": "identity", "stage": "production"}, Domain: &latchkey.Domain{Name: "invitations.example.com", CertificateARN: "arn:aws:acm:eu-central-1:123456789012:certificate/1"},
		LogoHosts: []string{"cdn.example.com", "img.example.com"}, MailsPerInviter: 5000,
	}
	if !reflect.DeepEqual(c.props, want) || c.alarmTopicARN == "" {
		t.Errorf("got %+v", c)
	}
}

// TestBadSettings stops with a sentence that says what to set and how.
func TestBadSettings(t *testing.T) {
	for key, c := range map[string]struct{ value, says string }{
		"latchkey:sendr":       {"a@example.com", "latchkey:sendr is not a setting; the settings are "},
		"latchkey:tracing":     {"perhaps", `latchkey:tracing is "perhaps"; set true or false`},
		"latchkey:historyDays": {"a year", `latchkey:historyDays is "a year"; set a whole number from 1 to 3650`},
		"latchkey:mailRate":    {"0", `latchkey:mailRate is "0"; set a whole number from 1 to 500`},
		"latchkey:sender":      {"me", `latchkey:sender is "me"; set an email address`},
		"latchkey:tableKey":    {"alias/key", "set an ARN like arn:aws:kms:"},
		"latchkey:alarmTopic":  {"on-call", "set an ARN like arn:aws:sns:"},
		"latchkey:tags":        {"identity", "write it like team=identity"},
	} {
		if _, err := readConfig(map[string]any{key: c.value}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", key, err)
		}
	}
	_, err := readConfig(map[string]any{"latchkey:operators": "billing", "latchkey:issuer": "https://login.example.com"})
	if err == nil || !strings.Contains(err.Error(), "latchkey:audience") {
		t.Errorf("operators of a foreign issuer: %v", err)
	}
}

// TestEveryProblemAtOnce names what cannot be read, and what Validate finds in
// the rest, in terms of settings and once each.
func TestEveryProblemAtOnce(t *testing.T) {
	_, err := readConfig(map[string]any{
		"latchkey:requireMfa": true, "latchkey:issuer": "x", "latchkey:sender": "me", "latchkey:historyDays": "0",
	})
	for _, says := range []string{
		"latchkey:dashboards is empty", "latchkey:audience is empty", "latchkey:requireMfa ",
		`latchkey:sender is "me"`, `latchkey:historyDays is "0"`,
	} {
		if strings.Count(err.Error(), says) != 1 {
			t.Errorf("%q is not there once: %v", says, err)
		}
	}
	if strings.Contains(err.Error(), "latchkey:sender is empty") {
		t.Errorf("two sentences about one setting: %v", err)
	}
}

// Two settings make a deployment. In production, who hears of alarms is a third
// that has no default: a topic is required unless it is declined.
func TestTwoSettingsAndWhoHearsOfAlarms(t *testing.T) {
	for name, c := range map[string]struct {
		setting, value string
		enough         bool
	}{
		"nothing said": {"namePrefix", "latchkey", false},
		"an address":   {"alarmMail", "on-call@example.com", true},
		"a topic":      {"alarmTopic", "arn:aws:sns:eu-central-1:123456789012:on-call", true},
		"declined":     {"omitAlarmTopic", "true", true},
		"not declined": {"omitAlarmTopic", "false", false},
		"development":  {"stage", "development", true},
	} {
		_, err := readConfig(map[string]any{
			"latchkey:sender": "invitations@example.com", "latchkey:dashboards": "https://app.example.com", "latchkey:" + c.setting: c.value,
		})
		if c.enough != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), "latchkey:alarmMail")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
