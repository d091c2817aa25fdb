// Command run is `make run`: the whole service on this machine, until Ctrl-C.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
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

func run(ctx context.Context, getenv func(string) string) error {
	port, err := strconv.Atoi(getenv("PORT"))
	if err != nil || port < 1 || port > 65533 {
		return fmt.Errorf("PORT must be a number from 1 to 65533, not %q", getenv("PORT"))
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	data := getenv("DATA_DIR")
	err = os.MkdirAll(data, 0o700)
	if err != nil {
		return fmt.Errorf("the data folder cannot be made: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(data, "latchkey.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the log cannot be opened: %w", err)
	}
	defer log.Close()
	settings := map[blueprint.Setting]string{}
	for _, s := range []blueprint.Setting{
		blueprint.SettingMailsPerInviter, blueprint.SettingMailsPerNewWorkspace, blueprint.SettingMailsPerWorkspace,
		blueprint.SettingReportsToPause, blueprint.SettingLogoHosts,
	} {
		if value := getenv(string(s)); value != "" {
			settings[s] = value
		}
	}
	began := time.Now()
	stack, err := local.Start(ctx, local.Config{
		Port: port, DataDir: data, Root: root, Log: log, Settings: settings, NoticesAfter: time.Second,
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
