package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/issuer"
	"github.com/latchkey/latchkey/shared/setting"
)

// listenPort is the first of the three ports that follow one another.
var listenPort = &setting.Int{Name: "PORT", Default: 8080, Min: 1, Max: 65533}

// config is what the flags and the environment ask for.
type config struct {
	local.Config
	seed seed
}

// readConfig reads the flags of `latchkey dev` and, from the environment, what
// no flag says: PORT, DATA_DIR, ISSUER_BEHAVIOR and every setting that a
// deployment chooses.
func readConfig(args []string, getenv func(string) string) (config, error) {
	c := config{Config: local.Config{NoticesAfter: time.Second}}
	given := map[string]string{}
	env := func(name string) string { return cmp.Or(given[name], getenv(name)) }
	flags := flag.NewFlagSet("latchkey dev", flag.ContinueOnError)
	instead := func(name, of, doc string) {
		flags.Func(name, doc, func(value string) error { given[of] = value; return nil })
	}
	instead("port", listenPort.Name, "the `port` of the API; the inbox and DynamoDB Local are at the next two (default $PORT, or 8080)")
	instead("data", "DATA_DIR", "the `folder` of what outlives a restart (default $DATA_DIR, or .data)")
	instead("issuer", "ISSUER_BEHAVIOR", "the identity `provider` to imitate (default $ISSUER_BEHAVIOR, or cognito)")
	flags.StringVar(&c.Root, "root", ".", "the `folder` that has node_modules, and the functions and dashboard in build")
	flags.Func("seed", "create the workspaces and people of this JSON `file`, where they do not exist", c.readSeed)
	flags.Func("fault", "make something fail; may be repeated:\n"+faultDoc(), c.addFault)
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	if flags.NArg() > 0 {
		return config{}, fmt.Errorf("%q is not a flag: see latchkey dev -h", flags.Arg(0))
	}
	err := c.readSettings(env)
	if err != nil {
		return config{}, fmt.Errorf("these settings need a change:\n%w", err)
	}
	c.Issuer, err = issuer.BehaviorNamed(env("ISSUER_BEHAVIOR"))
	if err != nil {
		return config{}, fmt.Errorf("ISSUER_BEHAVIOR: %w", err)
	}
	c.Root, err = filepath.Abs(c.Root)
	c.DataDir = cmp.Or(env("DATA_DIR"), ".data")
	c.Functions, c.Dashboard = filepath.Join(c.Root, "build", "local"), filepath.Join(c.Root, "build", "web")
	return c, err
}

// readSettings reads the port, and every setting of the functions that the
// environment overrides.
func (c *config) readSettings(env func(string) string) error {
	r := setting.NewReader(env)
	c.Port = r.Int(listenPort)
	c.Settings = map[setting.Definition]string{}
	for _, d := range setting.All() {
		about := d.About()
		if value := env(about.Name); value != "" && !about.Derived {
			c.Settings[d] = value
			r.Check(d)
		}
	}
	return r.Err()
}

func run(ctx context.Context, c config) error {
	err := os.MkdirAll(c.DataDir, 0o700)
	if err != nil {
		return fmt.Errorf("the data folder cannot be made: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(c.DataDir, "latchkey.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the log cannot be opened: %w", err)
	}
	defer log.Close()
	c.Log = log
	began := time.Now()
	stack, err := local.Start(ctx, c.Config)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = stack.Close(end)
	}()
	if err := c.seed.plant(ctx, stack.URL); err != nil {
		return fmt.Errorf("the seed data: %w", err)
	}
	fmt.Print(greeting(stack, log.Name(), time.Since(began)))
	<-ctx.Done()
	fmt.Println("\nStopping.")
	return nil
}

func greeting(s *local.Stack, log string, took time.Duration) string {
	return fmt.Sprintf(`
Latchkey is ready (%.1f s).

  Dashboard   %[2]s        sign up, make a workspace, add users; the API is there too
  Reference   %[2]s/docs
  Inbox       %[3]s        every mail that is sent, as people would get it
  DynamoDB    %[4]s
  Log         %[5]s

Or, in another terminal: become an admin, make a workspace, invite somebody.

  TOKEN=$(curl -s %[2]s/local/token -d '{"email":"ada@corp.com","name":"Ada Admin"}' | sed -E 's/.*"token":"([^"]+)".*/\1/')
  WS=$(curl -s %[2]s/v1/workspaces -H "Authorization: Bearer $TOKEN" -d '{"name":"Nexus"}' | sed -E 's/.*"id":"(ws_[^"]+)".*/\1/')
  curl -s %[2]s/v1/workspaces/$WS/users -H "Authorization: Bearer $TOKEN" -d '{"name":"John Doe","email":"john@corp.com","role":"builder"}'

Then read the mail in the inbox and follow its link. Ctrl-C stops everything; the data stays.
`, took.Seconds(), s.URL, s.MailURL, s.TableURL, log)
}
