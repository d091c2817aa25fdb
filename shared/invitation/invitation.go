// Package invitation holds the use cases around an invitation: invite, resend,
// accept, decline, ask again, correct an email, a person's wishes about mail,
// archive, restore, erase, edit, delete a workspace, and what falls due. Each takes a caller who may (an access.Grant) and typed
// input, makes one decision, and returns its outcome. Handlers decode,
// call one of them, and encode.
//
// It may import shared/access, shared/store, shared/datakey, shared/linkkey,
// shared/awsenv, shared/setting and the domain packages.
package invitation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Service is the use cases over their surroundings. Functions that need no
// metadata or links leave DataKeys or Links nil.
type Service struct {
	Store    *store.Store
	DataKeys *datakey.Keys
	Links    *linkkey.Source
	Limits   workspace.Limits
	Reports  int // how many reports pause a workspace's invitations
	Random   io.Reader
}

// FromEnv returns the use cases of a Lambda that needs neither metadata nor
// links, mails nobody and counts no reports. What it needs is added by the
// methods below: a function reads the settings that the blueprint lists for it.
func FromEnv(env awsenv.Env, settings *setting.Reader) Service {
	settings.Check(setting.Table)
	return Service{Store: store.FromEnv(env), Random: rand.Reader}
}

// WithLimits adds the limits of mail.
func (s Service) WithLimits(settings *setting.Reader) Service {
	s.Limits = workspace.LimitsFrom(settings)
	return s
}

// WithReports adds how many reports pause a workspace.
func (s Service) WithReports(settings *setting.Reader) Service {
	s.Reports = settings.Int(setting.ReportsToPause)
	return s
}

// WithMetadata adds the keys of metadata.
func (s Service) WithMetadata(env awsenv.Env, settings *setting.Reader) Service {
	settings.Check(setting.MetadataKey)
	s.DataKeys = datakey.FromEnv(env, s.Random)
	return s
}

// WithLinks adds the keys of metadata and of links.
func (s Service) WithLinks(env awsenv.Env, settings *setting.Reader) Service {
	s = s.WithMetadata(env, settings)
	s.Links = linkkey.New(s.Store, s.DataKeys, env)
	return s
}

// Kind is the kind of an outcome.
type Kind string

// The kinds of outcome.
const (
	Created   Kind = "created"
	Exists    Kind = "exists"   // the workspace knew the person; nothing was written
	Replayed  Kind = "replayed" // the same call created the person before
	NoSeat    Kind = "no seat"
	OverLimit Kind = "over the limit" // refused by a limit of mail; every other limit delays the mail
	Refused   Kind = "refused"
	Resent    Kind = "resent"
	Archived  Kind = "archived"
	Restored  Kind = "restored"
	Unchanged Kind = "unchanged"
)

// Outcome is the result of a request for one person.
type Outcome struct {
	Kind   Kind
	User   user.User // as they are now; zero where nothing was written and nobody exists
	Reason error     // a fault, for NoSeat, OverLimit and Refused
}

// refusal sorts a fault that concerns one person; any other error is returned.
func refusal(err error) (Outcome, error) {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		return Outcome{}, err
	}
	kind := Refused
	switch {
	case f.Code == workspace.ErrSeatLimit.Code:
		kind = NoSeat
	case f.Kind == fault.Limited:
		kind = OverLimit
	}
	return Outcome{Kind: kind, Reason: f}, nil
}

// View is a user together with what only some callers are shown.
type View struct {
	User     user.User
	Metadata json.RawMessage
	URL      string // of a pending invitation; "" otherwise
	Replayed bool   // the same call was answered before
}

// keys are what an answer needs, fetched before anything is written: a failure
// of KMS must not follow a write that happened.
type keys struct {
	box   datakey.Box // zero where nothing is sealed
	links linkkey.Maker
}

// box opens the workspace's data key only if something is sealed, so that all else
// works while KMS does not.
func (s Service) box(ctx context.Context, w workspace.Workspace, sealed bool) (datakey.Box, error) {
	if !sealed {
		return datakey.Box{}, nil
	}
	return s.DataKeys.Open(ctx, w)
}

// keys fetches the link keys, and where something is sealed the workspace's data
// key.
func (s Service) keys(ctx context.Context, w workspace.Workspace, sealed bool, now time.Time) (k keys, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		k.box, err = s.box(ctx, w, sealed)
		return err
	})
	if s.Links != nil {
		group.Go(func() (err error) {
			k.links, err = s.Links.Maker(ctx, now)
			return err
		})
	}
	return k, group.Wait()
}

// keysFor is keys for an answer that shows the user of the path.
func (s Service) keysFor(ctx context.Context, g access.Grant, now time.Time) (keys, error) {
	u, err := g.User()
	if err != nil {
		return keys{}, err
	}
	return s.keys(ctx, g.Workspace, len(u.SealedMetadata) > 0, now)
}

func (k keys) view(u user.User, now time.Time) (v View, err error) {
	v = View{User: u}
	v.Metadata, err = k.box.Metadata(u)
	if err == nil && u.StatusAt(now).Pending() {
		v.URL = k.links.URL(u)
	}
	return v, err
}

// Link returns a user with the live link of their invitation; it changes nothing.
func (s Service) Link(ctx context.Context, g access.Grant, now time.Time) (View, error) {
	u, err := g.User()
	if err == nil {
		err = u.HasLink(now)
	}
	if err != nil {
		return View{}, err
	}
	k, err := s.keysFor(ctx, g, now)
	if err != nil {
		return View{}, err
	}
	return k.view(u, now)
}

// mailing finds when a mail may leave under the limits.
type mailing struct {
	limits workspace.Limits
	now    time.Time
}

// at returns when the limits let one more mail to a mailbox leave, and the
// decision that counts it if that is now. A mail that has to wait is counted
// when it leaves.
func (m mailing) at(st *store.State, box user.Mailbox) (time.Time, store.Decision) {
	d := store.Decision{Limits: m.limits, At: m.now}
	at := box.Next(m.now)
	if st.Room(d) < 1 {
		d.Needs.AllCounts = true
		if tomorrow := user.Tomorrow(m.now); tomorrow.After(at) {
			at = tomorrow
		}
	}
	if !at.After(m.now) {
		d.Asked = 1
	}
	return at, d
}

// seated makes a decision that may need a seat. Where none is left, it ends the
// invitations whose time has passed, so that a seat is free from the instant of
// expiry, and decides once more.
func seated[T any](ctx context.Context, s Service, st *store.State, now time.Time, decide func(*store.State) (store.Decision, T, error)) (T, error) {
	result, err := store.Decide(ctx, s.Store, st, decide)
	if code := fault.Code(err); code != workspace.ErrSeatLimit.Code && code != workspace.CodeSeatsInUse {
		return result, err
	}
	if failed := s.freeSeats(ctx, st, now); failed != nil {
		return result, failed
	}
	return store.Decide(ctx, s.Store, st, decide)
}

// freeSeats persists what the clock has decided about pending users of a
// workspace, without waiting for the schedule, and counts the seats anew: another
// caller may have freed some at the same time, or taken them for one of people.
func (s Service) freeSeats(ctx context.Context, st *store.State, now time.Time, people ...string) error {
	lapsed, ids, err := s.Store.Lapsed(ctx, st.Workspace.ID, now)
	if err != nil {
		return err
	}
	for _, id := range ids {
		_, err := s.expire(ctx, lapsed, id, now)
		if _, err := refusal(err); err != nil {
			return err
		}
	}
	return s.Store.Recount(ctx, st, people...)
}
