package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/shared/setting"
)

// unfit returns a value that a setting does not allow; ok is false where it
// allows any.
func unfit(d setting.Definition) (value string, ok bool) {
	for _, value := range []string{"?", ""} {
		if d.Check(value) != nil {
			return value, true
		}
	}
	return "", false
}

// A built function refuses to start with settings that are wrong, and names
// each of them in a line of its log: all those that the blueprint lists for it.
func TestWrongSettingsStopAFunction(t *testing.T) {
	for _, f := range blueprint.Functions() {
		env := map[string]string{}
		var want []string
		for _, d := range f.Settings {
			name := d.About().Name
			value, ok := unfit(d)
			env[name] = value
			if ok {
				want = append(want, name+" "+d.Check(value).Error())
			}
		}
		asked, log := startFunction(t, f.Name, env)
		var got []string
		for line := range strings.Lines(log) {
			var entry struct{ Level, Message string }
			if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level != "ERROR" {
				t.Errorf("%s logs %s", f.Name, line)
			}
			got = append(got, entry.Message)
		}
		slices.Sort(want)
		slices.Sort(got)
		if asked || !slices.Equal(got, want) {
			t.Errorf("%s asks for work: %v, and says %q; want %q", f.Name, asked, got, want)
		}
	}
}

// A built function starts with the settings that the blueprint lists for it even
// if all others are wrong: it reads no others.
func TestAFunctionReadsTheSettingsOfTheBlueprintAlone(t *testing.T) {
	for _, f := range blueprint.Functions() {
		env := map[string]string{}
		for _, d := range setting.All() {
			name := d.About().Name
			env[name] = stack.Env().Get(name)
			if !f.Reads(d) {
				env[name], _ = unfit(d)
			}
		}
		if asked, log := startFunction(t, f.Name, env); !asked {
			t.Errorf("%s does not start: %s", f.Name, log)
		}
	}
}

// startFunction runs a function until it asks for work, or ends with a failure.
func startFunction(t *testing.T, name string, env map[string]string) (asked bool, log string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	running := make(chan struct{}, 1)
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		running <- struct{}{}
		<-r.Context().Done()
	}))
	defer api.Close()
	cmd := exec.Command(filepath.Join("../../build/local", name, "bootstrap"))
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"), "AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_REGION=us-east-1"}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-running:
		asked = true
	case err := <-ended:
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("%s ended with %v", name, err)
		}
		return false, out.String()
	case <-ctx.Done():
		t.Errorf("%s neither asks for work nor ends", name)
	}
	_ = cmd.Process.Kill()
	<-ended
	return asked, out.String()
}

// A stack refuses settings that are wrong before it starts anything.
func TestWrongSettingsStopTheStack(t *testing.T) {
	_, err := local.Start(t.Context(), local.Config{Settings: map[setting.Definition]string{
		setting.ReportsToPause: "three", setting.HistoryDays: "0", setting.Table: "t",
	}})
	const want = `HISTORY_DAYS is "0"; set a whole number from 1 to 3650
REPORTS_TO_PAUSE is "three"; set a whole number from 1 to 100000`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}
