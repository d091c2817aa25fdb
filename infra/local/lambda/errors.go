//go:build unix

package lambda

import (
	"encoding/json"
	"errors"
)

// What Invoke answers besides a *FunctionError.
var (
	// ErrTimeout is what a *FunctionError is (errors.Is) whose invocation
	// took longer than the function's timeout.
	ErrTimeout   = errors.New("task timed out")
	ErrThrottled = errors.New("no instance became free in time")
	ErrTooLarge  = errors.New("payload exceeds 6 MB")
	ErrClosed    = errors.New("function is closed")
)

// errDiedIdle says that an instance ended before it took the invocation.
var errDiedIdle = errors.New("instance died while idle")

// Types of errors, as Lambda names them.
const (
	typeTimeout           = "Sandbox.Timedout"
	typeExit              = "Runtime.ExitError"
	typeInvalidEntrypoint = "Runtime.InvalidEntrypoint"
	typeResponseTooLarge  = "Function.ResponseSizeTooLarge"
	typeUnhandled         = "Runtime.Unknown"
)

// FunctionError is a failed invocation: the function said so, died, or took
// too long.
type FunctionError struct {
	Type    string
	Message string
	// Payload is the error document as the caller of Lambda gets it.
	Payload []byte
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// Is makes timeouts known as ErrTimeout.
func (e *FunctionError) Is(target error) bool {
	return target == ErrTimeout && e.Type == typeTimeout
}

// platformError is an error that Lambda itself reports about an invocation.
func platformError(kind, requestID, message string) *FunctionError {
	e := &FunctionError{Type: kind, Message: "RequestId: " + requestID + " Error: " + message}
	// A map of two strings always has a JSON form.
	e.Payload, _ = json.Marshal(map[string]string{"errorType": e.Type, "errorMessage": e.Message})
	return e
}

// reportedError reads the error document that a runtime posted.
func reportedError(document []byte) *FunctionError {
	var said struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(document, &said); err != nil || said.Type == "" {
		said.Type = typeUnhandled
	}
	return &FunctionError{Type: said.Type, Message: said.Message, Payload: document}
}
