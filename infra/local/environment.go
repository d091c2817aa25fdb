package local

import (
	"maps"
	"strconv"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/shared/awsenv"
)

// mailRate is how many mails a second this machine's mail server is given.
const mailRate = 100

// settings are the values of all settings here.
func (s *Stack) settings() map[blueprint.Setting]string {
	settings := map[blueprint.Setting]string{
		blueprint.SettingTable:                TableName,
		blueprint.SettingLinkKey:              linkKeyID,
		blueprint.SettingMetadataKey:          dataKeyID,
		blueprint.SettingBus:                  BusName,
		blueprint.SettingDashboardURL:         s.URL,
		blueprint.SettingAPIURL:               s.URL,
		blueprint.SettingMailFrom:             "Latchkey <invitations@latchkey.example>",
		blueprint.SettingMailConfigurationSet: "latchkey",
		blueprint.SettingMailAttempts:         strconv.Itoa(blueprint.MailAttempts),
		blueprint.SettingMailInterval:         strconv.Itoa(1000 * blueprint.MailConcurrency / mailRate),
		blueprint.SettingReportsToPause:       "3",
		blueprint.SettingLogoHosts:            "",
		blueprint.SettingWorkspaceCreation:    "signed-in",
		blueprint.SettingHistoryDays:          "400",
		blueprint.SettingMailsPerInviter:      "100",
		blueprint.SettingMailsPerNewWorkspace: "200",
		blueprint.SettingMailsPerWorkspace:    "2000",
	}
	maps.Copy(settings, s.replaced)
	return settings
}

// surroundings are what Lambda would tell every function.
func (s *Stack) surroundings() map[string]string {
	return map[string]string{
		"AWS_REGION": region, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_ENDPOINT_URL_DYNAMODB":        s.TableURL,
		"AWS_ENDPOINT_URL_SESV2":           s.mailEndpoint,
		"AWS_ENDPOINT_URL_EVENTBRIDGE":     s.services,
		"AWS_ENDPOINT_URL_KMS":             s.services,
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": s.services,
	}
}

// environment is all that a function gets to know: its surroundings, and of
// the settings those that the blueprint lists for it.
func (s *Stack) environment(f blueprint.Function, table string) []string {
	var env []string
	around := s.surroundings()
	around["AWS_ENDPOINT_URL_DYNAMODB"] = table
	for name, value := range around {
		env = append(env, name+"="+value)
	}
	settings := s.settings()
	for _, name := range f.Settings {
		value, ok := settings[name]
		if !ok {
			panic("infra/local has no value for the setting " + string(name))
		}
		env = append(env, string(name)+"="+value)
	}
	return env
}

// Env is the environment of a function that has every setting: for samples and
// tests, which look at the table by way of shared/store.
func (s *Stack) Env() awsenv.Env {
	env := s.surroundings()
	for name, value := range s.settings() {
		env[string(name)] = value
	}
	return awsenv.Env{Get: func(name string) string { return env[name] }}
}
