// Package contract holds HTTP conversations against openapi.yaml: tests send
// through its Transport, which reports every request and every answer that is
// not as the document says, and remembers what was exercised.
//
// It may import kin-openapi.
package contract

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Contract is the document, and what of it was exercised. It is safe for
// concurrent use.
type Contract struct {
	document *openapi3.T
	router   routers.Router

	mu        sync.Mutex
	exercised map[string][]int
}

// Load reads a document, and fails for one that is no good OpenAPI or has an
// example that is not as its schema says.
func Load(path string) (*Contract, error) {
	// CSV is text here: what is wrong with its rows is for the answer to say.
	for _, text := range []string{"text/csv", "text/html"} {
		openapi3filter.RegisterBodyDecoder(text, openapi3filter.PlainBodyDecoder)
	}
	document, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	err = document.Validate(context.Background())
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	document.Servers = nil // any host
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	return &Contract{document: document, router: router, exercised: map[string][]int{}}, nil
}

// Operation is one operation of the document.
type Operation struct {
	Method, Path, ID string
	Public           bool // needs no token
}

// Key is an operation as API Gateway names its route.
func (o Operation) Key() string { return o.Method + " " + o.Path }

// Operations are all operations of the document, by their ids.
func (c *Contract) Operations() (all []Operation) {
	for path, item := range c.document.Paths.Map() {
		for method, operation := range item.Operations() {
			security := &c.document.Security
			if operation.Security != nil {
				security = operation.Security
			}
			all = append(all, Operation{method, path, operation.OperationID, len(*security) == 0})
		}
	}
	slices.SortFunc(all, func(a, b Operation) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Exercised are the statuses that were answered, by operation, each once and
// in their order.
func (c *Contract) Exercised() map[string][]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string][]int{}
	for id, statuses := range c.exercised {
		all[id] = slices.Clone(statuses)
	}
	return all
}

func (c *Contract) exercise(id string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, known := slices.BinarySearch(c.exercised[id], status); !known {
		c.exercised[id] = slices.Insert(c.exercised[id], at, status)
	}
}

type badKey struct{}

// Bad marks requests that break the contract on purpose: their answers are
// held against it, but not they themselves.
func Bad(ctx context.Context) context.Context { return context.WithValue(ctx, badKey{}, true) }

// Transport sends through next and reports what is not as the document says.
// Requests to paths or with methods that the document does not have pass.
// report may be called by several goroutines at once.
func (c *Contract) Transport(next http.RoundTripper, report func(error)) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		route, params, err := c.router.FindRoute(r)
		if err != nil {
			return next.RoundTrip(r)
		}
		id := route.Operation.OperationID
		sent, body, err := drained(r)
		if err != nil {
			return nil, err
		}
		// What is held against the document is a copy: validation reads bodies
		// and writes to what it reads.
		copied := r.Clone(r.Context())
		copied.Body, copied.GetBody, copied.ContentLength = http.NoBody, nil, int64(len(body))
		if len(body) > 0 {
			copied.Body = io.NopCloser(bytes.NewReader(body))
		}
		in := &openapi3filter.RequestValidationInput{
			Request: copied, PathParams: params, Route: route,
			Options: &openapi3filter.Options{
				MultiError: true, RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
				AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, // the gateway's business
			},
		}
		if bad, _ := r.Context().Value(badKey{}).(bool); !bad {
			err := validRequest(in)
			if err != nil {
				report(fmt.Errorf("%s: request: %w", id, err))
			}
		}
		res, err := next.RoundTrip(sent)
		if err != nil {
			return nil, err
		}
		answer, err := io.ReadAll(res.Body)
		if closed := res.Body.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return nil, err
		}
		res.Body = io.NopCloser(bytes.NewReader(answer))
		c.exercise(id, res.StatusCode)
		err = validAnswer(in, res, answer)
		if err != nil {
			report(fmt.Errorf("%s: answer %d: %w", id, res.StatusCode, err))
		}
		return res, nil
	})
}

// drained reads a request's body and gives the same request with a body that
// can be read again: a transport may read its request, but not change it.
func drained(r *http.Request) (same *http.Request, body []byte, err error) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, nil, nil
	}
	body, err = io.ReadAll(r.Body)
	if closed := r.Body.Close(); err == nil {
		err = closed
	}
	shallow := *r
	shallow.Body = io.NopCloser(bytes.NewReader(body))
	return &shallow, body, err
}

// validRequest says what is wrong with a request, parameters of the query
// included that the operation does not have.
func validRequest(in *openapi3filter.RequestValidationInput) error {
	wrong := []error{openapi3filter.ValidateRequest(in.Request.Context(), in)}
	for name := range in.Request.URL.Query() {
		if !documented(in.Route, name) {
			wrong = append(wrong, fmt.Errorf("parameter %q is not documented", name))
		}
	}
	return errors.Join(wrong...)
}

func documented(route *routers.Route, query string) bool {
	for _, parameters := range []openapi3.Parameters{route.PathItem.Parameters, route.Operation.Parameters} {
		if parameters.GetByInAndName(openapi3.ParameterInQuery, query) != nil {
			return true
		}
	}
	return false
}

// validAnswer says what is wrong with an answer. A status has to be documented
// by its number: the answer that a document has for all others would let
// anything through.
func validAnswer(in *openapi3filter.RequestValidationInput, res *http.Response, body []byte) error {
	documented := in.Route.Operation.Responses.Status(res.StatusCode)
	switch {
	case documented == nil:
		return errors.New("the status is not documented")
	case len(documented.Value.Content) == 0 && len(body) > 0:
		return errors.New("it has a body, and none is documented")
	}
	return openapi3filter.ValidateResponse(in.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true},
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
