package main

import (
	"net/url"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/sheet"
	"github.com/latchkey/latchkey/shared/user"
)

// export is a page of users as CSV, with columns that a batch can read again.
// The next page is in the header Link (RFC 8288).
func export(r *httpapi.Request, users []user.User, shown page, isAdmin bool) httpapi.Response {
	header := []string{"name", "email", "role", "groups"}
	if isAdmin {
		header = append(header, "metadata")
	}
	header = append(header, "locale", "status", "delivery", "deliveryReason", "invitedBy", "sentAt", "expiresAt", "createdAt", "id")
	rows := make([][]string, len(users))
	for i, u := range shown.Users {
		row := []string{u.Name, u.Email, string(u.Role), strings.Join(u.Groups, sheet.GroupSeparator)}
		if isAdmin {
			row = append(row, string(u.Metadata))
		}
		row = append(row, users[i].Invitation.Locale, string(u.Status))
		if in := u.Invitation; in != nil {
			row = append(row, string(in.Delivery), in.DeliveryReason, in.InvitedBy, in.SentAt.Format(time.RFC3339), in.ExpiresAt.Format(time.RFC3339))
		} else {
			row = append(row, "", "", "", "", "")
		}
		rows[i] = append(row, u.CreatedAt.Format(time.RFC3339), u.ID)
	}
	out := httpapi.OK(httpapi.Text(sheet.Write(header, rows)))
	out.Header = map[string]string{
		"content-type":        sheet.MediaType,
		"content-disposition": `attachment; filename="users.csv"`,
	}
	if shown.NextCursor != nil {
		next := url.Values{}
		for name, value := range r.Query {
			next.Set(name, value)
		}
		next.Set("format", "csv")
		next.Set("cursor", *shown.NextCursor)
		out.Header["link"] = "</v1/workspaces/" + r.Params["workspace"] + "/users?" + next.Encode() + `>; rel="next"`
	}
	return out
}
