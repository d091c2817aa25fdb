package user_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

// inStatus is a user of each status; lapsed is pending in the record, and
// expired by the clock at late.
func inStatus(t testing.TB) (users map[string]user.User, late time.Time) {
	t.Helper()
	late = t0.Add(week + time.Hour)
	pending := invited(t0, true)
	pending.Groups, pending.SealedMetadata = []string{"a", "b"}, []byte("sealed")
	requested := pending
	requested.Status = user.Requested
	requested.Invitation.ExpiresAt = late.Add(week)
	active := must(pending.Accept(stamp(t0.Add(time.Hour)), byLink(pending), guest, inviter))
	still := pending
	still.Invitation.ExpiresAt = late.Add(week)
	return map[string]user.User{
		"requested": requested,
		"invited":   still,
		"lapsed":    pending,
		"active":    active,
		"archived":  must(active.Archive(stamp(t0.Add(2 * time.Hour)))),
		"declined":  must(pending.Decline(stamp(t0.Add(time.Hour)), byLink(pending))),
		"expired":   must(pending.Expire(stamp(late))),
	}, late
}

// Rule 29 of the pitfalls: a pending invitation is edited, and the link stays.
func TestAnybodyIsEditedWhateverTheirStatus(t *testing.T) {
	users, late := inStatus(t)
	now := late.Add(time.Minute)
	name, role, groups, sealed := "Jane Roe", user.Admin, []string{"b", "c"}, []byte("sealed anew")
	for status, u := range users {
		s := user.Stamp{ID: "evt_2", Actor: "usr_other", At: now}
		got := u.Edit(s, user.Patch{Name: &name, Role: &role, Groups: &groups, SealedMetadata: &sealed})
		want := u
		want.Name, want.Role, want.Groups, want.SealedMetadata = name, role, groups, sealed
		want.Version++
		want.UpdatedAt = now
		want.Last = user.Change{ID: "evt_2", Type: user.UserUpdated, Actor: "usr_other", At: now, From: u.Status, Changed: []string{"name", "role", "groups", "metadata"}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got  %+v\nwant %+v", status, got, want)
		}
	}
}

// What a patch leaves out stays, and only what differs is named.
func TestAnEditNamesWhatDiffers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := invited(t0, true)
		u.Groups = rapid.SampledFrom([][]string{nil, {"a"}, {"a", "b"}}).Draw(t, "groups before")
		names := rapid.Ptr(rapid.SampledFrom([]string{u.Name, "Jane Roe"}), true)
		roles := rapid.Ptr(rapid.SampledFrom(user.Roles()), true)
		groups := rapid.Ptr(rapid.SampledFrom([][]string{nil, {}, {"a"}, {"a", "b"}, {"b"}}), true)
		p := user.Patch{Name: names.Draw(t, "name"), Role: roles.Draw(t, "role"), Groups: groups.Draw(t, "groups")}
		if rapid.Bool().Draw(t, "metadata") {
			p.SealedMetadata = &[]byte{}
		}
		var changed []string
		want := u
		if p.Name != nil && *p.Name != u.Name {
			want.Name = *p.Name
			changed = append(changed, "name")
		}
		if p.Role != nil && *p.Role != u.Role {
			want.Role = *p.Role
			changed = append(changed, "role")
		}
		if p.Groups != nil && strings.Join(*p.Groups, ",") != strings.Join(u.Groups, ",") {
			want.Groups = *p.Groups
			changed = append(changed, "groups")
		}
		if p.SealedMetadata != nil {
			want.SealedMetadata = *p.SealedMetadata
			changed = append(changed, "metadata")
		}
		s := stamp(t0.Add(time.Hour))
		got := u.Edit(s, p)
		if changed == nil {
			if !reflect.DeepEqual(got, u) {
				t.Fatalf("a patch that changes nothing made %+v", got)
			}
			return
		}
		if !slices.Equal(got.Last.Changed, changed) || got.Version != u.Version+1 || got.Last.Type != user.UserUpdated {
			t.Fatalf("noted is %+v, want %q", got.Last, changed)
		}
		got.Last, got.Version, got.UpdatedAt = want.Last, want.Version, want.UpdatedAt
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
		// The same patch once more changes nothing, but for metadata, which is
		// sealed anew each time: whether it differs is said by who opens it.
		again := u.Edit(s, p)
		p.SealedMetadata = nil
		if once := again.Edit(s, p); !reflect.DeepEqual(once, again) {
			t.Fatalf("once more: %+v", once)
		}
	})
}

func TestLeavingAGroup(t *testing.T) {
	users, now := inStatus(t)
	for status, u := range users {
		before := slices.Clone(u.Groups)
		left := u.LeaveGroup(stamp(now), "a")
		if !slices.Equal(left.Groups, []string{"b"}) || left.Version != u.Version+1 || !slices.Equal(left.Last.Changed, []string{"groups"}) {
			t.Errorf("%s: %+v", status, left)
		}
		if !slices.Equal(u.Groups, before) {
			t.Errorf("%s: the record that was read is changed: %q", status, u.Groups)
		}
		if stays := u.LeaveGroup(stamp(now), "c"); !reflect.DeepEqual(stays, u) {
			t.Errorf("%s is not in the group, and became %+v", status, stays)
		}
		if last := left.LeaveGroup(stamp(now), "b"); len(last.Groups) != 0 || last.Version != u.Version+2 {
			t.Errorf("%s: %+v", status, last)
		}
	}
}

func TestOnlyWhoIsGoneOrNeverCameIsErased(t *testing.T) {
	users, now := inStatus(t)
	for status, u := range users {
		want := map[string]bool{"archived": true, "declined": true, "expired": true, "lapsed": true}[status]
		left, err := u.Erase(stamp(now))
		if want != (err == nil) {
			t.Errorf("%s: %v", status, err)
		}
		var f *fault.Error
		switch {
		case err == nil:
			if left.ID != u.ID || left.WorkspaceID != u.WorkspaceID || left.Generation != u.Invitation.Generation || left.Version != u.Version+1 || left.Last.Type != user.UserErased || left.Last.From != u.Status {
				t.Errorf("%s: %+v", status, left)
			}
		case !errors.As(err, &f) || f.Code != "status_conflict" || f.User == nil || f.User.ID != u.ID || f.User.Status != status:
			t.Errorf("%s: %v", status, err)
		case !reflect.DeepEqual(left, user.Erased{}):
			t.Errorf("%s: %+v", status, left)
		}
	}
	// Until the instant of expiry a pending user stays.
	u := users["lapsed"]
	for at, want := range map[time.Time]bool{u.Invitation.ExpiresAt.Add(-time.Millisecond): false, u.Invitation.ExpiresAt: true} {
		if _, err := u.Erase(stamp(at)); (err == nil) != want {
			t.Errorf("at %v: %v", at, err)
		}
	}
}

func TestAChangeOfAnotherVersionIsRefused(t *testing.T) {
	u := invited(t0, true)
	u.Version = 3
	if err := u.IsVersion(func(v int) bool { return v == 3 }, t0); err != nil {
		t.Error(err)
	}
	err := u.IsVersion(func(v int) bool { return v == 2 }, t0.Add(week))
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Precondition || f.Code != "version_mismatch" || f.User == nil || *f.User != (fault.UserRef{ID: u.ID, Status: "expired"}) {
		t.Errorf("%+v", err)
	}
}
