package guard_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/guard"
)

func TestWhatIsNotPermittedIsRefused(t *testing.T) {
	reached := 0
	table := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached++
		_, _ = io.WriteString(w, "{}")
	}))
	defer table.Close()
	f := blueprint.Function{Name: "sample", Permissions: []blueprint.Permission{
		{Verb: blueprint.Read, On: blueprint.OnTable, Keys: []string{"WS#*"}},
		{Verb: blueprint.Insert, On: blueprint.OnTable, Keys: []string{"WS#*", "SLUG#*"}},
		{Verb: blueprint.Query, On: blueprint.OnByStatus},
	}}
	h, err := guard.New(f, table.URL)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, operation, body string
		permitted             bool
	}{
		{"a read", "GetItem", `{"Key":{"pk":{"S":"WS#1"},"sk":{"S":"WORKSPACE"}}}`, true},
		{"a read of another kind of key", "GetItem", `{"Key":{"pk":{"S":"ACCOUNT#1"}}}`, false},
		{"a batch", "BatchGetItem", `{"RequestItems":{"t":{"Keys":[{"pk":{"S":"WS#1"}},{"pk":{"S":"WS#2"}}]}}}`, true},
		{"a batch with a key too many", "BatchGetItem", `{"RequestItems":{"t":{"Keys":[{"pk":{"S":"WS#1"}},{"pk":{"S":"ACCOUNT#2"}}]}}}`, false},
		{"a put", "PutItem", `{"Item":{"pk":{"S":"WS#1"},"metadata":{"B":"AQ=="}}}`, true},
		{"a put elsewhere", "PutItem", `{"Item":{"pk":{"S":"HISTORY#1"}}}`, false},
		{"an update", "UpdateItem", `{"Key":{"pk":{"S":"WS#1"}}}`, false},
		{"a delete", "DeleteItem", `{"Key":{"pk":{"S":"WS#1"}}}`, false},
		{"a query of the index", "Query", `{"IndexName":"byStatus","ExpressionAttributeValues":{":ws":{"S":"ws_1"}}}`, true},
		{"a query of another index", "Query", `{"IndexName":"byEmail"}`, false},
		{"a query of the table", "Query", `{"ExpressionAttributeValues":{":pk":{"S":"WS#1"}}}`, false},
		{"a transaction of puts", "TransactWriteItems", `{"TransactItems":[{"Put":{"Item":{"pk":{"S":"SLUG#1"}}}},{"Put":{"Item":{"pk":{"S":"WS#1"}}}}]}`, true},
		{"a transaction with an update", "TransactWriteItems", `{"TransactItems":[{"Put":{"Item":{"pk":{"S":"WS#1"}}}},{"Update":{"Key":{"pk":{"S":"WS#1"}}}}]}`, false},
		{"a batch of writes", "BatchWriteItem", `{"RequestItems":{"t":[{"PutRequest":{"Item":{"pk":{"S":"WS#1"}}}}]}}`, false},
		{"a scan", "Scan", `{}`, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := reached
			req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.body))
			req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+c.operation)
			res := httptest.NewRecorder()
			h.ServeHTTP(res, req)
			if (reached > before) != c.permitted || (res.Code == http.StatusOK) != c.permitted {
				t.Errorf("%d %s", res.Code, res.Body)
			}
			if !c.permitted && !strings.Contains(res.Body.String(), "AccessDeniedException") {
				t.Errorf("refused with %s", res.Body)
			}
		})
	}
}
