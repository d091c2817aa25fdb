package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/lambda"
	"github.com/latchkey/latchkey/infra/local/process"
)

// bootstrap returns the path of a built function.
func bootstrap(name string) string {
	path, err := filepath.Abs(filepath.Join("build", "local", name, "bootstrap"))
	if err != nil {
		panic(err) // there is a working directory
	}
	return path
}

// measureStart measures each function in turns with a Lambda that does nothing,
// so that a machine that gets slower slows both.
func measureStart(_ context.Context, s *sheet) error {
	const pairs = 30
	functions := []string{"bare"} // calls DynamoDB and does nothing else: the floor
	for _, f := range blueprint.Functions() {
		functions = append(functions, f.Name)
	}
	for _, name := range functions {
		var ours, theirs, ratios []float64
		for range pairs {
			x, err := firstNext(bootstrap("hello"))
			if err != nil {
				return err
			}
			y, err := firstNext(bootstrap(name))
			if err != nil {
				return err
			}
			theirs, ours, ratios = append(theirs, x), append(ours, y), append(ratios, y/x)
		}
		s.add(name, "ms", median(ours))
		s.add(name, "hello, ms", median(theirs))
		s.add(name, "ratio", median(ratios))
		if info, err := os.Stat(filepath.Join("build", "arm64", name+".zip")); err == nil {
			s.add(name, "zip, MB", float64(info.Size())/1e6)
		}
	}
	return nil
}

// firstNext starts a bootstrap and returns the milliseconds until it asks for
// work.
func firstNext(path string) (float64, error) {
	asked := make(chan time.Time, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	runtime := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- time.Now():
		default:
		}
		<-r.Context().Done() // there is no work
	})}
	go func() { _ = runtime.Serve(l) }()
	defer runtime.Close()
	cmd := exec.Command(path)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + l.Addr().String(), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
		"AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:1", // not connected to before the first call
		"TABLE=t", "METADATA_KEY=k", "BUS=b", "API_URL=http://a", "DASHBOARD_URL=http://d",
		"MAIL_FROM=a@b.example", "MAIL_ATTEMPTS=8", "MAIL_INTERVAL_MS=0",
	}
	began := time.Now()
	if err := process.Start(cmd); err != nil {
		return 0, err
	}
	defer func() { _ = process.Stop(cmd, 0) }()
	select {
	case at := <-asked:
		return at.Sub(began).Seconds() * 1000, nil
	case <-time.After(10 * time.Second):
		return 0, fmt.Errorf("%s did not ask for work", path)
	}
}

// measureFirstCall measures the first call of a new process to a table behind
// TLS, and what it gains from a connection, or a call, in the init phase.
func measureFirstCall(ctx context.Context, s *sheet) error {
	const processes = 8
	table := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, "{}")
	}))
	defer table.Close()
	ca := filepath.Join(os.TempDir(), "latchkey-bench-"+strconv.Itoa(os.Getpid())+".pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: table.Certificate().Raw}), 0o600); err != nil {
		return err
	}
	defer os.Remove(ca)
	for _, memory := range []int{256, 1769} {
		for _, early := range []string{"", "connect", "call"} {
			var first, second, started []float64
			for range processes {
				f := lambda.New(lambda.Config{
					Name: "firstcall", Bootstrap: bootstrap("firstcall"), Timeout: time.Minute, MemoryMB: memory, LimitCPU: true,
					Env: []string{
						"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
						"AWS_ENDPOINT_URL_DYNAMODB=" + table.URL, "SSL_CERT_FILE=" + ca, "INIT=" + early,
					},
				})
				began := time.Now()
				a, err := invoke(ctx, f)
				if err != nil {
					return err
				}
				total := time.Since(began).Seconds() * 1000
				b, err := invoke(ctx, f)
				if err != nil {
					return err
				}
				first, second, started = append(first, a), append(second, b), append(started, total)
				_ = f.Close(ctx)
			}
			row := fmt.Sprintf("%d MB", memory)
			if early != "" {
				row += ", in the init phase: " + early
			}
			s.add(row, "first call, ms", median(first))
			s.add(row, "second call, ms", median(second))
			s.add(row, "start to first answer, ms", median(started))
		}
	}
	return nil
}

func invoke(ctx context.Context, f *lambda.Function) (ms float64, err error) {
	out, err := f.Invoke(ctx, []byte("{}"))
	if err != nil {
		return 0, err
	}
	return ms, json.Unmarshal(out, &ms)
}
