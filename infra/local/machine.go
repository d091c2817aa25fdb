package local

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/latchkey/latchkey/infra/local/port"
	"github.com/latchkey/latchkey/infra/local/process"
)

// addresses is where a stack listens. The API's is held from the start; the
// other two programs get a port and listen there themselves.
type addresses struct {
	api         net.Listener
	mail, table int
}

// takeAddresses takes the three ports from the first on, or any for 0.
func takeAddresses(first int) (a addresses, err error) {
	mail := first + 1
	if first == 0 {
		mail, err = port.Free(2)
		if err != nil {
			return a, err
		}
	}
	a = addresses{mail: mail, table: mail + 1}
	a.api, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(first))
	if err != nil {
		return a, errTaken(first, first, "the API")
	}
	switch {
	case port.Taken(a.mail) != nil:
		err = errTaken(first, a.mail, "the inbox page")
	case port.Taken(a.table) != nil:
		err = errTaken(first, a.table, "DynamoDB Local")
	default:
		return a, nil
	}
	return a, errors.Join(err, a.api.Close())
}

func errTaken(first, taken int, what string) error {
	return fmt.Errorf("port %d, for %s, is taken: stop what listens there, or choose three other ports with PORT=%d", taken, what, first+1000)
}

// inboxGuard makes the mail server, which has no authentication, reject other
// hosts and origins. Node.js runs it before the server.
//
//go:embed inbox.mjs
var inboxGuard []byte

// startMail starts the mail server with its inbox page.
func (s *Stack) startMail(root string, port int, log io.Writer) error {
	script := filepath.Join(root, "node_modules", "aws-ses-v2-local", "dist", "cli.js")
	if _, err := os.Stat(script); err != nil {
		return errors.New("the mail server is not installed: run npm ci")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return errors.New("no Node.js is installed, and the mail server needs one")
	}
	cmd := exec.Command(node, "--import", "data:text/javascript;base64,"+base64.StdEncoding.EncodeToString(inboxGuard), script, "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	cmd.Stdout, cmd.Stderr = log, log
	err = process.Start(cmd)
	if err != nil {
		return fmt.Errorf("start the mail server: %w", err)
	}
	s.onClose(func(context.Context) error { return process.Stop(cmd, 2*time.Second) })
	return nil
}

func awaitHTTP(ctx context.Context, url string, atMost time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode < 500 {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not answer within %v", url, atMost)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lineLog lets many write to one log, a whole line at a time.
type lineLog struct {
	mu sync.Mutex
	to io.Writer
}

func (l *lineLog) Write(p []byte) (int, error) {
	if l.to == nil {
		return len(p), nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !bytes.HasSuffix(p, []byte("\n")) {
		p = append(bytes.Clone(p), '\n')
	}
	if _, err := l.to.Write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}
