// Package contract holds HTTP conversations against openapi.yaml: tests send
// through its Transport, which reports every request and every answer that is
// not as the document says, and remembers what was exercised.
//
// It may import kin-openapi.
package contract

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
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

// Load reads a document, and fails for one that is no good OpenAPI.
func Load(path string) (*Contract, error) {
	// The document's patterns and formats are JSON Schema's.
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

// Operations are all operations of the document.
func (c *Contract) Operations() (all []Operation) {
	for path, item := range c.document.Paths.Map() {
		for method, operation := range item.Operations() {
			public := operation.Security != nil && len(*operation.Security) == 0
			all = append(all, Operation{method, path, operation.OperationID, public})
		}
	}
	return all
}

// Exercised are the statuses that were answered, by operation.
func (c *Contract) Exercised() map[string][]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string][]int{}
	for id, statuses := range c.exercised {
		all[id] = slices.Compact(slices.Sorted(slices.Values(statuses)))
	}
	return all
}

type badKey struct{}

// Bad marks requests that break the contract on purpose: their answers are
// held against it, but not they themselves.
func Bad(ctx context.Context) context.Context { return context.WithValue(ctx, badKey{}, true) }

// Transport sends through next and reports what is not as the document says.
// Requests to paths that are not in the document pass.
func (c *Contract) Transport(next http.RoundTripper, report func(error)) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		route, params, err := c.router.FindRoute(r)
		if err != nil {
			return next.RoundTrip(r)
		}
		body, err := drain(&r.Body)
		if err != nil {
			return nil, err
		}
		in := &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params, Route: route,
			Options: &openapi3filter.Options{
				MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
				SkipSettingDefaults: true, // what is sent shall be what was written
			},
		}
		bad, _ := r.Context().Value(badKey{}).(bool)
		if !bad {
			err := openapi3filter.ValidateRequest(r.Context(), in)
			if err != nil {
				report(fmt.Errorf("%s: request: %w", route.Operation.OperationID, err))
			}
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		res, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		answer, err := drain(&res.Body)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		c.exercised[route.Operation.OperationID] = append(c.exercised[route.Operation.OperationID], res.StatusCode)
		c.mu.Unlock()
		if r.Method != http.MethodHead {
			err = openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
				RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(answer)),
				Options: &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true},
			})
			if err != nil {
				report(fmt.Errorf("%s: answer %d: %w", route.Operation.OperationID, res.StatusCode, err))
			}
		}
		return res, nil
	})
}

// drain reads a body and puts back one that can be read again.
func drain(body *io.ReadCloser) ([]byte, error) {
	if *body == nil {
		return nil, nil
	}
	raw, err := io.ReadAll(*body)
	if err != nil {
		return nil, err
	}
	err = (*body).Close()
	*body = io.NopCloser(bytes.NewReader(raw))
	return raw, err
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Key is an operation as API Gateway names its route.
func (o Operation) Key() string { return strings.ToUpper(o.Method) + " " + o.Path }
