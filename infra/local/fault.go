package local

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// TableCall is one attempt of a function to call the table. The SDK repeats a
// call under the same ID.
type TableCall struct {
	Function  string
	Operation string // as DynamoDB names it: TransactWriteItems
	ID        string // of the call, the same in each of its attempts
	First     bool   // whether it is the call's first attempt
	Body      []byte // of the request, in DynamoDB's JSON
}

// TableFault is what befalls an attempt. The zero value is nothing.
type TableFault struct {
	// Refuse is the name of the exception with which the table refuses the
	// attempt; nothing is read or written then.
	Refuse string
	// Cut lets the attempt through to the table, and breaks the connection
	// before the answer arrives.
	Cut bool
	// Hold lets the attempt through as well, and keeps its answer back for so
	// long, or until the function hangs up.
	Hold time.Duration
}

// Exceptions that pass by themselves, for TableFault.Refuse.
const (
	TooBusy  = "ProvisionedThroughputExceededException"
	Canceled = "TransactionCanceledException" // because of a conflict with another transaction
	Broken   = "InternalServerError"
)

// faulty puts faults between a function and the table.
func faulty(function string, fault func(TableCall) TableFault, table http.Handler) http.Handler {
	if fault == nil {
		return table
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		target := r.Header.Get("X-Amz-Target")
		f := fault(TableCall{
			Function: function, Operation: target[strings.LastIndexByte(target, '.')+1:],
			ID: r.Header.Get("Amz-Sdk-Invocation-Id"), First: strings.HasPrefix(r.Header.Get("Amz-Sdk-Request"), "attempt=1;"),
			Body: body,
		})
		switch {
		case f.Refuse != "":
			refuse(w, f.Refuse, body)
		case f.Cut:
			table.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case f.Hold > 0:
			hold(w, r, table, f.Hold)
		default:
			table.ServeHTTP(w, r)
		}
	})
}

// refuse answers with an exception of DynamoDB. Of a canceled transaction, the
// first item met another transaction.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
func refuse(w http.ResponseWriter, exception string, body []byte) {
	answer := map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + exception, "message": "refused by a test"}
	if exception == Canceled {
		var in struct{ TransactItems []json.RawMessage }
		_ = json.Unmarshal(body, &in) // the SDK wrote it
		reasons := make([]map[string]string, len(in.TransactItems))
		for i := range reasons {
			reasons[i] = map[string]string{"Code": "None"}
		}
		if len(reasons) > 0 {
			reasons[0]["Code"] = "TransactionConflict"
		}
		answer["Message"], answer["CancellationReasons"] = answer["message"], reasons
	}
	w.Header().Set("content-type", "application/x-amz-json-1.0")
	status := http.StatusBadRequest
	if exception == Broken {
		status = http.StatusInternalServerError
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func hold(w http.ResponseWriter, r *http.Request, table http.Handler, atMost time.Duration) {
	answer := httptest.NewRecorder()
	table.ServeHTTP(answer, r)
	select {
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-time.After(atMost):
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}
