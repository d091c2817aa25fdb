// Package local renders the blueprint on this machine: the functions' own
// binaries behind an HTTP gateway, DynamoDB Local with its stream, a bus and
// queues, a mail server with an inbox page, an OIDC issuer, and the schedule.
// Everything listens on 127.0.0.1 alone and keeps its state in one data folder.
//
// It may import infra/blueprint, its own subpackages and, for samples, the
// shared packages; no function and nothing of CDK.
package local

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/awsapi"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/infra/local/gateway"
	"github.com/latchkey/latchkey/infra/local/guard"
	"github.com/latchkey/latchkey/infra/local/issuer"
	"github.com/latchkey/latchkey/infra/local/lambda"
	"github.com/latchkey/latchkey/infra/local/loopback"
	"github.com/latchkey/latchkey/infra/local/mailbox"
	"github.com/latchkey/latchkey/infra/local/messaging"
	"github.com/latchkey/latchkey/infra/local/schedule"
	"github.com/latchkey/latchkey/infra/local/stream"
	"github.com/latchkey/latchkey/shared/setting"
)

// Names by which the parts know each other here.
const (
	TableName = "latchkey"
	BusName   = "latchkey"
	region    = "us-east-1"
	dataKeyID = "alias/latchkey-metadata"
)

// Config says where a stack runs.
type Config struct {
	// Port is the API's; the inbox page is at the next one, DynamoDB Local
	// at the one behind. 0 takes free ports.
	Port int
	// DataDir keeps what outlives a restart; "" keeps the table in memory
	// and the rest in a temporary folder.
	DataDir string
	// Functions is the folder of the built functions: <name>/bootstrap.
	Functions string
	// Dashboard is the folder of the built dashboard; "" serves none.
	Dashboard string
	// Root is the project's folder, where node_modules is.
	Root string
	// TableFault, if set, returns the fault of each attempt of a function to
	// call the table.
	TableFault func(TableCall) TableFault
	// Around, if set, wraps each invocation of a function, whatever triggers
	// it. It may call invoke any number of times and with other events.
	Around func(function string, event []byte, invoke func(event []byte) ([]byte, error)) ([]byte, error)
	// Timeout, if set, takes the place of every function's own.
	Timeout time.Duration
	// RetrySpeed is how many times faster than at AWS a message that failed
	// shows again in its queue; 0 is 1.
	RetrySpeed float64
	// Duplicates is the share, from 0 to 1, of messages that the queues deliver
	// twice; 0 is the usual one in twenty, and below 0 is none.
	Duplicates float64
	// KeepAwake leaves functions running between invocations, where Lambda
	// freezes them.
	KeepAwake bool
	// MemoryMB, if set, overrides every function's own.
	MemoryMB int
	// LimitCPU gives functions the share of a CPU that Lambda gives to their
	// memory; a laptop gives them all it has otherwise.
	LimitCPU bool
	// SES, if set, changes what the account may do at SES: it has production
	// access at the rate that the functions are told, without a daily quota.
	SES func(*mailbox.Account)
	// Issuer selects the provider whose behavior the issuer imitates; the zero
	// value is a Cognito pool with managed login.
	Issuer issuer.Behavior
	// NoticesAfter is how long after a mail it is told what became of it.
	NoticesAfter time.Duration
	// Settings replace the defaults, and what this package sets itself.
	Settings map[setting.Definition]string
	// Log takes one line for each request, and what the functions log.
	Log io.Writer
	// Meter, if set, is asked for a handler for each function, which then
	// stands between that function and the table in the guard's place.
	Meter func(tableURL string) (func(function string) http.Handler, error)
}

// Stack is Latchkey running on this machine.
type Stack struct {
	URL      string // of the API
	MailURL  string // of the inbox page; GET /store lists the mails
	TableURL string // of DynamoDB Local

	DB     *dynamodb.Client
	Queues *messaging.Queues
	Bus    *messaging.Bus

	replaced map[setting.Definition]string
	Mailbox  *mailbox.Mailbox // what stands in for SES: it can be told to fail

	mailEndpoint string
	services     string // where EventBridge and KMS are
	aws          *awsapi.Handler
	functions    map[string]*function
	stream       atomic.Pointer[stream.Source]
	closers      []func(context.Context) error // in the order in which to close
	cancel       context.CancelFunc
	running      sync.WaitGroup
}

