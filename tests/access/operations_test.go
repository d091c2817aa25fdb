package access

import (
	"net/http"
	"strings"

	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/tests/caller"
)

// request is a call that succeeds for everybody who is allowed to make it.
type request struct {
	path string // below the address of the API
	body any
	// guest is the person whom an invitation is for; accepting it needs them.
	guest caller.User
}

// operations make a new request each time, on a user of its own, so that each
// succeeds regardless of earlier ones.
var operations = map[string]func(p place) request{
	"createWorkspace": func(place) request {
		return request{path: "/v1/workspaces", body: fields{"name": "Another Nexus", "slug": "another-" + unique()}}
	},
	"getWorkspace":    func(p place) request { return request{path: p.path} },
	"updateWorkspace": func(p place) request { return request{path: p.path, body: fields{"invitationDays": 9}} },
	"deleteWorkspace": func(p place) request {
		spare := p.spare()
		return request{path: spare.path, body: fields{"slug": spare.slug}}
	},
	"restoreWorkspace": func(p place) request { return request{path: p.path + "/restore"} },
	"listGroups":       func(p place) request { return request{path: p.path + "/groups"} },
	"putGroup": func(p place) request {
		return request{path: p.path + "/groups/" + unique(), body: fields{"name": secretGroup}}
	},
	"deleteGroup": func(p place) request { return request{path: p.path + "/groups/" + p.group()} },

	"inviteUser": func(p place) request { return request{path: p.path + "/users", body: newUser(nil)} },
	"inviteUsers": func(p place) request {
		return request{path: p.path + "/users/batch", body: fields{"users": []any{newUser(nil)}}}
	},
	"resendInvitation":  func(p place) request { return on(p, p.invite(nil), "/resend", fields{"sendEmail": false}) },
	"resendInvitations": func(p place) request { return onMany(p, p.invite(nil), "/resend") },
	"correctEmail": func(p place) request {
		return on(p, p.invite(nil), "/email", fields{"email": secretMail + unique() + "@" + secretDomain, "sendEmail": false})
	},
	"getInvitationLink": func(p place) request { return on(p, p.invite(nil), "/link", nil) },

	"createImport": func(p place) request { return request{path: p.path + "/imports"} },
	"addImportRows": func(p place) request {
		return request{path: p.path + "/imports/" + p.list(0) + "/rows?firstRow=1", body: fields{"users": []any{newUser(nil)}}}
	},
	"startImport":  func(p place) request { return request{path: p.path + "/imports/" + p.list(1) + "/start"} },
	"cancelImport": func(p place) request { return request{path: p.path + "/imports/" + p.list(1) + "/cancel"} },

	"followInvitation": func(p place) request {
		return request{path: "/invite/" + p.token(p.invite(nil), link.Accept)}
	},
	"previewInvitation": func(p place) request { return byLink(p, link.Accept, "") },
	"acceptInvitation":  func(p place) request { return byLink(p, link.Accept, "/accept") },
	"declineInvitation": func(p place) request { return byLink(p, link.Accept, "/decline") },
	"askAgain": func(p place) request {
		r := byLink(p, link.Accept, "/ask")
		if p.admin != nil {
			caller.Anyone(p.t, p.stack.URL).Send("POST", strings.TrimSuffix(r.path, "/ask")+"/decline", nil).Into(http.StatusOK, nil)
		}
		return r
	},
	"askUnsubscribe":        func(p place) request { return byLink(p, link.OptOut, "/unsubscribe") },
	"unsubscribeInvitation": func(p place) request { return byLink(p, link.OptOut, "/unsubscribe") },
	"resubscribeInvitation": func(p place) request { return byLink(p, link.OptOut, "/resubscribe") },
	"askReport":             func(p place) request { return byLink(p, link.Report, "/report") },
	"reportInvitation":      func(p place) request { return byLink(p, link.Report, "/report") },
	"acceptMine": func(p place) request {
		return request{path: "/v1/me/workspaces/" + p.id + "/accept", guest: p.invite(nil)}
	},
	"declineMine": func(p place) request {
		return request{path: "/v1/me/workspaces/" + p.id + "/decline", guest: p.invite(nil)}
	},
	"askMine": func(p place) request {
		return request{path: "/v1/me/workspaces/" + p.id + "/ask", guest: p.invite(fields{"role": "admin"})}
	},

	"listUsers":        func(p place) request { return request{path: p.path + "/users"} },
	"getUser":          func(p place) request { return on(p, p.member(nil), "", nil) },
	"listUserHistory":  func(p place) request { return on(p, p.member(nil), "/history", nil) },
	"listHistory":      func(p place) request { return request{path: p.path + "/history"} },
	"getStatistics":    func(p place) request { return request{path: p.path + "/statistics"} },
	"listImports":      func(p place) request { return request{path: p.path + "/imports"} },
	"getImport":        func(p place) request { return request{path: p.path + "/imports/" + p.list(1)} },
	"listMyWorkspaces": func(place) request { return request{path: "/v1/me/workspaces"} },

	"updateUser":     func(p place) request { return on(p, p.member(nil), "", fields{"role": "admin"}) },
	"archiveUser":    func(p place) request { return on(p, p.member(nil), "/archive", nil) },
	"restoreUser":    func(p place) request { return on(p, p.archive(p.member(nil)), "/restore", fields{"sendEmail": false}) },
	"eraseUser":      func(p place) request { return on(p, p.archive(p.member(nil)), "", nil) },
	"archiveUsers":   func(p place) request { return onMany(p, p.member(nil), "/archive") },
	"restoreUsers":   func(p place) request { return onMany(p, p.archive(p.member(nil)), "/restore") },
	"leaveWorkspace": func(p place) request { return request{path: p.path + "/users/me/leave"} },
	"archiveAccount": func(p place) request {
		return request{path: "/v1/accounts/archive", body: fields{"email": p.member(nil).Email}}
	},

	"recordAccount": func(place) request { return request{path: "/v1/me"} },
}

func on(p place, u caller.User, what string, body any) request {
	return request{path: p.path + "/users/" + u.ID + what, body: body}
}

func onMany(p place, u caller.User, what string) request {
	body := fields{"users": []string{u.ID}}
	if what != "/archive" {
		body["sendEmail"] = false
	}
	return request{path: p.path + "/users/batch" + what, body: body}
}

func byLink(p place, purpose link.Purpose, what string) request {
	guest := p.invite(nil)
	return request{path: "/v1/invitations/" + p.token(guest, purpose) + what, guest: guest}
}
