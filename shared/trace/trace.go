// Package trace carries the correlation id of a request through everything that
// follows from it: the change in the table, its event, the mail and its notices.
// All of them log it as correlationId.
package trace

import (
	"context"
	"strings"
)

// maxLength bounds an id; SES takes tags of 256 characters.
const maxLength = 64

type key struct{}

// With returns a context whose changes carry an id; "" changes nothing.
func With(ctx context.Context, id string) context.Context {
	if id == "" {
		return ctx
	}
	return context.WithValue(ctx, key{}, id)
}

// ID returns the id of a context; "" for none.
func ID(ctx context.Context) string {
	id, _ := ctx.Value(key{}).(string)
	return id
}

// Of returns the correlation id of an API request's id: the same in the
// characters that SES takes in a tag, such as Hk3xYgB_oAMEV1w for
// Hk3xYgB/oAMEV1w=. It is safe to log, whatever it is made of.
func Of(requestID string) string {
	id := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r == '+':
			return '-'
		case r == '/':
			return '_'
		}
		return -1
	}, requestID)
	return id[:min(len(id), maxLength)]
}
