package local

import (
	"net/http"
	"strings"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/guard"
	"github.com/latchkey/latchkey/shared/setting"
)

// guards returns a guard for each function.
func (s *Stack) guards() (map[string]*guard.Guard, error) {
	settings := s.settings()
	sender, err := sender(settings)
	if err != nil {
		return nil, err
	}
	names := guard.Names{
		Table: settings[setting.Table], Bus: settings[setting.Bus],
		Key:    settings[setting.MetadataKey],
		Sender: sender, Identity: identity(sender),
		ConfigurationSet: settings[setting.MailConfigurationSet],
	}
	guards := map[string]*guard.Guard{}
	for _, f := range blueprint.Functions() {
		guards[f.Name], err = guard.New(f, names)
		if err != nil {
			return nil, err
		}
	}
	return guards, nil
}

// servicesOf returns the environment that leads each function to the services
// other than DynamoDB, behind its guard.
func (s *Stack) servicesOf(guards map[string]*guard.Guard) (map[string][]string, error) {
	services := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v2/email/") {
			s.Mailbox.ServeHTTP(w, r)
			return
		}
		s.aws.ServeHTTP(w, r)
	})
	env := map[string][]string{}
	for name, g := range guards {
		at, err := s.serve("127.0.0.1:0", g.Before(services))
		if err != nil {
			return nil, err
		}
		// AWS_ENDPOINT_URL covers services that are not emulated: a call to
		// one is rejected here and never leaves the machine.
		for _, service := range []string{"", "_SESV2", "_EVENTBRIDGE", "_KMS"} {
			env[name] = append(env[name], "AWS_ENDPOINT_URL"+service+"="+at)
		}
	}
	return env, nil
}
