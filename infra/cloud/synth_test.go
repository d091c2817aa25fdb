package latchkey_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
	latchkey "github.com/latchkey/latchkey/infra/cloud"
)

var update = flag.Bool("update", false, "write testdata/template.json and the matrix in docs/security.md anew")

// scratch is a folder for all that is made here; it goes with the tests.
var scratch string

// TestMain puts the pinned Node.js first, and ends the one that CDK runs in.
func TestMain(m *testing.M) {
	if bin, err := filepath.Abs("../../node_modules/.bin"); err == nil {
		_ = os.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	var err error
	if scratch, err = os.MkdirTemp("", "latchkey-cloud"); err != nil {
		panic(err)
	}
	code := m.Run()
	jsii.Close()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// minimal is what one has to say, and no more.
func minimal() latchkey.Props {
	return latchkey.Props{
		Dashboards: []string{"https://app.example.com"},
		Sender:     "Example <invitations@example.com>",
		AlarmMail:  "on-call@example.com",
	}
}

// stubs is a folder of functions that are not: what a template says does not
// depend on what they do.
var stubs = sync.OnceValue(func() string {
	folder, err := os.MkdirTemp(scratch, "stubs")
	if err != nil {
		panic(err)
	}
	for _, f := range blueprint.Functions() {
		if err := os.MkdirAll(filepath.Join(folder, f.Name), 0o755); err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(folder, f.Name, "bootstrap"), []byte("#!/bin/sh\n"+f.Name), 0o755); err != nil {
			panic(err)
		}
	}
	return folder
})

// template is a synthesized CloudFormation template.
type template struct {
	Resources  map[string]resource
	Outputs    map[string]any
	Parameters map[string]any
	raw        []byte
	folder     string // of the cloud assembly
}

type resource struct {
	Type                string
	Properties          map[string]any
	Metadata            map[string]any
	DependsOn           any
	DeletionPolicy      string
	UpdateReplacePolicy string
	UpdatePolicy        map[string]any
}

// of gives the resources of a type by their logical ids.
func (t template) of(kind string) map[string]resource {
	found := map[string]resource{}
	for id, r := range t.Resources {
		if r.Type == kind {
			found[id] = r
		}
	}
	return found
}

// synth makes the stack with these props and wire's additions.
func synth(t *testing.T, props latchkey.Props, wire func(awscdk.Stack, *latchkey.Latchkey)) template {
	t.Helper()
	return synthStack(t, func(stack awscdk.Stack) {
		if props.FunctionsFolder == "" {
			props.FunctionsFolder = stubs()
		}
		l := latchkey.New(stack, "Latchkey", &props)
		l.AddOutputs()
		if wire != nil {
			wire(stack, l)
		}
	})
}

func synthStack(t *testing.T, fill func(awscdk.Stack)) template {
	t.Helper()
	folder, err := os.MkdirTemp(scratch, "cdk")
	if err != nil {
		t.Fatal(err)
	}
	app := awscdk.NewApp(&awscdk.AppProps{
		Outdir: &folder, AnalyticsReporting: jsii.Bool(false),
		Context: &map[string]any{"aws:cdk:enable-path-metadata": true},
	})
	stack := awscdk.NewStack(app, jsii.String("Latchkey"), &awscdk.StackProps{
		Env: &awscdk.Environment{Account: jsii.String("123456789012"), Region: jsii.String("eu-central-1")},
	})
	fill(stack)
	app.Synth(nil)
	return read(t, folder)
}

func read(t *testing.T, folder string) template {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, "Latchkey.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	made := parse(t, raw)
	made.folder = folder
	return made
}

func parse(t *testing.T, raw []byte) template {
	t.Helper()
	made := template{raw: raw}
	if err := json.Unmarshal(raw, &made); err != nil {
		t.Fatal(err)
	}
	return made
}

var standardOnce, everythingOnce struct {
	sync.Once
	template
}

// standard is the stack with minimal props, synthesized once.
func standard(t *testing.T) template {
	t.Helper()
	standardOnce.Do(func() { standardOnce.template = synth(t, minimal(), nil) })
	if standardOnce.raw == nil {
		t.Fatal("the stack was not synthesized; an earlier test says why")
	}
	return standardOnce.template
}

// everything is the stack with every option that goes together with the
// others, synthesized once.
func everything(t *testing.T) template {
	t.Helper()
	everythingOnce.Do(func() { everythingOnce.template = synthStack(t, fillWithEverything) })
	if everythingOnce.raw == nil {
		t.Fatal("the stack was not synthesized; an earlier test says why")
	}
	return everythingOnce.template
}

func fillWithEverything(stack awscdk.Stack) {
	props := latchkey.Props{
		Dashboards: []string{"https://app.example.com/users", "https://app.example.com", "https://admin.example.com"},
		Sender:     "invitations@mail.example.com", SenderIdentity: "example.com",
		Issuer: "https://login.example.com/", Audience: []string{"dashboard", "backend"},
		WorkspaceCreation: "operators", HistoryDays: 30, LogRetentionDays: 90,
		Domain: &latchkey.Domain{Name: "invitations.example.com", HostedZoneID: "Z0123456789ABCDEFGHIJ",
			CertificateARN: "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"},
		NamePrefix: "acme-invites", Tags: map[string]string{"team": "identity"},
		PermissionsBoundary: "arn:aws:iam::123456789012:policy/boundary",
		Stage:               latchkey.StageDevelopment, Tracing: true, ReserveConcurrency: true, OmitDashboard: true,
		FunctionsFolder: stubs(),
	}
	props.TableKey = awskms.Key_FromKeyArn(stack, jsii.String("TableKey"), jsii.String("arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"))
	props.AlarmTopic = awssns.Topic_FromTopicArn(stack, jsii.String("Topic"), jsii.String("arn:aws:sns:eu-central-1:123456789012:on-call"))
	latchkey.New(stack, "Latchkey", &props).AddOutputs()
}

// text is a value of a template as JSON, to look for words in it.
func text(v any) string {
	out, _ := json.Marshal(v)
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(out))
}
