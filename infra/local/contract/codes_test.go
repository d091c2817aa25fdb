package contract_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// kinds are the statuses of shared/fault's kinds, as shared/httpapi has them.
var kinds = map[string]int{
	"Internal": 500, "Invalid": 400, "Unauthenticated": 401, "Forbidden": 403, "NotFound": 404,
	"Conflict": 409, "Precondition": 412, "TooLarge": 413, "Unsupported": 415, "Mismatch": 422, "Limited": 429, "Unavailable": 503,
}

// constants are codes that have a name, and their kind.
var constants = map[string]string{"CodeInvalid": "Invalid", "CodeSeatsInUse": "Conflict", "CodeExists": "Conflict"}

// codes are the codes that the code has: of problems, with their status, and
// of fields.
type codes struct {
	problems map[string]int
	fields   map[string]bool
}

func codesOfTheCode(t *testing.T) codes {
	t.Helper()
	found := codes{map[string]int{}, map[string]bool{}}
	for _, folder := range []string{"shared", "functions"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					found.call(n)
				case *ast.CompositeLit:
					found.literal(n)
				case *ast.ValueSpec:
					if kind, ok := constants[n.Names[0].Name]; ok {
						found.problems[text(n.Values[0])] = kinds[kind]
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// call knows fault.New(fault.Kind, "code", …) and fields.Add(pointer, "code", …).
func (c codes) call(n *ast.CallExpr) {
	name, of := selected(n.Fun)
	switch {
	case len(n.Args) != 3:
	case text(n.Args[1]) == "":
	case name == "New" && of == "fault":
		kind, _ := selected(n.Args[0])
		c.problems[text(n.Args[1])] = kinds[kind]
	case name == "Add":
		c.fields[text(n.Args[1])] = true
	}
}

// literal knows fault.Error{Kind: …, Code: …} and fields that are written out.
func (c codes) literal(n *ast.CompositeLit) {
	members := map[string]ast.Expr{}
	for _, e := range n.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := pair.Key.(*ast.Ident); ok {
				members[key.Name] = pair.Value
			}
		}
	}
	code := text(members["Code"])
	switch {
	case code == "":
	case members["Kind"] != nil:
		kind, _ := selected(members["Kind"])
		c.problems[code] = kinds[kind]
	case members["Pointer"] != nil:
		c.fields[code] = true
	}
}

func selected(e ast.Expr) (name, of string) {
	if s, ok := e.(*ast.SelectorExpr); ok {
		x, _ := s.X.(*ast.Ident)
		if x != nil {
			of = x.Name
		}
		return s.Sel.Name, of
	}
	return "", ""
}

// text is what a literal says; "" for whatever else.
func text(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
		s, _ := strconv.Unquote(l.Value)
		return s
	}
	return ""
}

// table reads the first two columns of the table in a description.
func table(description string) map[string]string {
	rows := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z_]+) \| (.+?) \| .+ \|$`).FindAllStringSubmatch(description, -1) {
		rows[row[1]] = row[2]
	}
	delete(rows, "code")
	return rows
}

func enum(s *openapi3.Schema) (values []string) {
	for _, v := range s.Enum {
		values = append(values, v.(string))
	}
	slices.Sort(values)
	return values
}

// The lists of codes are closed: they are those of the code, and each is
// explained.
func TestCodes(t *testing.T) {
	found := codesOfTheCode(t)
	schemas := read(t).Components.Schemas
	same := func(what string, got, want []string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%q, the code has\n%q", what, got, want)
		}
	}
	problem, field := schemas["ProblemCode"].Value, schemas["FieldCode"].Value
	same("ProblemCode", enum(problem), slices.Sorted(maps.Keys(found.problems)))
	same("FieldCode", enum(field), slices.Sorted(maps.Keys(found.fields)))
	same("the table of FieldCode", slices.Sorted(maps.Keys(table(field.Description))), enum(field))
	rows := table(problem.Description)
	same("the table of ProblemCode", slices.Sorted(maps.Keys(rows)), enum(problem))
	for code, status := range found.problems {
		if status == 0 || rows[code] != strconv.Itoa(status) {
			t.Errorf("%s: the table says %s, the code %d", code, rows[code], status)
		}
	}
}

// changeType is a constant that names a domain event.
var changeType = regexp.MustCompile(`ChangeType += "([a-z._]+)"`)

// An event that the code makes has a schema in events/schema and stands in the
// document.
func TestEventTypes(t *testing.T) {
	made := map[string]bool{}
	sources, err := filepath.Glob(filepath.Join(root, "shared/*/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range changeType.FindAllSubmatch(text, -1) {
			made[string(match[1])] = true
		}
	}
	described, err := filepath.Glob(filepath.Join(root, "events/schema/*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range described {
		described[i] = strings.TrimSuffix(filepath.Base(described[i]), ".json")
	}
	slices.Sort(described)
	want := slices.Sorted(maps.Keys(made))
	if !slices.Equal(described, want) {
		t.Errorf("events/schema has\n%q, the code\n%q", described, want)
	}
	if got := enum(read(t).Components.Schemas["EventType"].Value); !slices.Equal(got, want) {
		t.Errorf("EventType has\n%q, the code\n%q", got, want)
	}
}

// neverAnswered are codes that no request can bring about through the gateway.
var neverAnswered = []string{"invalid_body", "route_not_found"}

// Every code is an example's of an operation, with its status.
func TestEveryCodeHasAnExample(t *testing.T) {
	shown := map[string]bool{}
	found := codesOfTheCode(t)
	for _, c := range calls(t) {
		c.each(t, func(status int, _ *openapi3.Response, e example) {
			members, _ := e.value.(map[string]any)
			code, isProblem := members["code"].(string)
			if !isProblem {
				return
			}
			shown[code] = true
			if found.problems[code] != status {
				t.Errorf("%s: %s is shown as %d", c.ID, code, status)
			}
		})
	}
	want := slices.DeleteFunc(slices.Sorted(maps.Keys(found.problems)), func(code string) bool { return slices.Contains(neverAnswered, code) })
	if got := slices.Sorted(maps.Keys(shown)); !slices.Equal(got, want) {
		t.Errorf("shown are\n%q, not\n%q", got, want)
	}
}
