package main

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// answersKept is how long an Idempotency-Key is remembered.
const answersKept = 24 * time.Hour

var (
	errMismatch = fault.New(fault.Mismatch, "idempotency_mismatch", "This Idempotency-Key was used with another body.")
	errKey      = fault.New(fault.Invalid, "invalid_idempotency_key", "An Idempotency-Key has 1 to 255 characters.")
)

// requestKey stands for an Idempotency-Key: "" where there is none. The key is
// the caller's own and the operation's: another admin's same key is another.
func requestKey(r *httpapi.Request, operation string) (string, error) {
	key := r.Header["idempotency-key"]
	switch {
	case key == "":
		return "", nil
	case len(key) > 255:
		return "", errKey
	}
	return id.Hash("", "idempotency key", operation, r.Caller.Actor(r.Params["workspace"]), r.Caller.Subject, key), nil
}

func bodyOf(r *httpapi.Request) string {
	return id.Hash("", "body", r.Header["content-type"], string(r.Body))
}

// firstAnswer is a new user as the admin is shown them, without the link, and the
// generation that the link is made of.
type firstAnswer struct {
	User       httpapi.User
	Generation int
}

// answer is what a repeat of this call shall be answered, without the link.
func (h handler) answer(ctx context.Context, r *httpapi.Request, w workspace.Workspace, key string, first firstAnswer) (store.Answer, error) {
	if key == "" {
		return store.Answer{}, nil
	}
	box, err := h.dataKeys.Open(ctx, w)
	if err != nil {
		return store.Answer{}, err
	}
	plain, err := json.Marshal(first)
	if err != nil {
		return store.Answer{}, err
	}
	sealed, err := box.Seal("answer of "+key, plain)
	return store.Answer{Key: key, Body: bodyOf(r), Sealed: sealed, Until: r.Now.Add(answersKept)}, err
}

// again gives the first answer once more, whatever became of the user since.
func (h handler) again(ctx context.Context, r *httpapi.Request, w workspace.Workspace, before store.Answer) (httpapi.Response, error) {
	if before.Body != bodyOf(r) {
		return httpapi.Response{}, errMismatch
	}
	box, err := h.dataKeys.Open(ctx, w)
	if err != nil {
		return httpapi.Response{}, err
	}
	plain, err := box.Unseal("answer of "+before.Key, before.Sealed)
	if err != nil {
		return httpapi.Response{}, err
	}
	var first firstAnswer
	err = json.Unmarshal(plain, &first)
	if err != nil {
		return httpapi.Response{}, err
	}
	out, err := h.created(ctx, first, r.Now)
	if err == nil {
		out.Header["idempotent-replay"] = strconv.FormatBool(true)
	}
	return out, err
}

// exists is the answer where the email is there already. The items of one read
// are not of one moment: another call with this key may have invited them after
// the answer was looked for, and before the user was.
func (h handler) exists(ctx context.Context, r *httpapi.Request, w workspace.Workspace, key string, u user.User) (httpapi.Response, error) {
	if key == "" {
		return httpapi.Response{}, user.Exists(u, r.Now)
	}
	now, err := h.store.Load(ctx, store.Want{Workspace: w.ID, Request: key})
	switch {
	case err != nil:
		return httpapi.Response{}, err
	case now.Answer.Until.After(r.Now):
		return h.again(ctx, r, w, now.Answer)
	}
	return httpapi.Response{}, user.Exists(u, r.Now)
}
