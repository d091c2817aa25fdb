package store_test

import (
	"testing"

	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// list is every user that a filter chooses, from as few pages as can be.
func (tb *table) list(t testing.TB, workspaceID string, f store.Filter) []user.User {
	t.Helper()
	var users []user.User
	for after := ""; ; {
		page, next, err := tb.ListUsers(t.Context(), workspaceID, f, 100, after, t0)
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, page...)
		if next == "" {
			return users
		}
		after = next
	}
}
