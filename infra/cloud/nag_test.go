package latchkey_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	jsii "github.com/aws/jsii-runtime-go/runtime"

	latchkey "github.com/latchkey/latchkey/infra/cloud"
)

// pack is a rule pack of cdk-nag: an aspect that looks at every resource. The
// Go module of cdk-nag has no Serverless pack, so the npm package's classes are
// called as its Go module would call them.
type pack interface {
	Visit(node constructs.IConstruct)
}

// jsii tells its own proxies by this prefix.
type jsiiProxy_pack struct{ _ byte }

func (p *jsiiProxy_pack) Visit(node constructs.IConstruct) {
	jsii.InvokeVoid(p, "visit", []any{node})
}

var packs = []string{"AwsSolutions", "Serverless"}

const nagPackage = "../../node_modules/cdk-nag"

// loadNag gives cdk-nag to the process that CDK runs in.
func loadNag(t *testing.T) {
	t.Helper()
	manifest, err := os.ReadFile(filepath.Join(nagPackage, "package.json"))
	if err != nil {
		t.Fatal("cdk-nag is not in node_modules: run npm ci")
	}
	var about struct{ Version string }
	if err := json.Unmarshal(manifest, &about); err != nil {
		t.Fatal(err)
	}
	awscdk.NewApp(nil) // loads CDK itself, which cdk-nag needs
	jsii.Load("cdk-nag", about.Version, packed(t, nagPackage))
	for _, name := range packs {
		jsii.RegisterClass(jsii.FQN("cdk-nag."+name+"Checks"), reflect.TypeFor[pack](),
			[]jsii.Member{jsii.MemberMethod{JsiiMethod: "visit", GoMethod: "Visit"}},
			func() any { return &jsiiProxy_pack{} })
	}
}

// packed is a folder as npm packs it.
func packed(t *testing.T, folder string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		header := &tar.Header{Name: "package/" + filepath.ToSlash(name), Mode: 0o644, Size: int64(len(content))}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err = archive.Write(content)
		return err
	})
	if err == nil {
		err = archive.Close()
	}
	if err == nil {
		err = zipped.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestNag applies both packs. Every exception has to name one resource's rule
// and say why; an exception that excuses nothing is an error too.
func TestNag(t *testing.T) {
	loadNag(t)
	minimum := synth(t, minimal(), func(stack awscdk.Stack, l *latchkey.Latchkey) {
		l.GrantOperator("backend")
		watch(stack)
	})
	used := nagFindings(t, minimum)
	for id, r := range minimum.Resources {
		path, _ := r.Metadata["aws:cdk:path"].(string)
		nag, _ := r.Metadata["cdk_nag"].(map[string]any)
		rules, _ := nag["rules_to_suppress"].([]any)
		for _, rule := range rules {
			if name := rule.(map[string]any)["id"].(string); !used[name+" "+path] {
				t.Errorf("%s is excused from %s, which does not hold against it: remove the exception", id, name)
			}
		}
	}
	nagFindings(t, synthStack(t, func(stack awscdk.Stack) {
		fillWithEverything(stack)
		watch(stack)
	}))
}

// watch lets both packs look at a stack when it is synthesized.
func watch(stack awscdk.Stack) {
	for _, name := range packs {
		var checks jsiiProxy_pack
		jsii.Create(jsii.FQN("cdk-nag."+name+"Checks"), []any{map[string]any{}}, &checks)
		awscdk.Aspects_Of(stack).Add(&checks, nil)
	}
}

// nagFindings reports what the packs found, and gives the exceptions that they
// accepted, as rule and resource.
func nagFindings(t *testing.T, made template) (used map[string]bool) {
	t.Helper()
	used = map[string]bool{}
	for _, name := range packs {
		rows := nagReport(t, made.folder, name)
		if len(rows) < 20 {
			t.Errorf("%s: %d rows: the pack did not look at the stack", name, len(rows))
		}
		excused := 0
		for _, row := range rows {
			switch row.verdict {
			case "Compliant", "N/A":
			case "Suppressed":
				excused++
				used[row.rule+" "+row.resource] = true
				if len(strings.Fields(row.reason)) < 4 {
					t.Errorf("%s on %s is excused without a reason: %q", row.rule, row.resource, row.reason)
				}
			default:
				t.Errorf("%s %s on %s: %s", row.rule, row.verdict, row.resource, row.info)
			}
		}
		t.Logf("%s: %d checks, %d excused on single resources", name, len(rows), excused)
	}
	return used
}

type nagRow struct{ rule, resource, verdict, reason, info string }

func nagReport(t *testing.T, folder, pack string) []nagRow {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, pack+"-*-NagReport.csv"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: reports %v, %v; want one", pack, files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []nagRow
	for _, line := range lines[1:] { // Rule ID, Resource ID, Compliance, Exception Reason, Rule Level, Rule Info
		rows = append(rows, nagRow{line[0], line[1], line[2], line[3], line[5]})
	}
	return rows
}
