//go:build unix

package lambda

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	apiVersion = "/2018-06-01/runtime"
	// Trailers of a streamed response that failed on its way.
	trailerErrorType = "Lambda-Runtime-Function-Error-Type"
	trailerErrorBody = "Lambda-Runtime-Function-Error-Body"
)

// runtimeAPI serves the process of this instance, at this address.
func (i *instance) runtimeAPI(address string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+apiVersion+"/invocation/next", i.next)
	mux.HandleFunc("POST "+apiVersion+"/invocation/{id}/response", i.response)
	mux.HandleFunc("POST "+apiVersion+"/invocation/{id}/error", i.failure)
	mux.HandleFunc("POST "+apiVersion+"/init/error", i.initFailure)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A web page on this machine that made a name of its own point
		// here must not take the function's work away.
		if r.Host != address {
			answer(w, http.StatusForbidden, "InvalidHost", "not the address of this API")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// next waits for work: an idle instance is one whose process waits here.
func (i *instance) next(w http.ResponseWriter, r *http.Request) {
	inv := i.await(r.Context())
	if inv == nil {
		return
	}
	if hungUp(r.Context()) {
		inv.result <- outcome{err: errDiedIdle}
		return
	}
	i.mu.Lock()
	i.current = inv
	i.mu.Unlock()
	deadline := time.Now().Add(i.cfg.Timeout)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", i.arn)
	h.Set("Lambda-Runtime-Trace-Id", newTraceID())
	_, _ = w.Write(inv.payload) // a process that is gone is seen by its exit
}

// await returns the next invocation, or nil if the process has ended. It freezes
// the process while there is none.
func (i *instance) await(ctx context.Context) *invocation {
	select {
	case inv := <-i.work:
		return inv
	default:
	}
	if i.cfg.Freeze {
		i.pauses.set(idle, true)
		defer i.pauses.set(idle, false)
	}
	select {
	case inv := <-i.work:
		return inv
	case <-ctx.Done():
	case <-i.exited:
	}
	return nil
}

func (i *instance) response(w http.ResponseWriter, r *http.Request) {
	inv := i.take(w, r)
	if inv == nil {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		e := platformError(typeResponseTooLarge, inv.id,
			fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxPayload))
		i.log.event(inv.id, e.Message)
		inv.result <- outcome{err: e}
		answer(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", e.Message)
		return
	case err != nil: // the process died in mid-sentence: its exit says the rest
		i.putBack(inv)
		return
	}
	if kind := r.Trailer.Get(trailerErrorType); kind != "" {
		document, _ := base64.StdEncoding.DecodeString(r.Trailer.Get(trailerErrorBody))
		e := reportedError(document)
		e.Type = kind
		inv.result <- outcome{err: e}
	} else {
		inv.result <- outcome{payload: body}
	}
	accepted(w)
}

func (i *instance) failure(w http.ResponseWriter, r *http.Request) {
	inv := i.take(w, r)
	if inv == nil {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err != nil {
		i.putBack(inv)
		return
	}
	inv.result <- outcome{err: reportedError(body)}
	accepted(w)
}

func (i *instance) initFailure(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err != nil {
		return
	}
	i.mu.Lock()
	i.initErr = reportedError(body)
	i.mu.Unlock()
	accepted(w)
}

// take ends the process's work on the invocation that the request names, so
// that it is answered once. It answers 400 itself where that is not the one.
func (i *instance) take(w http.ResponseWriter, r *http.Request) *invocation {
	i.mu.Lock()
	defer i.mu.Unlock()
	inv := i.current
	if inv == nil || inv.id != r.PathValue("id") {
		answer(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil
	}
	i.current = nil
	return inv
}

func (i *instance) putBack(inv *invocation) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.current = inv
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func answer(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"errorType":%q,"errorMessage":%q}`, kind, message)
}

// newTraceID is a trace that X-Ray would not have sampled.
func newTraceID() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", time.Now().Unix(), b[:12], b[12:])
}
