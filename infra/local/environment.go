package local

import (
	"cmp"
	"maps"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/setting"
)

// mailRate is how many mails a second this machine's mail server is given.
const mailRate = 50

// settings are the values of the settings that have no default, or another one
// here.
func (s *Stack) settings() map[setting.Definition]string {
	settings := map[setting.Definition]string{
		setting.Table:                TableName,
		setting.MetadataKey:          dataKeyID,
		setting.Bus:                  BusName,
		setting.DashboardURL:         s.URL,
		setting.APIURL:               s.URL,
		setting.MailFrom:             "Latchkey <invitations@latchkey.example>",
		setting.MailConfigurationSet: "latchkey",
		setting.MailAttempts:         setting.MailAttempts.Format(blueprint.MailAttempts),
		setting.MailInterval:         setting.MailInterval.Format(blueprint.MailInterval(mailRate)),
	}
	maps.Copy(settings, s.replaced)
	return settings
}

// checkSettings returns what is wrong with any setting.
func (s *Stack) checkSettings() error {
	r := setting.NewReader(s.Env().Get)
	r.Check(setting.All()...)
	return r.Err()
}

// surroundings are what Lambda would tell every function.
func (s *Stack) surroundings() map[string]string {
	return map[string]string{
		"AWS_REGION": region, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_ENDPOINT_URL_DYNAMODB":    s.TableURL,
		"AWS_ENDPOINT_URL_SESV2":       s.mailEndpoint,
		"AWS_ENDPOINT_URL_EVENTBRIDGE": s.services,
		"AWS_ENDPOINT_URL_KMS":         s.services,
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
	for _, d := range f.Settings {
		about := d.About()
		env = append(env, about.Name+"="+cmp.Or(settings[d], about.Default))
	}
	return env
}

// Env is the environment of a function that has every setting: for samples and
// tests, which look at the table by way of shared/store.
func (s *Stack) Env() awsenv.Env {
	env := s.surroundings()
	for d, value := range s.settings() {
		env[d.About().Name] = value
	}
	return awsenv.Env{Get: func(name string) string { return env[name] }}
}
