package latchkey_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// operations gives the blueprint's routes by route key.
func operations() map[string]blueprint.Route {
	routes := map[string]blueprint.Route{}
	for _, f := range blueprint.Functions() {
		for _, r := range f.Routes {
			routes[r.Key()] = r
		}
	}
	return routes
}

// TestRoutes holds the template against the blueprint: the same routes, each
// with its authorizer, its throttle and its function.
func TestRoutes(t *testing.T) {
	made := standard(t)
	authorizers := slices.Collect(maps.Keys(made.of("AWS::ApiGatewayV2::Authorizer")))
	if len(authorizers) != 1 {
		t.Fatalf("%d authorizers", len(authorizers))
	}
	var stage resource
	for _, stage = range made.of("AWS::ApiGatewayV2::Stage") {
	}
	throttles := stage.Properties["RouteSettings"].(map[string]any)
	before := many(stage.DependsOn)
	functions := functionsOf(made)

	open := operations()
	for id, r := range made.of("AWS::ApiGatewayV2::Route") {
		key := r.Properties["RouteKey"].(string)
		want, ok := open[key]
		if !ok {
			t.Errorf("%s is not in the blueprint, or there twice", key)
			continue
		}
		delete(open, key)
		if r.Properties["OperationName"] != want.Operation {
			t.Errorf("%s is called %v", key, r.Properties["OperationName"])
		}
		switch want.Auth {
		case blueprint.Public:
			if r.Properties["AuthorizationType"] != "NONE" || r.Properties["AuthorizerId"] != nil {
				t.Errorf("%s is public and asks for a token", key)
			}
		default:
			if r.Properties["AuthorizationType"] != "JWT" || text(r.Properties["AuthorizerId"]) != `{"Ref":"`+authorizers[0]+`"}` {
				t.Errorf("%s lets anybody in: %s", key, text(r.Properties))
			}
		}
		throttle, _ := throttles[key].(map[string]any)
		if throttle["ThrottlingRateLimit"] != float64(want.Throttle.Rate) || throttle["ThrottlingBurstLimit"] != float64(want.Throttle.Burst) {
			t.Errorf("%s is throttled at %v", key, throttle)
		}
		if !slices.Contains(before, id) {
			t.Errorf("the stage does not wait for %s, whose throttle it names", key)
		}
		if got, wanted := functionBehind(made, r), functionOf(want); functions[got] != wanted {
			t.Errorf("%s calls %s, not %s", key, functions[got], wanted)
		}
	}
	for key := range open {
		t.Errorf("%s is not in the template", key)
	}
}

func functionOf(r blueprint.Route) string {
	for _, f := range blueprint.Functions() {
		if slices.Contains(f.Routes, r) {
			return f.Name
		}
	}
	return ""
}

// functionsOf names the functions by their logical ids.
func functionsOf(made template) map[string]string {
	names := map[string]string{}
	for id, f := range made.of("AWS::Lambda::Function") {
		names[id] = strings.TrimPrefix(f.Properties["FunctionName"].(string), "latchkey-")
	}
	return names
}

// functionBehind follows a route to the logical id of its function, over an
// integration that may call it.
func functionBehind(made template, route resource) string {
	parts := route.Properties["Target"].(map[string]any)["Fn::Join"].([]any)[1].([]any)
	integration := made.Resources[parts[1].(map[string]any)["Ref"].(string)]
	called := text(integration.Properties["IntegrationUri"])
	if integration.Properties["PayloadFormatVersion"] != "2.0" {
		return "an integration of another format"
	}
	for _, p := range made.of("AWS::Lambda::Permission") {
		if p.Properties["Principal"] == "apigateway.amazonaws.com" && text(p.Properties["FunctionName"]) == called {
			return functionCalled(made, integration.Properties["IntegrationUri"])
		}
	}
	return "a function that the API may not call"
}

// functionCalled is the logical id of the function that a reference leads to,
// by itself or through its alias; "" where it leads elsewhere.
func functionCalled(made template, reference any) string {
	to, _ := reference.(map[string]any)
	id, _ := to["Ref"].(string)
	if att, ok := to["Fn::GetAtt"].([]any); ok {
		id = att[0].(string)
	}
	switch made.Resources[id].Type {
	case "AWS::Lambda::Function":
		return id
	case "AWS::Lambda::Alias":
		return functionCalled(made, made.Resources[id].Properties["FunctionName"])
	}
	return ""
}

