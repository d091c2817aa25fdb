// Package dynamodblocal runs AWS's own DynamoDB Local, which the npm package
// amplify-dynamodb-simulator carries, and makes the blueprint's table in it.
//
// It may import the DynamoDB clients, infra/blueprint and infra/local/process.
package dynamodblocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

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
	cmd  *exec.Cmd
	port int
}

// readyWithin is generous: it takes two seconds on an idle machine.
const readyWithin = 30 * time.Second

// FindDir finds the folder with DynamoDBLocal.jar: DYNAMODB_LOCAL_DIR, else in
// node_modules of this folder or one above it.
func FindDir() (string, error) {
	if dir := os.Getenv("DYNAMODB_LOCAL_DIR"); dir != "" {
		return dir, nil
	}
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		dir := filepath.Join(at, "node_modules", "amplify-dynamodb-simulator", "emulator")
		if _, err := os.Stat(filepath.Join(dir, "DynamoDBLocal.jar")); err == nil {
			return dir, nil
		}
		if filepath.Dir(at) == at {
			return "", errors.New("DynamoDB Local is not installed: run npm ci in the project's folder")
		}
		at = filepath.Dir(at)
	}
}

// Start runs it until Stop, and returns when it answers.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	java, err := findJava(ctx)
	if err != nil {
		return nil, err
	}
	port := cfg.Port
	if port == 0 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		port = l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
	}
	args := []string{
		"-Djava.library.path=" + filepath.Join(cfg.Dir, "DynamoDBLocal_lib"), "-jar", filepath.Join(cfg.Dir, "DynamoDBLocal.jar"),
		"-port", strconv.Itoa(port), "-sharedDb", "-disableTelemetry",
	}
	if cfg.DataDir == "" {
		args = append(args, "-inMemory")
	} else {
		data, err := filepath.Abs(cfg.DataDir)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(data, 0o700); err != nil {
			return nil, fmt.Errorf("make the folder of DynamoDB Local: %w", err)
		}
		args = append(args, "-dbPath", data)
	}
	cmd := exec.Command(java, args...)
	cmd.Dir = cfg.Dir
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = cfg.Log, &said
	err = process.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("start DynamoDB Local: %w", err)
	}
	s := &Server{cmd: cmd, port: port}
	err = s.await(ctx)
	if err != nil {
		_ = s.Stop()
		return nil, fmt.Errorf("DynamoDB Local did not start: %w: %s", err, bytes.TrimSpace(said.Bytes()))
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

func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		_, err := s.Client().ListTables(ctx, &dynamodb.ListTablesInput{})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
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

// Stop ends it.
func (s *Server) Stop() error { return process.Stop(s.cmd, 5*time.Second) }
