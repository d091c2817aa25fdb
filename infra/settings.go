package main

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	latchkey "github.com/latchkey/latchkey/infra/cloud"
)

// settingPrefix begins every setting, so that a misspelt one is noticed.
const settingPrefix = "latchkey:"

// config is what the settings come to.
type config struct {
	props         latchkey.Props
	stack, region string
	tableKeyARN   string
	alarmTopicARN string
	operators     []string
}

// contextSetting fills one field of the config.
type contextSetting struct {
	field string // the field of Props that it is about
	set   func(c *config, value string) error
}

// settings are all settings: each is a field of latchkey.Props, whose comment
// says what it means. Lists are separated by commas.
var settings = withDefined(map[string]contextSetting{
	"dashboards":     {"Dashboards", list(func(c *config) *[]string { return &c.props.Dashboards })},
	"senderIdentity": {"SenderIdentity", text(func(c *config) *string { return &c.props.SenderIdentity })},
	"verifyAddressOnly": {"VerifyAddressOnly", yesNo(func(c *config) *bool {
		return &c.props.VerifyAddressOnly
	})},
	"mailFromDomain": {"MailFromDomain", text(func(c *config) *string { return &c.props.MailFromDomain })},
	"issuer":         {"Issuer", text(func(c *config) *string { return &c.props.Issuer })},
	"audience":       {"Audience", list(func(c *config) *[]string { return &c.props.Audience })},
	"callbackPath":   {"CallbackPath", text(func(c *config) *string { return &c.props.CallbackPath })},
	"nameOptional":   {"NameOptional", yesNo(func(c *config) *bool { return &c.props.NameOptional })},
	"requireMfa":     {"RequireMFA", yesNo(func(c *config) *bool { return &c.props.RequireMFA })},
	"accountMailFromSender": {"AccountMailFromSender", yesNo(func(c *config) *bool {
		return &c.props.AccountMailFromSender
	})},
	"logRetentionDays":     {"LogRetentionDays", number(func(c *config) *int { return &c.props.LogRetentionDays })},
	"domainName":           {"Domain", text(func(c *config) *string { return &c.domain().Name })},
	"domainCertificate":    {"", text(func(c *config) *string { return &c.domain().CertificateARN })},
	"domainHostedZone":     {"", text(func(c *config) *string { return &c.domain().HostedZoneID })},
	"siteCertificate":      {"Site", text(func(c *config) *string { return &c.site().CertificateARN })},
	"siteHostedZone":       {"", text(func(c *config) *string { return &c.site().HostedZoneID })},
	"siteFolder":           {"", text(func(c *config) *string { return &c.site().Folder })},
	"siteIssuerOrigins":    {"", list(func(c *config) *[]string { return &c.site().IssuerOrigins })},
	"siteSignOutWithToken": {"", yesNo(func(c *config) *bool { return &c.site().SignOutWithToken })},
	"namePrefix":           {"NamePrefix", text(func(c *config) *string { return &c.props.NamePrefix })},
	"tags":                 {"Tags", setTags},
	"permissionsBoundary":  {"PermissionsBoundary", text(func(c *config) *string { return &c.props.PermissionsBoundary })},
	"tableKey":             {"TableKey", arn("kms", func(c *config) *string { return &c.tableKeyARN })},
	"replicas":             {"Replicas", list(func(c *config) *[]string { return &c.props.Replicas })},
	"linkKeySecret":        {"LinkKeySecret", yesNo(func(c *config) *bool { return &c.props.LinkKeySecret })},
	"omitByRole":           {"OmitByRole", yesNo(func(c *config) *bool { return &c.props.OmitByRole })},
	"mailQuota":            {"MailQuota", number(func(c *config) *int { return &c.props.MailQuota })},
	"stage":                {"Stage", text(func(c *config) *string { return &c.props.Stage })},
	"unprotected":          {"Unprotected", yesNo(func(c *config) *bool { return &c.props.Unprotected })},
	"canary":               {"Canary", text(func(c *config) *string { return &c.props.Canary })},
	"alarmMail":            {"AlarmMail", text(func(c *config) *string { return &c.props.AlarmMail })},
	"omitAlarmTopic":       {"OmitAlarmTopic", yesNo(func(c *config) *bool { return &c.props.OmitAlarmTopic })},
	"alarmTopic":           {"AlarmTopic", arn("sns", func(c *config) *string { return &c.alarmTopicARN })},
	"omitDashboard":        {"OmitDashboard", yesNo(func(c *config) *bool { return &c.props.OmitDashboard })},
	"tracing":              {"Tracing", yesNo(func(c *config) *bool { return &c.props.Tracing })},
	"reserveConcurrency":   {"ReserveConcurrency", yesNo(func(c *config) *bool { return &c.props.ReserveConcurrency })},
	"functionsFolder":      {"FunctionsFolder", text(func(c *config) *string { return &c.props.FunctionsFolder })},
	// Of this app, not of the construct.
	"stack":     {"", text(func(c *config) *string { return &c.stack })},
	"region":    {"", text(func(c *config) *string { return &c.region })},
	"operators": {"", list(func(c *config) *[]string { return &c.operators })},
})

