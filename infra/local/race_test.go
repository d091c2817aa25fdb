package local_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestRule10ManyAcceptsMakeOneMember(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	john := person(t, u.Email, "John")
	path := "/v1/invitations/" + tokenOf(u.Invitation.URL) + "/accept"
	counts := race(t, 20, func(int) (answer, error) { return john.try("POST", path, nil, nil) })
	if counts[http.StatusOK] != 1 || counts[http.StatusConflict] != 19 {
		t.Errorf("answers %v, want one 200 and nineteen 409", counts)
	}
	if users := o.list("?status=active"); len(users) != 2 {
		t.Errorf("%d active users", len(users))
	}
}

func TestRule10ManyInvitesMakeOneUser(t *testing.T) {
	o := newOffice(t)
	email := "Race-" + unique() + "@Corp.com"
	counts := race(t, 20, func(i int) (answer, error) {
		spelled := []string{email, strings.ToLower(email), strings.ToUpper(email), " " + email}[i%4]
		return o.admin.try("POST", o.path+"/users", map[string]any{"name": "X", "email": spelled, "role": "builder"}, nil)
	})
	if counts[http.StatusCreated] != 1 || counts[http.StatusConflict] != 19 {
		t.Errorf("answers %v, want one 201 and nineteen 409", counts)
	}
}

// race runs n calls at once and counts the statuses of their answers.
func race(t *testing.T, n int, call func(i int) (answer, error)) map[int]int {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	counts := map[int]int{}
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			a, err := call(i)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			counts[a.status]++
		})
	}
	close(start)
	wg.Wait()
	return counts
}

// Rule 11: however many admins leave at once, one stays.
func TestRule11TheLastAdminStays(t *testing.T) {
	o := newOffice(t)
	me := want[apiUser](t, o.admin.send("GET", o.path+"/users/me", nil, nil), http.StatusOK)
	refused(t, o.admin.send("POST", o.path+"/users/me/archive", nil, nil), http.StatusConflict, "last_admin")
	admins := map[string]*client{me.ID: o.admin}
	for range 7 {
		u := o.invite(map[string]any{"role": "admin", "sendEmail": false})
		o.accept(u)
		admins[u.ID] = person(t, u.Email, u.Name)
	}
	var ids []string
	for id := range admins {
		ids = append(ids, id)
	}
	race(t, len(ids), func(i int) (answer, error) {
		return admins[ids[i]].try("POST", o.path+"/users/"+ids[i]+"/archive", nil, nil)
	})
	left := 0
	for _, id := range ids {
		if a, err := admins[id].try("GET", o.path+"/users?status=active&role=admin", nil, nil); err == nil && a.status == http.StatusOK {
			left++
			if users := want[struct{ Users []apiUser }](t, a, http.StatusOK).Users; len(users) != 1 || users[0].ID != id {
				t.Errorf("the last admin sees %d admins", len(users))
			}
		}
	}
	if left != 1 {
		t.Errorf("%d admins are left, want 1", left)
	}
}
