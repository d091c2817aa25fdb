package user

import "slices"

// maxFormer is how many former ids a record keeps; the oldest go first.
const maxFormer = 10

// CorrectEmail changes the email of a person who has not joined. The email must be
// valid. An id is derived from the email, so next is a new record with a new id and
// a new link; it keeps what an admin wrote about the person, and their former ids.
// left is the tombstone of the old record. It keeps the record's last change, so
// that it causes no event. Metadata is sealed for an id, so the caller seals it
// again. before, box and wishes are what is known of the new email, as for New.
func (u User) CorrectEmail(s Stamp, email string, in Inviting, before Erased, box Mailbox, wishes Recipient) (next User, left Erased, err error) {
	if status := u.StatusAt(s.At); !status.Pending() && status != Expired {
		return u, Erased{}, wrongStatus(u, s.At, "given another email")
	}
	next = u
	next.ID, next.Email = IDFor(u.WorkspaceID, email), email
	next.Mailbox, next.Recipient, next.Request = box, wishes, ""
	next.Version = max(u.Version, before.Version, int(s.At.UnixMilli())-1)
	next.Invitation.Generation = max(u.Invitation.Generation, before.Generation)
	if err := next.invite(s, in, MailInvitation); err != nil {
		return u, Erased{}, err
	}
	next = next.after(u, s, EmailCorrected, "email")
	former := slices.DeleteFunc(slices.Clone(u.Former), func(f FormerID) bool { return f.ID == u.ID || f.ID == next.ID })
	former = append(former, FormerID{ID: u.ID, Until: next.Last.ID})
	next.Former = former[max(0, len(former)-maxFormer):]
	return next, u.rest(u.Last), nil
}

// PreviousID returns the id that the user had before their last change; "" if that
// change did not affect the id.
func (u User) PreviousID() string {
	if n := len(u.Former); n > 0 && u.Former[n-1].Until == u.Last.ID {
		return u.Former[n-1].ID
	}
	return ""
}
