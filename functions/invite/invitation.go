package main

import (
	"strconv"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// invitation is the body of inviteUser, and one row of inviteUsers.
type invitation struct {
	user.Details
	groups    []string // as they stood there, for the pointers of errors
	message   string
	locale    *string
	sendEmail bool
	days      *int
}

func readInvitation(in *httpapi.Object) invitation {
	inv := invitation{
		Details: user.Details{
			Name: in.String("name"), Email: in.String("email"), Role: user.Role(in.String("role")),
			Groups: in.Strings("groups"), Metadata: in.Raw("metadata"),
		},
		message:   in.String("message"),
		locale:    in.OptionalString("locale"),
		sendEmail: in.Bool("sendEmail", true),
		days:      in.OptionalInt("expiresInDays"),
	}
	inv.groups = inv.Groups
	var fields fault.Fields
	inv.Details, fields = inv.Check()
	user.CheckMessage(&fields, inv.message)
	if inv.locale != nil {
		workspace.CheckLocale(&fields, *inv.locale)
	}
	if inv.days != nil && (*inv.days < workspace.MinInvitationDays || *inv.days > workspace.MaxInvitationDays) {
		fields.Add("/expiresInDays", "out_of_range", "An invitation lasts 1 to 30 days.")
	}
	in.Merge(fields)
	return inv
}

// allow names what only the workspace can tell.
func (inv invitation) allow(w workspace.Workspace, groups map[string]bool) fault.Fields {
	var fields fault.Fields
	for i, group := range inv.groups {
		if !groups[group] {
			fields.Add("/groups/"+strconv.Itoa(i), "unknown_group", "There is no such group in this workspace.")
		}
	}
	if inv.message != "" && !w.PersonalMessages {
		fields.Add("/message", "messages_off", "Personal messages are turned off in this workspace.")
	}
	if !w.Allows(inv.Email) {
		fields.Add("/email", "domain_not_allowed", "This workspace invites people of certain email domains alone.")
	}
	return fields
}

// validGroups are those that could exist; anything else is unknown unasked.
func validGroups(groups []string) []string {
	var valid []string
	for _, group := range groups {
		if workspace.ValidGroupID(group) {
			valid = append(valid, group)
		}
	}
	return valid
}