// withDefined adds the settings that shared/setting defines: HistoryDays is
// latchkey:historyDays.
func withDefined(settings map[string]contextSetting) map[string]contextSetting {
	for i, s := range new(latchkey.Props).Settings() {
		name := strings.ToLower(s.Field[:1]) + s.Field[1:]
		settings[name] = contextSetting{s.Field, func(c *config, value string) error { return c.props.Settings()[i].Set(value) }}
	}
	return settings
}

func (c *config) domain() *latchkey.Domain {
	if c.props.Domain == nil {
		c.props.Domain = &latchkey.Domain{}
	}
	return c.props.Domain
}

// site is where make build writes the dashboard, unless something else is said.
func (c *config) site() *latchkey.Site {
	if c.props.Site == nil {
		c.props.Site = &latchkey.Site{Folder: "build/web"}
	}
	return c.props.Site
}

// readConfig reads the settings from CDK's context; every problem at once.
func readConfig(context map[string]any) (config, error) {
	var c config
	var problems []string
	wrong := map[string]bool{} // fields that have had their sentence
	for _, key := range slices.Sorted(maps.Keys(context)) {
		name, ours := strings.CutPrefix(key, settingPrefix)
		if !ours {
			continue
		}
		s, known := settings[name]
		if !known {
			problems = append(problems, fmt.Sprintf("%s is not a setting; the settings are %s", key, strings.Join(slices.Sorted(maps.Keys(settings)), ", ")))
			continue
		}
		if err := s.set(&c, plain(context[key])); err != nil {
			wrong[s.field] = true
			problems = append(problems, fmt.Sprintf("%s %v", key, err))
		}
	}
	if len(c.operators) > 0 && c.props.Issuer != "" {
		problems = append(problems, settingPrefix+"operators needs the Cognito user pool; with latchkey:issuer, give the scope latchkey/operator to a client there and name it in latchkey:audience")
	}
	var found latchkey.Problems
	_ = errors.As(c.validate(), &found) // Validate returns nothing else
	for _, p := range found {
		if !wrong[p.Field] {
			problems = append(problems, fmt.Sprintf("%s%s %s", settingPrefix, settingOf(p.Field), p.Text))
		}
	}
	if len(problems) > 0 {
		return c, fmt.Errorf("latchkey: these settings need a change, in the context of cdk.json or as -c %sname=value:\n  %s",
			settingPrefix, strings.Join(problems, "\n  "))
	}
	return c, nil
}

func settingOf(field string) string {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if settings[name].field == field {
			return name
		}
	}
	return field
}

// plain is a value of the context as the command line would write it.
func plain(value any) string {
	if many, ok := value.([]any); ok {
		parts := make([]string, len(many))
		for i, one := range many {
			parts[i] = plain(one)
		}
		return strings.Join(parts, ",")
	}
	return strings.TrimSpace(fmt.Sprint(value))
}

func text(field func(*config) *string) func(*config, string) error {
	return func(c *config, value string) error {
		*field(c) = value
		return nil
	}
}

func list(field func(*config) *[]string) func(*config, string) error {
	return func(c *config, value string) error {
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*field(c) = append(*field(c), part)
			}
		}
		return nil
	}
}

func yesNo(field func(*config) *bool) func(*config, string) error {
	return func(c *config, value string) error {
		if value != "true" && value != "false" {
			return fmt.Errorf("is %q; set true or false", value)
		}
		*field(c) = value == "true"
		return nil
	}
}

func number(field func(*config) *int) func(*config, string) error {
	return func(c *config, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("is %q; set a whole number", value)
		}
		*field(c) = n
		return nil
	}
}

func arn(service string, field func(*config) *string) func(*config, string) error {
	shape := regexp.MustCompile(`^arn:aws[a-z-]*:` + service + `:[a-z0-9-]+:[0-9]{12}:.+$`)
	return func(c *config, value string) error {
		if !shape.MatchString(value) {
			return fmt.Errorf("is %q; set an ARN like arn:aws:%s:eu-central-1:123456789012:…", value, service)
		}
		*field(c) = value
		return nil
	}
}

// setTags reads "team=identity,stage=production".
func setTags(c *config, value string) error {
	c.props.Tags = map[string]string{}
	for part := range strings.SplitSeq(value, ",") {
		key, tag, ok := strings.Cut(part, "=")
		if !ok || strings.TrimSpace(key) == "" {
			return fmt.Errorf("is %q; write it like team=identity,stage=production", value)
		}
		c.props.Tags[strings.TrimSpace(key)] = strings.TrimSpace(tag)
	}
	return nil
}
