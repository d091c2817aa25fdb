// Package fault is what goes wrong in ways that a caller can act on: one error
// type with a kind, a stable code and a sentence for people. Domain packages
// make faults, shared/httpapi renders them, and nobody else looks inside.
//
// It imports the standard library alone.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind groups faults by what the caller can do about them. shared/httpapi maps
// each kind to one HTTP status.
type Kind int

const (
	Internal        Kind = iota // a defect of ours; the zero value, for foreign errors
	Invalid                     // the request is wrong; Fields says where
	Unauthenticated             // nobody is signed in
	Forbidden                   // signed in, but not allowed
	NotFound                    // there is no such thing, or the caller may not know of it
	Conflict                    // the thing's state does not allow it
	Precondition                // the thing is not as the caller's If-Match says
	Mismatch                    // same idempotency key, another body
	TooLarge                    // the body exceeds its limit
	Unsupported                 // the body's media type is not one of the operation's
	Limited                     // a limit was reached; try again after RetryAfter
	Unavailable                 // a dependency is busy; try again after RetryAfter
)

// Field is one thing that is wrong with a request.
type Field struct {
	Pointer string `json:"pointer"` // JSON pointer into the body (RFC 6901), or ?name for a query parameter
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// UserRef names the user that a conflict is about.
type UserRef struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

// Error is a fault. Code is stable and listed in openapi.yaml; Detail is safe
// to show to people; Cause is for the log alone.
type Error struct {
	Kind       Kind
	Code       string
	Detail     string
	Fields     []Field
	User       *UserRef
	RetryAfter time.Duration
	Cause      error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Detail, e.Cause)
	}
	return e.Code + ": " + e.Detail
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is matches faults by code, so that a fault may serve as a sentinel.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// New makes a fault.
func New(kind Kind, code, detail string) *Error {
	return &Error{Kind: kind, Code: code, Detail: detail}
}

// Code is the code of the fault in err, or "internal" for any other error.
func Code(err error) string {
	var f *Error
	if errors.As(err, &f) {
		return f.Code
	}
	return "internal"
}

// CodeInvalid is the code of every fault that names fields.
const CodeInvalid = "invalid_request"

// Fields collects what is wrong with a request, so that all of it is named at
// once. The zero value is ready to use.
type Fields []Field

// Add notes one wrong field.
func (f *Fields) Add(pointer, code, detail string) {
	*f = append(*f, Field{Pointer: pointer, Code: code, Detail: detail})
}

// Names reports whether a field, or the object as a whole for "", was noted.
func (f Fields) Names(field string) bool {
	pointer := ""
	if field != "" {
		pointer = "/" + field
	}
	for _, noted := range f {
		if noted.Pointer == pointer {
			return true
		}
	}
	return false
}

// Merge adds what was found later, but for fields that were noted before: what
// could not be read is not also too short.
func (f *Fields) Merge(more Fields) {
	noted := *f
	for _, field := range more {
		if name, _, _ := strings.Cut(strings.TrimPrefix(field.Pointer, "/"), "/"); !noted.Names(name) {
			*f = append(*f, field)
		}
	}
}

// MaxFields is how many fields a fault lists. A small request can have many more
// invalid ones, and no answer may exceed Lambda's limit.
const MaxFields = 100

// Err returns nil if no field was added, otherwise a fault that lists the fields,
// MaxFields at most.
func (f Fields) Err() error {
	switch n := len(f); {
	case n == 0:
		return nil
	case n == 1:
		return &Error{Kind: Invalid, Code: CodeInvalid, Detail: "One field of the request is wrong.", Fields: f}
	case n > MaxFields:
		detail := fmt.Sprintf("%d fields of the request are wrong. The first %d are named.", n, MaxFields)
		return &Error{Kind: Invalid, Code: CodeInvalid, Detail: detail, Fields: f[:MaxFields]}
	default:
		return &Error{Kind: Invalid, Code: CodeInvalid, Detail: fmt.Sprintf("%d fields of the request are wrong.", n), Fields: f}
	}
}