// TestReachable finds for every function what calls it.
func TestReachable(t *testing.T) {
	made := standard(t)
	callers := map[string][]string{}
	for _, kind := range []string{"AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping", "AWS::Scheduler::Schedule"} {
		for _, r := range made.of(kind) {
			reference := r.Properties["FunctionName"]
			if target, ok := r.Properties["Target"].(map[string]any); ok {
				reference = target["Arn"]
			}
			name := functionsOf(made)[functionCalled(made, reference)]
			callers[name] = append(callers[name], kind)
		}
	}
	for _, f := range blueprint.Functions() {
		want := 0
		for _, has := range []bool{len(f.Routes) > 0, f.Stream != nil, f.Queue != nil, f.Schedule != nil, f.OnAccountConfirmed} {
			if has {
				want++
			}
		}
		if want == 0 || len(callers[f.Name]) != want {
			t.Errorf("%s: called by %v, %d callers in the blueprint", f.Name, callers[f.Name], want)
		}
	}
}

// TestContract holds the blueprint, and with it the template, against
// openapi.yaml: the same operations, by method, path and name.
func TestContract(t *testing.T) {
	contract, err := os.ReadFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	open := operations()
	for key, operation := range contractOperations(string(contract)) {
		if r, ok := open[key]; !ok {
			t.Errorf("%s is in openapi.yaml and not in the blueprint", key)
		} else if r.Operation != operation {
			t.Errorf("%s is %s in openapi.yaml and %s in the blueprint", key, operation, r.Operation)
		}
		delete(open, key)
	}
	for key := range open {
		t.Errorf("%s is in the blueprint and not in openapi.yaml", key)
	}
}

var (
	pathLine      = regexp.MustCompile(`^  ["']?(/[^"':]*)["']?:\s*$`)
	methodLine    = regexp.MustCompile(`^    (get|put|post|delete|patch|head|options|trace):\s*$`)
	operationLine = regexp.MustCompile(`^      operationId: *["']?(\w+)["']?\s*$`)
)

// contractOperations reads method, path and operationId from lines, which is
// all of YAML that this needs.
func contractOperations(yaml string) map[string]string {
	found := map[string]string{}
	var path, key string
	for line := range strings.Lines(yaml) {
		line = strings.TrimRight(line, "\r\n")
		if m := pathLine.FindStringSubmatch(line); m != nil {
			path = m[1]
		} else if m := methodLine.FindStringSubmatch(line); m != nil && path != "" {
			key = strings.ToUpper(m[1]) + " " + path
			found[key] = ""
		} else if m := operationLine.FindStringSubmatch(line); m != nil && key != "" {
			found[key] = m[1]
		}
		if line != "" && line[0] != ' ' && line[0] != '#' {
			path, key = "", ""
		}
	}
	return found
}

// TestAccessLog names no path, no query and no header in the log.
func TestAccessLog(t *testing.T) {
	for _, stage := range standard(t).of("AWS::ApiGatewayV2::Stage") {
		format := stage.Properties["AccessLogSettings"].(map[string]any)["Format"].(string)
		for _, need := range []string{"$context.routeKey", "$context.status", "$context.responseLatency", "$context.requestId"} {
			if !strings.Contains(format, need) {
				t.Errorf("the access log lacks %s", need)
			}
		}
		for _, leak := range []string{"$context.path", "rawPath", "query", "header", "sourceIp", "userAgent", "claims", "$context.identity"} {
			if strings.Contains(format, leak) {
				t.Errorf("the access log has %s: %s", leak, format)
			}
		}
	}
}

// TestCORS lets browsers on the dashboards call, and nobody else's.
func TestCORS(t *testing.T) {
	for _, api := range standard(t).of("AWS::ApiGatewayV2::Api") {
		cors := api.Properties["CorsConfiguration"].(map[string]any)
		if got := many(cors["AllowOrigins"]); !slices.Equal(got, []string{"https://app.example.com"}) {
			t.Errorf("origins %v", got)
		}
		if cors["AllowCredentials"] == true {
			t.Error("cookies are allowed; nothing uses them")
		}
	}
}