// Start brings a stack up; ready when it returns. What is wrong with the
// machine comes back in one sentence.
func Start(ctx context.Context, cfg Config) (*Stack, error) {
	log := &lineLog{to: cfg.Log}
	at, err := takeAddresses(cfg.Port)
	if err != nil {
		return nil, err
	}
	dataDir := cfg.DataDir
	if dataDir == "" {
		dataDir, err = os.MkdirTemp("", "latchkey-*")
	} else {
		err = os.MkdirAll(dataDir, 0o700)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the data folder: %w", err), at.api.Close())
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &Stack{
		URL:       "http://" + at.api.Addr().String(),
		MailURL:   "http://127.0.0.1:" + strconv.Itoa(at.mail),
		functions: map[string]*function{},
		replaced:  cfg.Settings,
		cancel:    cancel,
	}
	if cfg.DataDir == "" {
		s.onClose(func(context.Context) error { return os.RemoveAll(dataDir) })
	}
	// Requests wait until the API answers. A server closes its listener itself.
	s.onClose(func(context.Context) error { _ = at.api.Close(); return nil })
	err = s.start(ctx, life, cfg, at, dataDir, log)
	if err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

// onClose runs f when the stack closes, before what was given earlier.
func (s *Stack) onClose(f func(context.Context) error) {
	s.closers = append([]func(context.Context) error{f}, s.closers...)
}

// Close ends everything, in the reverse order of its start.
func (s *Stack) Close(ctx context.Context) error {
	s.cancel()
	s.running.Wait()
	var errs []error
	for _, f := range s.closers {
		errs = append(errs, f(ctx))
	}
	s.closers = nil
	return errors.Join(errs...)
}

func (s *Stack) start(ctx, life context.Context, cfg Config, at addresses, dataDir string, log *lineLog) error {
	err := s.checkSettings()
	if err != nil {
		return err
	}
	// The queues' file is also the lock of the data folder: first of all.
	s.Queues, err = messaging.Open(filepath.Join(dataDir, "queues.db"), blueprint.Queues(), messaging.Options{
		Speed: cfg.RetrySpeed, Duplicates: duplicates(cfg.Duplicates),
	})
	if err != nil {
		return err
	}
	s.onClose(func(context.Context) error { return s.Queues.Close() })
	err = s.startMail(cfg.Root, at.mail, log)
	if err != nil {
		return err
	}
	err = s.startTable(ctx, cfg, at.table, log)
	if err != nil {
		return err
	}
	err = awaitHTTP(ctx, s.MailURL+"/health-check", 15*time.Second)
	if err != nil {
		return err
	}
	err = s.startMailbox(cfg)
	if err != nil {
		return err
	}
	s.services, err = s.startServices(dataDir)
	if err != nil {
		return err
	}
	err = s.adoptLinkKeys(ctx, dataDir)
	if err != nil {
		return err
	}
	guards, err := s.guards()
	if err != nil {
		return err
	}
	tables, err := s.tablesOf(cfg, guards)
	if err != nil {
		return err
	}
	services, err := s.servicesOf(guards)
	if err != nil {
		return err
	}
	for _, f := range blueprint.Functions() {
		fn := lambda.New(lambda.Config{
			Name: f.Name, Bootstrap: filepath.Join(cfg.Functions, f.Name, "bootstrap"),
			Env:     append(s.environment(f, tables[f.Name]), services[f.Name]...), // the last of a name counts
			Timeout: cmp.Or(cfg.Timeout, f.Timeout), MemoryMB: cmp.Or(cfg.MemoryMB, f.MemoryMB), Log: log,
			Freeze: !cfg.KeepAwake, LimitCPU: cfg.LimitCPU,
		})
		s.functions[f.Name] = &function{fn, f.Name, slog.New(slog.NewJSONHandler(log, nil)), cfg.Around, s.poke}
		s.onClose(fn.Close)
	}
	err = s.startHTTP(at.api, dataDir, cfg, log)
	if err != nil {
		return err
	}
	return s.startTriggers(life, dataDir, log)
}

// function is a Lambda that reports each run in the log, as Lambda does.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report
type function struct {
	*lambda.Function
	name   string
	log    *slog.Logger
	around func(function string, event []byte, invoke func(event []byte) ([]byte, error)) ([]byte, error)
	ended  func() // called after each run
}

// poke has the stream looked at, since a function may have written.
func (s *Stack) poke() {
	if source := s.stream.Load(); source != nil {
		source.Poke()
	}
}

// Invoke runs the function on an event.
func (f *function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	if f.around == nil {
		return f.invoke(ctx, event)
	}
	return f.around(f.name, event, func(event []byte) ([]byte, error) { return f.invoke(ctx, event) })
}

// report is the message of the line that each run of a function logs.
const report = "platform.report"

func (f *function) invoke(ctx context.Context, event []byte) ([]byte, error) {
	began := time.Now()
	answer, err := f.Function.Invoke(ctx, event)
	status := "success"
	if err != nil {
		status = "error"
	}
	f.log.InfoContext(ctx, report, "function", f.name, "status", status,
		"durationMs", float64(time.Since(began).Microseconds())/1000)
	f.ended()
	return answer, err
}

// Invoke runs a function on an event.
func (s *Stack) Invoke(ctx context.Context, name string, event []byte) ([]byte, error) {
	f, ok := s.functions[name]
	if !ok {
		return nil, fmt.Errorf("there is no function %q", name)
	}
	return f.Invoke(ctx, event)
}

func (s *Stack) startTable(ctx context.Context, cfg Config, port int, log *lineLog) error {
	dir, err := dynamodblocal.FindDir()
	if err != nil {
		return err
	}
	data := ""
	if cfg.DataDir != "" {
		data = filepath.Join(cfg.DataDir, "dynamodb")
	}
	server, err := dynamodblocal.Start(ctx, dynamodblocal.Config{Dir: dir, Port: port, DataDir: data, Log: log})
	if err != nil {
		return err
	}
	s.onClose(func(context.Context) error { return server.Stop() })
	s.TableURL = server.Endpoint()
	s.DB = server.Client()
	return dynamodblocal.CreateTable(ctx, s.DB, TableName, blueprint.TheTable())
}

// tablesOf says where each function finds the table: behind its guard, or at a
// meter if there is one.
func (s *Stack) tablesOf(cfg Config, guards map[string]*guard.Guard) (map[string]string, error) {
	to, err := url.Parse(s.TableURL)
	if err != nil {
		return nil, err
	}
	table := tableProxy(to)
	handler := func(f blueprint.Function) (http.Handler, error) { return guards[f.Name].Before(table), nil }
	if cfg.Meter != nil {
		meter, err := cfg.Meter(s.TableURL)
		if err != nil {
			return nil, err
		}
		handler = func(f blueprint.Function) (http.Handler, error) { return meter(f.Name), nil }
	}
	at := map[string]string{}
	for _, f := range blueprint.Functions() {
		h, err := handler(f)
		if err != nil {
			return nil, err
		}
		at[f.Name], err = s.serve("127.0.0.1:0", faulty(f.Name, cfg.TableFault, h))
		if err != nil {
			return nil, err
		}
	}
	return at, nil
}

// tableProxy passes requests on to the table. It keeps a connection for each call
// at a time: http.DefaultTransport keeps two to a host, and connecting costs both
// sides more than a call.
func tableProxy(to *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport:  &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
		BufferPool: &buffers{},
	}
}

// buffers keeps the proxy's buffers, one for each call at a time.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(buffer []byte) { b.pool.Put(&buffer) }

// startServices brings up the bus and KMS, on a port that only
// the functions are told.
func (s *Stack) startServices(dataDir string) (endpoint string, err error) {
	s.Bus, err = messaging.NewBus(s.Queues, blueprint.Rules(), time.Now)
	if err != nil {
		return "", err
	}
	s.aws, err = awsapi.New(awsapi.Config{Bus: s.Bus, Queues: s.Queues, DataDir: dataDir, MetadataKeyID: dataKeyID, Random: rand.Reader})
	if err != nil {
		return "", err
	}
	return s.serve("127.0.0.1:0", s.aws)
}

// DisableMetadataKey disables the metadata key in KMS, or enables it again.
func (s *Stack) DisableMetadataKey(disabled bool) { s.aws.DisableMetadataKey(disabled) }

// serve answers HTTP at an address, under loopback names alone, until the stack
// closes.
func (s *Stack) serve(address string, handler http.Handler) (url string, err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	s.serveOn(listener, handler)
	return "http://" + listener.Addr().String(), nil
}

func (s *Stack) serveOn(listener net.Listener, handler http.Handler) {
	server := &http.Server{Handler: loopback.Only(handler), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	s.onClose(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			return server.Close()
		}
		return nil
	})
}

