package local_test

import (
	"net/http"
	"strings"
	"time"
)

// line is an entry of the history.
type line struct {
	ID, Type, Actor             string
	At                          time.Time
	ActorName, UserID, UserName *string
	Status, PreviousStatus      *string
	Changed                     []string
	Delivery, DeliveryReason    *string
}

// history is all of a workspace, or of one user where an id is given, newest
// first.
func (o office) history(userID string) (lines []line) {
	o.t.Helper()
	path := o.path + "/history"
	if userID != "" {
		path = o.path + "/users/" + userID + "/history"
	}
	for cursor := ""; ; {
		page := want[struct {
			Entries    []line
			NextCursor *string
		}](o.t, o.admin.send("GET", strings.TrimSuffix(path+"?limit=100&cursor="+cursor, "&cursor="), nil, nil), http.StatusOK)
		lines = append(lines, page.Entries...)
		if page.NextCursor == nil {
			return lines
		}
		cursor = *page.NextCursor
	}
}
