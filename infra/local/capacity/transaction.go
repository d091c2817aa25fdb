package capacity

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"reflect"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// DynamoDB Local reports of a transaction what one of its items takes, however
// many there are, and doubles indexes too. So transactions are counted here, by
// what AWS documents: twice the units of an ordinary write for each item, and
// once what each index takes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes

// attribute is a value in DynamoDB's JSON: one type, one value.
type attribute map[string]json.RawMessage

type item map[string]attribute

// transaction is a TransactWriteItems request, and its items before it.
type transaction struct {
	table  string
	keys   []item
	before map[string]item
}

// begin reads the items that a transaction is about to write.
func (m *Meter) begin(r *http.Request, body []byte) (*transaction, error) {
	var in struct {
		TransactItems []map[string]struct {
			TableName string
			Key, Item item
		}
	}
	err := json.Unmarshal(body, &in)
	if err != nil {
		return nil, err
	}
	t := &transaction{}
	for _, part := range in.TransactItems {
		for _, of := range part {
			key := of.Key
			if key == nil {
				key = of.Item
			}
			t.table = of.TableName
			t.keys = append(t.keys, item{m.of.PartitionKey: key[m.of.PartitionKey], m.of.SortKey: key[m.of.SortKey]})
		}
	}
	t.before, err = m.items(r, t)
	return t, err
}

// end returns the write units of a transaction that went through, by partition.
func (m *Meter) end(r *http.Request, t *transaction) (map[string]float64, error) {
	after, err := m.items(r, t)
	if err != nil {
		return nil, err
	}
	units := map[string]float64{}
	for _, key := range t.keys {
		old, new := t.before[m.name(key)], after[m.name(key)]
		units[key.text(m.of.PartitionKey)] += 2 * kilobytes(max(size(old), size(new)))
		for _, index := range m.of.Indexes {
			in := new
			if m.projected(index, new) == nil {
				in = old
			}
			if n := m.indexUnits(index, old, new); n > 0 {
				units[index.Name+" "+in.text(index.PartitionKey)] += n
			}
		}
	}
	return units, nil
}

// text returns a string attribute.
func (i item) text(attribute string) (text string) {
	_ = json.Unmarshal(i[attribute]["S"], &text) // keys are strings
	return text
}

func (m *Meter) name(key item) string {
	return key.text(m.of.PartitionKey) + " " + key.text(m.of.SortKey)
}

// items reads the items of a transaction as they are, straight from the table.
func (m *Meter) items(r *http.Request, t *transaction) (map[string]item, error) {
	body, err := json.Marshal(map[string]any{"RequestItems": map[string]any{t.table: map[string]any{"Keys": t.keys, "ConsistentRead": true}}})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, m.to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.BatchGetItem")
	for _, name := range []string{"Authorization", "X-Amz-Date"} { // DynamoDB Local wants some, and verifies none
		req.Header.Set(name, r.Header.Get(name))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var out struct{ Responses map[string][]item }
	err = json.NewDecoder(res.Body).Decode(&out)
	found := map[string]item{}
	for _, i := range out.Responses[t.table] {
		found[m.name(i)] = i
	}
	return found, err
}

// indexUnits are what a change takes in one index.
func (m *Meter) indexUnits(index blueprint.Index, old, new item) float64 {
	was, is := m.projected(index, old), m.projected(index, new)
	switch {
	case was == nil && is == nil, reflect.DeepEqual(was, is):
		return 0
	case was == nil:
		return kilobytes(size(is))
	case is == nil:
		return kilobytes(size(was))
	case string(was[index.SortKey]["S"]) != string(is[index.SortKey]["S"]), string(was[index.PartitionKey]["S"]) != string(is[index.PartitionKey]["S"]):
		return kilobytes(size(was)) + kilobytes(size(is)) // out of one place, into another
	}
	return kilobytes(max(size(was), size(is)))
}

// projected is what an index has of an item; nil where it has none of it.
func (m *Meter) projected(index blueprint.Index, of item) item {
	if of[index.PartitionKey] == nil || of[index.SortKey] == nil {
		return nil
	}
	if !index.KeysOnly && len(index.Attributes) == 0 {
		return of
	}
	in := item{}
	for _, name := range append([]string{m.of.PartitionKey, m.of.SortKey, index.PartitionKey, index.SortKey}, index.Attributes...) {
		if value, ok := of[name]; ok {
			in[name] = value
		}
	}
	return in
}

func kilobytes(bytes int) float64 { return max(1, math.Ceil(float64(bytes)/1024)) }

// size is an item's size in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func size(of item) int {
	n := 0
	for name, value := range of {
		n += len(name) + value.size()
	}
	return n
}

func (a attribute) size() int {
	const nested = 3 // a list's or map's own bytes; each element has one more
	for kind, raw := range a {
		switch kind {
		case "S":
			var text string
			_ = json.Unmarshal(raw, &text)
			return len(text)
		case "N":
			return len(raw)/2 + 1
		case "B":
			var text string
			_ = json.Unmarshal(raw, &text)
			return base64.StdEncoding.DecodedLen(len(text))
		case "M":
			var m item
			_ = json.Unmarshal(raw, &m)
			return nested + len(m) + size(m)
		case "L":
			var list []attribute
			_ = json.Unmarshal(raw, &list)
			n := nested
			for _, element := range list {
				n += 1 + element.size()
			}
			return n
		}
	}
	return 1 // true, false, null
}
