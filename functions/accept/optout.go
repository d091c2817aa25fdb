package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/user"
)

// askUnsubscribe and askReport show a page with one button: mail scanners follow
// links, so a GET changes nothing.
func (h handler) askUnsubscribe(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	m, err := h.reader(ctx, r, link.OptOut)
	if err != nil {
		return httpapi.Response{}, err
	}
	t := wordsFor(m.Locale())
	return page(t, t.unsubscribe, m.Workspace.Name, "", asked), nil
}

func (h handler) askReport(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	m, err := h.reader(ctx, r, link.Report)
	if err != nil {
		return httpapi.Response{}, err
	}
	t := wordsFor(m.Locale())
	return page(t, t.report, m.Workspace.Name, "", asked), nil
}

func (h handler) reader(ctx context.Context, r *httpapi.Request, purpose link.Purpose) (invitation.Mailed, error) {
	return h.invitations.Reader(ctx, purpose, r.Params["token"], r.Now)
}

// unsubscribe ends mail from the workspace to this person, until they ask for it
// again. A mail client calls it without a page, by the header List-Unsubscribe
// (RFC 8058).
func (h handler) unsubscribe(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	return h.express(ctx, r, link.OptOut, user.OptOut)
}

// resubscribe takes an unsubscription back, and any complaint or report with it.
func (h handler) resubscribe(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	return h.express(ctx, r, link.OptOut, user.OptIn)
}

// report counts an invitation that was called abuse.
func (h handler) report(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	return h.express(ctx, r, link.Report, user.Report)
}

// express notes a wish, and answers a browser with a page and a program with
// nothing.
func (h handler) express(ctx context.Context, r *httpapi.Request, purpose link.Purpose, wish user.Wish) (httpapi.Response, error) {
	m, err := h.reader(ctx, r, purpose)
	if err != nil {
		return httpapi.Response{}, err
	}
	name, t := m.Workspace.Name, wordsFor(m.Locale())
	paused, err := h.invitations.Express(ctx, m, wish, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	if paused {
		h.log.WarnContext(ctx, "abuse", "outcome", "paused", "workspaceId", m.Workspace.ID)
	}
	if !strings.Contains(r.Header["accept"], "text/html") {
		return httpapi.Response{Status: http.StatusNoContent}, nil
	}
	switch wish {
	case user.OptOut:
		return page(t, t.unsubscribe, name, "resubscribe", done), nil
	case user.OptIn:
		return page(t, t.unsubscribe, name, "unsubscribe", undone), nil
	}
	return page(t, t.report, name, "", done), nil
}