func (s *Stack) startHTTP(listener net.Listener, dataDir string, cfg Config, log io.Writer) error {
	people, err := issuer.New(issuer.Config{
		URL: s.URL, DataDir: filepath.Join(dataDir, "issuer"),
		DashboardOrigins: []string{s.URL}, RedirectURIs: []string{s.URL + "/"},
		OnSignUp: s.signedUp, Behavior: cfg.Issuer,
	})
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(log, nil))
	api, err := gateway.New(gateway.Config{
		Functions:   blueprint.Functions(),
		Invoker:     func(name string) gateway.Invoker { return s.functions[name] },
		Authorizer:  gateway.NewJWTAuthorizer(s.URL, []string{issuer.DashboardClient}, &http.Client{Timeout: 5 * time.Second}, time.Now),
		CORSOrigins: []string{s.URL},
		Log:         logger,
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for _, pattern := range people.Routes() {
		mux.Handle(pattern, people)
	}
	mux.Handle("POST /local/run/{schedule}", loopback.SameOrigin(http.HandlerFunc(s.runSchedule)))
	mux.Handle("POST /local/queues/advance", loopback.SameOrigin(http.HandlerFunc(s.advanceQueues)))
	var pages *dashboard
	if cfg.Dashboard != "" {
		if pages, err = newDashboard(cfg.Dashboard, s.URL, cfg.Issuer); err != nil {
			return err
		}
	}
	mux.HandleFunc("GET /docs", reference(filepath.Join(cfg.Root, "docs", "api", "index.html")))
	// The gateway sees requests as they came: a mux would clean their paths.
	s.serveOn(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		if pages != nil && pages.answers(r) {
			pages.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	}))
	return nil
}

