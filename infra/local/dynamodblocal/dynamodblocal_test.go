package dynamodblocal_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
)

func start(t *testing.T, cfg dynamodblocal.Config) *dynamodblocal.Server {
	t.Helper()
	dir, err := dynamodblocal.FindDir()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Dir = dir
	s, err := dynamodblocal.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestTheTableIsAsTheBlueprintSaysAndOutlivesARestart(t *testing.T) {
	data := filepath.Join(t.TempDir(), "with = and space")
	s := start(t, dynamodblocal.Config{DataDir: data})
	for range 2 { // the second time does nothing
		if err := dynamodblocal.CreateTable(t.Context(), s.Client(), "latchkey", blueprint.TheTable()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s = start(t, dynamodblocal.Config{DataDir: data})
	name := "latchkey"
	out, err := s.Client().DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(out.Table.GlobalSecondaryIndexes); got != len(blueprint.TheTable().Indexes) {
		t.Errorf("%d indexes", got)
	}
	if spec := out.Table.StreamSpecification; spec == nil || spec.StreamViewType != types.StreamViewTypeNewAndOldImages {
		t.Errorf("stream: %+v", spec)
	}
	ttl, err := s.Client().DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil || ttl.TimeToLiveDescription.TimeToLiveStatus != types.TimeToLiveStatusEnabled {
		t.Errorf("time to live: %+v, %v", ttl, err)
	}
}

// The database asks nobody who they are, so no other machine may reach it.
func TestItListensToThisMachineAlone(t *testing.T) {
	s := start(t, dynamodblocal.Config{})
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.Endpoint(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, a := range addresses {
		ip, ok := a.(*net.IPNet)
		if !ok || ip.IP.IsLoopback() || ip.IP.IsLinkLocalUnicast() {
			continue
		}
		tried++
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(ip.IP.String(), port), time.Second)
		if err == nil {
			_ = conn.Close()
			t.Errorf("it answers at %s", ip.IP)
		}
	}
	if tried == 0 {
		t.Skip("this machine has no address but its own")
	}
}

func TestWhatIsWrongIsSaidInOneSentence(t *testing.T) {
	dir, err := dynamodblocal.FindDir()
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	port := taken.Addr().(*net.TCPAddr).Port
	fails := func(cfg dynamodblocal.Config, want string) {
		t.Helper()
		_, err := dynamodblocal.Start(context.Background(), cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	fails(dynamodblocal.Config{Dir: dir, Port: port}, "port "+strconv.Itoa(port)+", for DynamoDB Local, is taken")
	fails(dynamodblocal.Config{Dir: t.TempDir()}, "run npm ci")

	bin := t.TempDir()
	t.Setenv("PATH", bin)
	fails(dynamodblocal.Config{Dir: dir}, "install Java 11 or later")

	// A Java that is there and cannot run it.
	script := "#!/bin/sh\n[ \"$1\" = -version ] || { echo 'class file version 55.0' >&2; exit 1; }\n"
	if err := os.WriteFile(filepath.Join(bin, "java"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	fails(dynamodblocal.Config{Dir: dir}, "class file version 55.0")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to see that it does not run", took)
	}
}

func TestWhereItIsLookedFor(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("DYNAMODB_LOCAL_DIR", empty)
	if _, err := dynamodblocal.FindDir(); err == nil || !strings.Contains(err.Error(), "DYNAMODB_LOCAL_DIR") {
		t.Errorf("an empty folder that is named: %v", err)
	}
	t.Setenv("DYNAMODB_LOCAL_DIR", "")
	t.Chdir(empty)
	if _, err := dynamodblocal.FindDir(); err == nil || !strings.Contains(err.Error(), "npm ci") {
		t.Errorf("nothing installed: %v", err)
	}
}
