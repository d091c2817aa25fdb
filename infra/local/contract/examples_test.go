package contract_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/latchkey/latchkey/infra/local/contract"
)

// read gives the document itself.
func read(t *testing.T) *openapi3.T {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// example is one of the examples of a content.
type example struct {
	name, mediaType string
	value           any
}

// text is an example as it is sent; a text is sent as it stands.
func (e example) text(t *testing.T) string {
	switch value := e.value.(type) {
	case nil:
		return ""
	case string:
		return value
	case map[string]any:
		if !e.json() {
			form := url.Values{}
			for name, v := range value {
				form.Set(name, fmt.Sprint(v))
			}
			return form.Encode()
		}
	}
	return render(t, e.value)
}

func (e example) json() bool { return strings.HasSuffix(e.mediaType, "json") }

func render(t *testing.T, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func examples(content openapi3.Content) (all []example) {
	for mediaType, m := range content {
		if m.Example != nil {
			all = append(all, example{"", mediaType, m.Example})
		}
		for name, e := range m.Examples {
			all = append(all, example{name, mediaType, e.Value.Value})
		}
	}
	return all
}

// call is an operation with everything that is needed to call it.
type call struct {
	contract.Operation
	request string // "GET /v1/…"
	header  map[string]string
	bodies  []example // of requests, or one that is empty
	answers openapi3.Responses
}

func calls(t *testing.T) (all []call) {
	t.Helper()
	document := read(t)
	for _, o := range load(t).Operations() {
		item := document.Paths.Value(o.Path)
		operation := item.GetOperation(o.Method)
		c := call{Operation: o, header: map[string]string{}, answers: *operation.Responses}
		target, query := o.Path, []string{}
		for _, p := range slices.Concat(item.Parameters, operation.Parameters) {
			if p.Value.Example == nil {
				t.Errorf("%s: the parameter %s has no example", o.ID, p.Value.Name)
			}
			text := fmt.Sprint(p.Value.Example)
			if list, isList := p.Value.Example.([]any); isList {
				items := make([]string, len(list))
				for i, item := range list {
					items[i] = fmt.Sprint(item)
				}
				text = strings.Join(items, ",")
			}
			switch p.Value.In {
			case openapi3.ParameterInPath:
				target = strings.Replace(target, "{"+p.Value.Name+"}", text, 1)
			case openapi3.ParameterInQuery:
				query = append(query, p.Value.Name+"="+text)
			case openapi3.ParameterInHeader:
				c.header[p.Value.Name] = text
			}
		}
		c.request = o.Method + " " + target
		if len(query) > 0 {
			c.request += "?" + strings.Join(query, "&")
		}
		if operation.RequestBody == nil {
			c.bodies = []example{{}}
		} else {
			c.bodies = examples(operation.RequestBody.Value.Content)
		}
		all = append(all, c)
	}
	return all
}

func (c call) send(t *testing.T, document *contract.Contract, body example, a canned) []error {
	t.Helper()
	header := maps.Clone(c.header)
	if body.mediaType != "" {
		header["Content-Type"] = body.mediaType
	}
	return send(t, document, c.request, body.text(t), header, a)
}

// answer is an example of an answer, as it would arrive.
func answer(t *testing.T, status int, response *openapi3.Response, e example) canned {
	t.Helper()
	a := canned{status: status, contentType: e.mediaType, header: map[string]string{}}
	for name, h := range response.Headers {
		if h.Value.Example == nil {
			t.Errorf("the header %s has no example", name)
		}
		a.header[name] = fmt.Sprint(h.Value.Example)
	}
	a.body = e.text(t)
	return a
}

// each calls f for every example of an answer that has a status of its own,
// the answers without a body included.
func (c call) each(t *testing.T, f func(status int, response *openapi3.Response, e example)) {
	t.Helper()
	for name, ref := range c.answers.Map() {
		status, err := strconv.Atoi(name)
		if err != nil {
			continue // the answer for all others
		}
		all := examples(ref.Value.Content)
		if len(ref.Value.Content) == 0 {
			all = []example{{}}
		}
		for mediaType := range ref.Value.Content {
			if !slices.ContainsFunc(all, func(e example) bool { return e.mediaType == mediaType }) {
				t.Errorf("%s %d: %s has no example", c.ID, status, mediaType)
			}
		}
		for _, e := range all {
			f(status, ref.Value, e)
		}
	}
}

// Every operation has examples of what is sent and of every answer, and they
// are as the document says; with something wrong they are not.
func TestExamples(t *testing.T) {
	document := load(t)
	seen := map[string]bool{} // answers that operations share are bent once
	for _, c := range calls(t) {
		t.Run(c.ID, func(t *testing.T) {
			if len(c.bodies) == 0 {
				t.Fatal("there is no example of a request")
			}
			c.each(t, func(status int, response *openapi3.Response, e example) {
				what := fmt.Sprintf("%d %s %s", status, e.mediaType, e.name)
				a := answer(t, status, response, e)
				if reported := c.send(t, document, c.bodies[0], a); len(reported) > 0 {
					t.Errorf("%s: %v", what, reported)
				}
				if key := fmt.Sprintf("%p %s", response, what); !e.json() || seen[key] {
					return
				} else {
					seen[key] = true
				}
				bend(e.value, "", func(how string) {
					if mayLack[how] || mayLack[c.ID+how] || c.ID == "previewInvitation" && slices.Contains(previewed, how) {
						return
					}
					bent := a
					bent.body = e.text(t)
					if reported := c.send(t, document, c.bodies[0], bent); len(reported) == 0 {
						t.Errorf("%s: %s, and nothing was reported", what, how)
					}
				})
			})
			success := canned{}
			c.each(t, func(status int, response *openapi3.Response, e example) {
				if success.status == 0 || status < success.status {
					success = answer(t, status, response, e)
				}
			})
			for _, body := range c.bodies {
				if reported := c.send(t, document, body, success); len(reported) > 0 {
					t.Errorf("%s: %v", body.text(t), reported)
				}
				if !body.json() {
					continue
				}
				members := maps.Clone(body.value.(map[string]any))
				members["stray"] = 1
				if reported := c.send(t, document, example{body.name, body.mediaType, members}, success); len(reported) == 0 {
					t.Errorf("%v: nothing was reported", members)
				}
			}
		})
	}
}

// mayLack are the members that an example has and the contract does not ask for.
var mayLack = map[string]bool{
	"/users/0/invitation/deliveryReason is missing": true,
	"/counts is missing":                            true,
	"/results/0/line is missing":                    true,

	"getUser/metadata is missing":           true, // for admins and the person
	"listUsers/users/0/metadata is missing": true,
	"inviteUsers/results/0/user is missing": true, // erased since an earlier call
	// Only a mail that waits has a time to leave.
	"inviteUser/invitation/scheduledFor is missing":                 true,
	"inviteUsers/results/0/user/invitation/scheduledFor is missing": true,
	"correctEmail/invitation/scheduledFor is missing":               true,

	// Erased since they were imported.
	"getImport/results/0/user is missing":  true,
	"getImport/results/1/typed is missing": true,

	"archiveUsers/results/1/id is missing": true, // an empty text was sent
	"restoreUsers/results/1/id is missing": true,

	"resendInvitations/results/1/id is missing": true,
}

// What a link shows depends on the status, which the contract cannot tie to it.
var previewed = []string{"/inviter is missing", "/name is missing", "/email is missing", "/role is missing", "/expiresAt is missing"}

// bend makes one thing wrong with a value at a time, calls try, and puts it
// right again: a stray member in each object, each member missing, each value
// of another type. Metadata is the integrator's own and may hold anything.
func bend(value any, at string, try func(how string)) {
	wrong := func(how string, set func(any), was any) {
		set(map[string]any{"stray": true})
		try(how)
		set(was)
	}
	switch v := value.(type) {
	case map[string]any:
		if strings.HasSuffix(at, "/metadata") {
			return
		}
		v["stray"] = true
		try(at + " has a stray member")
		delete(v, "stray")
		for _, name := range slices.Sorted(maps.Keys(v)) {
			member, here := v[name], at+"/"+name
			bend(member, here, try)
			delete(v, name)
			try(here + " is missing")
			if strings.HasSuffix(here, "/metadata") {
				v[name] = member
				continue
			}
			wrong(here+" is of another type", func(to any) { v[name] = to }, member)
		}
	case []any:
		for i, item := range v {
			here := at + "/" + strconv.Itoa(i)
			bend(item, here, try)
			wrong(here+" is of another type", func(to any) { v[i] = to }, item)
		}
	}
}
