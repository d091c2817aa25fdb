package blueprint_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/latchkey/latchkey/"

type pkg struct {
	ImportPath string
	Doc        string
	Imports    []string
	Deps       []string
}

// packages are all packages of the module, by their path within it.
func packages(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-tags", "lambda.norpc,nethttpomithttp2", "-json=ImportPath,Doc,Imports,Deps", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]pkg{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found[strings.TrimPrefix(p.ImportPath, module)] = p
	}
}

func has(paths []string, part string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return strings.Contains(p, part) })
}

// The walls of the house: who may not know of whom, and why.
func TestWalls(t *testing.T) {
	all := packages(t)
	domain := []string{"shared/user", "shared/workspace", "shared/link", "shared/identity", "shared/event", "shared/email", "shared/fault", "shared/id", "shared/setting"}
	for _, name := range domain {
		p, ok := all[name]
		if !ok {
			t.Fatalf("there is no package %s", name)
		}
		if has(p.Deps, "aws") {
			t.Errorf("%s is the domain, which knows nothing of AWS", name)
		}
	}
	for name, p := range all {
		function := strings.HasPrefix(name, "functions/")
		inner := function || strings.HasPrefix(name, "shared/")
		switch {
		case function && has(p.Imports, module+"functions/"):
			t.Errorf("%s imports another function; what they share is in shared/", name)
		case inner && has(p.Deps, module+"infra/"):
			t.Errorf("%s knows how it is deployed", name)
		case inner && (has(p.Deps, "jsii") || has(p.Deps, "aws-cdk")):
			t.Errorf("%s carries CDK into a Lambda", name)
		case inner && name != "functions/mail" && has(p.Imports, "service/sesv2"):
			t.Errorf("%s could send mail; only functions/mail may", name)
		case inner && name != "shared/store" && name != "shared/table" && (has(p.Imports, "service/dynamodb") || has(p.Imports, "feature/dynamodb")):
			t.Errorf("%s talks to DynamoDB; only shared/table and shared/store may", name)
		case inner && name != "shared/store" && slices.Contains(p.Imports, module+"shared/table"):
			t.Errorf("%s reaches past shared/store to the table", name)
		case name == "shared/table" && (has(p.Deps, module+"shared/user") || has(p.Deps, module+"shared/workspace")):
			t.Errorf("%s is the ground floor, which knows nothing of what it holds", name)
		case name == "shared/invitation" && has(p.Imports, "aws/"):
			t.Errorf("%s imports AWS; the use cases reach it through shared/store and the keys", name)
		case !strings.HasPrefix(name, "infra/cloud") && name != "infra" && !strings.HasPrefix(name, "examples/") && (has(p.Imports, "jsii") || has(p.Imports, "aws-cdk")):
			t.Errorf("%s imports CDK; only infra/cloud and the app may", name)
		case function && (has(p.Deps, "aws-sdk-go-v2/config") || has(p.Deps, "aws/aws-sdk-go/")):
			t.Errorf("%s links the SDK's config package, which costs a cold start", name)
		case function && has(p.Deps, "text/template"):
			t.Errorf("%s links templates, for which the linker keeps every exported method", name)
		}
	}
	for _, p := range all["infra/blueprint"].Imports {
		if strings.Contains(p, ".") && p != module+"shared/setting" {
			t.Errorf("infra/blueprint imports %s; it is plain data", p)
		}
	}
	for _, p := range all["shared/setting"].Deps {
		if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") {
			t.Errorf("shared/setting imports %s; it is for everybody, so it imports the standard library alone", p)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for name, p := range packages(t) {
		if p.Doc == "" && !strings.Contains(name, "testdata") {
			t.Errorf("%s has no doc comment", name)
		}
	}
}
