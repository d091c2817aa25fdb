// Package dynamodblocal runs AWS's own DynamoDB Local, which the npm package
// amplify-dynamodb-simulator carries, and makes the blueprint's table in it.
// It listens on 127.0.0.1 alone.
//
// It may import the DynamoDB clients, infra/blueprint, infra/local/port and
// infra/local/process.
package dynamodblocal

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/latchkey/latchkey/infra/local/port"
	"github.com/latchkey/latchkey/infra/local/process"
)

// Config says how to run it.
type Config struct {
	Dir     string    // the folder with DynamoDBLocal.jar
	Port    int       // 0 takes a free one
	DataDir string    // keeps the tables; "" keeps them in memory
	Log     io.Writer // nil discards
}

// Server is a running DynamoDB Local.
type Server struct {
	cmd   *exec.Cmd
	port  int
	ended chan struct{} // closed when the program has ended
}

const (
	// readyWithin is generous: it takes a second on an idle machine.
	readyWithin = 30 * time.Second
	// stopWithin is how long it may take to end in good order.
	stopWithin = 5 * time.Second
)

// serverXML takes the place of DynamoDB Local's own main, which would listen to
// the whole network and, unless told otherwise, report its use.
//
//go:embed server.xml
var serverXML []byte

var errNotInstalled = errors.New("DynamoDB Local is not installed: run npm ci in the project's folder")

// FindDir finds the folder with DynamoDBLocal.jar: DYNAMODB_LOCAL_DIR, else in
// node_modules of this folder or one above it.
func FindDir() (string, error) {
	if dir := os.Getenv("DYNAMODB_LOCAL_DIR"); dir != "" {
		if !hasJar(dir) {
			return "", fmt.Errorf("DYNAMODB_LOCAL_DIR is %s, and there is no DynamoDBLocal.jar", dir)
		}
		return dir, nil
	}
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		dir := filepath.Join(at, "node_modules", "amplify-dynamodb-simulator", "emulator")
		if hasJar(dir) {
			return dir, nil
		}
		if filepath.Dir(at) == at {
			return "", errNotInstalled
		}
		at = filepath.Dir(at)
	}
}

func hasJar(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "DynamoDBLocal.jar"))
	return err == nil
}

// Start runs it until Stop, and returns when it answers.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if !hasJar(cfg.Dir) {
		return nil, errNotInstalled
	}
	java, err := findJava(ctx)
	if err != nil {
		return nil, err
	}
	at, err := freePort(cfg.Port)
	if err != nil {
		return nil, err
	}
	data, err := dataProperties(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	config, err := writeConfig()
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(config) }() // it is read at the start alone
	cmd := exec.Command(java, append([]string{
		"-Djava.library.path=DynamoDBLocal_lib", "-cp", "DynamoDBLocal.jar:DynamoDBLocal_lib/*",
		"-Dorg.eclipse.jetty.util.log.announce=false", "-Dorg.eclipse.jetty.LEVEL=WARN",
		"org.eclipse.jetty.xml.XmlConfiguration", config, "latchkey.port=" + strconv.Itoa(at),
	}, data...)...)
	cmd.Dir = cfg.Dir
	// -disableTelemetry is an option of the main that does not run here; this
	// says the same to whatever else might ask.
	cmd.Env = append(os.Environ(), "DDB_LOCAL_TELEMETRY=0")
	said := &beginning{to: cfg.Log}
	cmd.Stdout, cmd.Stderr = said, said
	err = process.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("start DynamoDB Local: %w", err)
	}
	s := &Server{cmd: cmd, port: at, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is nobody's concern: it was told to, or the log says why
		close(s.ended)
	}()
	err = s.await(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("DynamoDB Local did not start: %w: %s", err, bytes.TrimSpace(said.text())), s.Stop())
	}
	return s, nil
}

// findJava finds a Java that runs; macOS has a java that only says where to
// get one.
func findJava(ctx context.Context) (string, error) {
	java, err := exec.LookPath("java")
	if err == nil {
		err = exec.CommandContext(ctx, java, "-version").Run()
	}
	if err != nil {
		return "", errors.New("no Java is installed, and DynamoDB Local needs one: install Java 11 or later")
	}
	return java, nil
}

// freePort makes sure that nobody else listens: the first to answer would be
// taken for the database.
func freePort(want int) (int, error) {
	if want == 0 {
		return port.Free(1)
	}
	err := port.Taken(want)
	if err != nil {
		return 0, fmt.Errorf("port %d, for DynamoDB Local, is taken: %w", want, err)
	}
	return want, nil
}

func dataProperties(dir string) ([]string, error) {
	if dir == "" {
		return []string{"latchkey.inMemory=true"}, nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of DynamoDB Local: %w", err)
	}
	return []string{"latchkey.inMemory=false", "latchkey.dbPath=" + dir}, nil
}

func writeConfig() (path string, err error) {
	f, err := os.CreateTemp("", "dynamodb-local-*.xml")
	if err != nil {
		return "", fmt.Errorf("start DynamoDB Local: %w", err)
	}
	_, err = f.Write(serverXML)
	return f.Name(), errors.Join(err, f.Close())
}

func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		_, err := s.Client().ListTables(ctx, &dynamodb.ListTablesInput{}, func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ended:
			return errors.New("it ended at once")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Endpoint is its address.
func (s *Server) Endpoint() string { return "http://127.0.0.1:" + strconv.Itoa(s.port) }

// Client talks to it.
func (s *Server) Client() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Endpoint()),
		Credentials: Credentials,
	})
}

// Streams talks to the streams of the DynamoDB Local at an address.
func Streams(endpoint string) *dynamodbstreams.Client {
	return dynamodbstreams.New(dynamodbstreams.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: Credentials,
	})
}

// Credentials are any: DynamoDB Local checks none.
var Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
})

// Stop ends it: in good order, or by force if that takes too long. To stop
// what has ended is no error.
func (s *Server) Stop() error {
	select {
	case <-s.ended:
		return nil
	default:
	}
	err := process.Terminate(s.cmd)
	select {
	case <-s.ended:
	case <-time.After(stopWithin):
		err = errors.Join(err, process.Kill(s.cmd))
		<-s.ended
	}
	return err
}
