// Command run is `make run`: the whole service on this machine, until Ctrl-C.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/issuer"
	"github.com/latchkey/latchkey/shared/setting"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Latchkey did not start:", err)
		os.Exit(1)
	}
}

// listenPort is the first of the three ports that follow one another.
var listenPort = &setting.Int{Name: "PORT", Default: 8080, Min: 1, Max: 65533}

// readSettings reads the port, and every setting of the functions that the
// environment overrides.
func readSettings(getenv func(string) string) (port int, overrides map[setting.Definition]string, err error) {
	r := setting.NewReader(getenv)
	port = r.Int(listenPort)
	overrides = map[setting.Definition]string{}
	for _, d := range setting.All() {
		about := d.About()
		if value := getenv(about.Name); value != "" && !about.Derived {
			overrides[d] = value
			r.Check(d)
		}
	}
	return port, overrides, r.Err()
}

func run(ctx context.Context, getenv func(string) string) error {
	port, settings, err := readSettings(getenv)
	if err != nil {
		return fmt.Errorf("these settings need a change:\n%w", err)
	}
	people, err := issuer.BehaviorNamed(getenv("ISSUER_BEHAVIOR"))
	if err != nil {
		return fmt.Errorf("ISSUER_BEHAVIOR: %w", err)
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	data := cmp.Or(getenv("DATA_DIR"), ".data")
	err = os.MkdirAll(data, 0o700)
	if err != nil {
		return fmt.Errorf("the data folder cannot be made: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(data, "latchkey.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the log cannot be opened: %w", err)
	}
	defer log.Close()
	began := time.Now()
	stack, err := local.Start(ctx, local.Config{
		Port: port, DataDir: data, Root: root, Log: log, Settings: settings, NoticesAfter: time.Second, Issuer: people,
		Functions: filepath.Join(root, "build", "local"), Dashboard: filepath.Join(root, "build", "web"),
	})
	if err != nil {
		return err
	}
	fmt.Print(greeting(stack, log.Name(), time.Since(began)))
	<-ctx.Done()
	fmt.Println("\nStopping.")
	end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return stack.Close(end)
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
