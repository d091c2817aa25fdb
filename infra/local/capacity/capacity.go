// Package capacity stands between the functions and DynamoDB Local and adds up
// what each function consumes: it asks for ReturnConsumedCapacity where the
// function does not, so that what is measured is what ships.
//
// It may import infra/blueprint.
package capacity

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// Units are capacity units, over the table and all of its indexes.
type Units struct {
	Read, Write float64
	Calls       int
	// Partitions are the write units of transactions by partition key, those of
	// an index under its name and the key. A partition takes 1,000 a second.
	Partitions map[string]float64
}

// Meter is the proxy: what goes through one of its handlers goes on to the
// table and counts for that handler's function.
type Meter struct {
	proxy *httputil.ReverseProxy
	to    *url.URL
	of    blueprint.Table

	mu    sync.Mutex
	units map[string]Units
}

// New is a meter in front of a table of DynamoDB Local at an address.
func New(table string, of blueprint.Table) (*Meter, error) {
	to, err := url.Parse(table)
	if err != nil {
		return nil, err
	}
	m := &Meter{to: to, of: of, units: map[string]Units{}}
	m.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Del("Accept-Encoding") // an answer that can be read
		},
		ModifyResponse: m.read,
	}
	return m, nil
}

func (m *Meter) forward(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var in map[string]json.RawMessage
	if json.Unmarshal(body, &in) == nil {
		in["ReturnConsumedCapacity"] = json.RawMessage(`"TOTAL"`)
		if changed, err := json.Marshal(in); err == nil {
			body = changed
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	if operationOf(r) == "TransactWriteItems" {
		t, err := m.begin(r, body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), transactionKey{}, t))
	}
	m.proxy.ServeHTTP(w, r)
}

type transactionKey struct{}

func operationOf(r *http.Request) string {
	target := r.Header.Get("X-Amz-Target")
	return target[strings.LastIndexByte(target, '.')+1:]
}

type consumed struct{ CapacityUnits float64 }

func (m *Meter) read(res *http.Response) error {
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	var out struct{ ConsumedCapacity json.RawMessage }
	if json.Unmarshal(body, &out) != nil {
		return nil
	}
	// One operation answers with an object, batches and transactions with a list.
	var list []consumed
	if json.Unmarshal(out.ConsumedCapacity, &list) != nil {
		list = make([]consumed, 1)
		_ = json.Unmarshal(out.ConsumedCapacity, &list[0]) // absent in an error: nothing was reported
	}
	total := 0.0
	for _, c := range list {
		total += c.CapacityUnits
	}
	operation := operationOf(res.Request)
	var partitions map[string]float64
	if t, ok := res.Request.Context().Value(transactionKey{}).(*transaction); ok && res.StatusCode == http.StatusOK {
		partitions, err = m.end(res.Request, t)
		if err != nil {
			return err
		}
		total = 0
		for _, units := range partitions {
			total += units
		}
	}
	function := res.Request.Header.Get(functionHeader)
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.units[function]
	u.Calls++
	switch operation {
	case "GetItem", "BatchGetItem", "Query", "TransactGetItems":
		u.Read += total
	default:
		u.Write += total
	}
	for key, units := range partitions {
		if u.Partitions == nil {
			u.Partitions = map[string]float64{}
		}
		u.Partitions[key] += units
	}
	m.units[function] = u
	return nil
}

const functionHeader = "X-Latchkey-Function"

// For is a handler that counts for one function.
func (m *Meter) For(function string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set(functionHeader, function)
		m.forward(w, r)
	})
}

// Take gives what has been consumed since the last time, by function.
func (m *Meter) Take() map[string]Units {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := maps.Clone(m.units)
	clear(m.units)
	return taken
}