// triggerPatience is how long Cognito waits for a trigger.
// https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
const triggerPatience = 5 * time.Second

// signedUp tells the function account of a new account, as Cognito would.
func (s *Stack) signedUp(ctx context.Context, a issuer.Account) error {
	ctx, cancel := context.WithTimeout(ctx, triggerPatience)
	defer cancel()
	event, err := json.Marshal(map[string]any{
		"version": "1", "region": region, "userPoolId": "local", "userName": a.Sub,
		"triggerSource": "PostConfirmation_ConfirmSignUp",
		"callerContext": map[string]any{"awsSdkVersion": "local", "clientId": issuer.DashboardClient},
		"request": map[string]any{"userAttributes": map[string]string{
			"sub": a.Sub, "email": a.Email, "name": a.Name, "email_verified": "true",
		}},
		"response": map[string]any{},
	})
	if err != nil {
		return err
	}
	for _, f := range blueprint.Functions() {
		if f.OnAccountConfirmed {
			if _, err := s.Invoke(ctx, f.Name, event); err != nil {
				return err
			}
		}
	}
	return nil
}

// startTriggers feeds the stream, the queues and the schedules to their
// functions.
func (s *Stack) startTriggers(life context.Context, dataDir string, log io.Writer) error {
	logger := slog.New(slog.NewJSONHandler(log, nil))
	for _, f := range blueprint.Functions() {
		f = f.AtMailRate(mailRate)
		if f.Stream != nil {
			source, err := stream.New(stream.Config{
				DB: s.DB, Streams: dynamodblocal.Streams(s.TableURL), Table: TableName, Source: *f.Stream,
				Function: f.Name, Invoker: s.functions[f.Name], Queues: s.Queues,
				CheckpointPath: filepath.Join(dataDir, "stream-"+f.Name+".db"), Log: logger,
			})
			if err != nil {
				return err
			}
			s.onClose(func(context.Context) error { return source.Close() })
			s.stream.Store(source)
			s.run(func() { source.Run(life) })
		}
		if f.Queue != nil {
			poller := messaging.NewPoller(messaging.PollerConfig{Queues: s.Queues, Source: *f.Queue, Invoker: s.functions[f.Name], Log: logger})
			s.run(func() { poller.Run(life) })
		}
		if f.Schedule != nil {
			timer := schedule.New(schedule.Config{
				Function: f.Name, Schedule: *f.Schedule, Invoker: s.functions[f.Name], Log: logger,
				GiveUp: func(record string) error {
					_, err := s.Queues.Send(blueprint.QueueScheduleDead, record, nil)
					return err
				},
			})
			s.run(func() { timer.Run(life) })
		}
	}
	return nil
}

func (s *Stack) run(f func()) { s.running.Go(f) }
