package store

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// What follows until the tests is how releases before this one encoded items,
// with tags and reflection: what they wrote is read today, and what is written
// today has the shape that they had.

type primary struct {
	PK     string `dynamodbav:"pk"`
	SK     string `dynamodbav:"sk"`
	Entity string `dynamodbav:"entity"`
}

// lastItem is the change that made an item what it is.
type lastItem struct {
	ID          string   `dynamodbav:"id"`
	Type        string   `dynamodbav:"type"`
	Actor       string   `dynamodbav:"actor"`
	At          string   `dynamodbav:"at"`
	From        string   `dynamodbav:"from,omitempty"`
	Changed     []string `dynamodbav:"changed,omitempty"`
	Correlation string   `dynamodbav:"correlationId,omitempty"`
}

type userItem struct {
	primary
	StatusPK string `dynamodbav:"statusPk"`
	StatusSK string `dynamodbav:"statusSk"`
	DuePK    string `dynamodbav:"duePk,omitempty"`
	DueSK    string `dynamodbav:"dueSk,omitempty"`
	RolePK   string `dynamodbav:"rolePk"`
	EmailPK  string `dynamodbav:"emailPk"`
	EmailSK  string `dynamodbav:"emailSk"`

	Name        string   `dynamodbav:"name"`
	Email       string   `dynamodbav:"email"`
	Role        string   `dynamodbav:"role"`
	Groups      []string `dynamodbav:"groups,omitempty"`
	Metadata    []byte   `dynamodbav:"metadata,omitempty"`
	Status      string   `dynamodbav:"status"`
	Subject     string   `dynamodbav:"subject,omitempty"`
	CreatedAt   string   `dynamodbav:"createdAt"`
	UpdatedAt   string   `dynamodbav:"updatedAt"`
	ActivatedAt string   `dynamodbav:"activatedAt,omitempty"`
	ArchivedAt  string   `dynamodbav:"archivedAt,omitempty"`
	Version     int      `dynamodbav:"version"`

	InvitedBy      string `dynamodbav:"invitedBy,omitempty"`
	InviterKey     string `dynamodbav:"inviterKey,omitempty"`
	Generation     int    `dynamodbav:"generation,omitempty"`
	SentAt         string `dynamodbav:"sentAt,omitempty"`
	ExpiresAt      string `dynamodbav:"expiresAt,omitempty"`
	ReminderAt     string `dynamodbav:"reminderAt,omitempty"`
	Sends          int    `dynamodbav:"sends,omitempty"`
	SendEmail      bool   `dynamodbav:"sendEmail,omitempty"`
	MailKind       string `dynamodbav:"mailKind,omitempty"`
	ScheduledFor   string `dynamodbav:"scheduledFor,omitempty"`
	Delivery       string `dynamodbav:"delivery,omitempty"`
	DeliveryReason string `dynamodbav:"deliveryReason,omitempty"`
	DeliveryWeight int    `dynamodbav:"deliveryWeight,omitempty"`
	PostponedKind  string `dynamodbav:"postponedKind,omitempty"`
	PostponedSince string `dynamodbav:"postponedSince,omitempty"`
	PostponedUntil string `dynamodbav:"postponedUntil,omitempty"`
	NotifyInviter  bool   `dynamodbav:"notifyInviter,omitempty"`
	AskedAt        string `dynamodbav:"askedAt,omitempty"`
	Message        string `dynamodbav:"message,omitempty"`
	Locale         string `dynamodbav:"locale,omitempty"`

	HasAccount bool `dynamodbav:"hasAccount,omitempty"`
	mailboxItem
	MailboxVersion int `dynamodbav:"mailboxVersion,omitempty"`
	recipientItem
	Request string          `dynamodbav:"request,omitempty"`
	Former  []user.FormerID `dynamodbav:"former,omitempty"`
	Last    *lastItem       `dynamodbav:"last,omitempty"`
}

// mailboxItem is a mailbox, by itself or as a user's record last saw it.
type mailboxItem struct {
	MailedAt  string `dynamodbav:"mailedAt,omitempty"`
	Mailed    int    `dynamodbav:"mailed,omitempty"`
	BouncedAt string `dynamodbav:"bouncedAt,omitempty"`
}

func taggedItemOfMailbox(b user.Mailbox) mailboxItem {
	return mailboxItem{timeText(b.LastMailAt), b.Mails, timeText(b.BouncedAt)}
}

func (i mailboxItem) mailbox(version int) user.Mailbox {
	return user.Mailbox{LastMailAt: parseTime(i.MailedAt), Mails: i.Mailed, BouncedAt: parseTime(i.BouncedAt), Version: version}
}

// recipientItem is what a person said about mail, by itself and in a user's
// record. Both are always written together.
type recipientItem struct {
	Unsubscribed string `dynamodbav:"unsubscribedAt,omitempty"`
	ComplainedAt string `dynamodbav:"complainedAt,omitempty"`
	ReportedAt   string `dynamodbav:"reportedAt,omitempty"`
}

func taggedItemOfRecipient(r user.Recipient) recipientItem {
	return recipientItem{timeText(r.OptedOutAt), timeText(r.ComplainedAt), timeText(r.ReportedAt)}
}

func (i recipientItem) recipient() user.Recipient {
	return user.Recipient{OptedOutAt: parseTime(i.Unsubscribed), ComplainedAt: parseTime(i.ComplainedAt), ReportedAt: parseTime(i.ReportedAt)}
}

func taggedItemOfUser(u user.User) (Item, error) {
	key := userKey(u.WorkspaceID, u.ID)
	i := u.Invitation
	item := userItem{
		primary:  primary{key.PK, key.SK, entityUser},
		StatusPK: u.WorkspaceID,
		StatusSK: statusSort(u.Status, Position(u)),
		RolePK:   id.Hash("", "latchkey/role", u.WorkspaceID, string(u.Role))[:10],
		EmailPK:  user.EmailKey(u.Email),
		EmailSK:  u.WorkspaceID,

		Name: u.Name, Email: u.Email, Role: string(u.Role), Groups: u.Groups, Metadata: u.SealedMetadata,
		Status: string(u.Status), Subject: u.Subject,
		CreatedAt: timeText(u.CreatedAt), UpdatedAt: timeText(u.UpdatedAt),
		ActivatedAt: timeText(u.ActivatedAt), ArchivedAt: timeText(u.ArchivedAt), Version: u.Version,

		InvitedBy: i.InvitedBy, InviterKey: i.InviterKey, Generation: i.Generation,
		SentAt: timeText(i.SentAt), ExpiresAt: timeText(i.ExpiresAt), ReminderAt: timeText(i.ReminderAt),
		Sends: i.Sends, SendEmail: i.SendEmail, MailKind: string(i.MailKind), ScheduledFor: timeText(i.ScheduledFor),
		Delivery: string(i.Delivery), DeliveryReason: i.DeliveryReason, DeliveryWeight: int(i.DeliveryWeight),
		PostponedKind: string(i.Postponed.Kind), PostponedSince: timeText(i.Postponed.Since), PostponedUntil: timeText(i.Postponed.Until),
		NotifyInviter: i.NotifyInviter, AskedAt: timeText(i.AskedAt), Message: i.Message, Locale: i.Locale,
		HasAccount:  u.HasAccount,
		mailboxItem: taggedItemOfMailbox(u.Mailbox), MailboxVersion: u.Mailbox.Version, recipientItem: taggedItemOfRecipient(u.Recipient),
		Request: u.Request, Former: u.Former,
	}
	switch {
	case i.Delivery == user.DeliveryScheduled: // of those due at one instant, the oldest first
		item.DuePK, item.DueSK = shard(u.ID), timeText(i.ScheduledFor)+"#"+timeText(u.CreatedAt)
	case !i.Postponed.Until.IsZero():
		item.DuePK, item.DueSK = shard(u.ID), timeText(i.Postponed.Until)+"#"+timeText(u.CreatedAt)
	case u.Status.Pending() && !i.ReminderAt.IsZero():
		item.DuePK, item.DueSK = shard(u.ID), timeText(i.ReminderAt)
	case u.Status.Pending():
		item.DuePK, item.DueSK = shard(u.ID), timeText(i.ExpiresAt)
	}
	if i.Delivery != user.DeliveryScheduled && i.ReminderAt.IsZero() {
		item.InviterKey = ""
	}
	if u.Status == user.Invited || u.Status == user.Active || !u.ActivatedAt.IsZero() {
		item.HasAccount = false
	}
	item.Last = taggedItemOfChange(u.Last)
	return attributevalue.MarshalMap(item)
}

func taggedUserOfItem(item Item) (user.User, error) {
	var in userItem
	err := attributevalue.UnmarshalMap(item, &in)
	if err != nil {
		return user.User{}, fmt.Errorf("read a user item: %w", err)
	}
	u := user.User{
		ID:          strings.TrimPrefix(in.SK, prefixUser),
		WorkspaceID: strings.TrimPrefix(in.PK, prefixWorkspace),
		Name:        in.Name, Email: in.Email, Role: user.Role(in.Role), Groups: in.Groups, SealedMetadata: in.Metadata,
		Status: user.Status(in.Status), Subject: in.Subject,
		CreatedAt: parseTime(in.CreatedAt), UpdatedAt: parseTime(in.UpdatedAt),
		ActivatedAt: parseTime(in.ActivatedAt), ArchivedAt: parseTime(in.ArchivedAt), Version: in.Version,
		Invitation: user.Invitation{
			InvitedBy: in.InvitedBy, InviterKey: in.InviterKey, Generation: in.Generation,
			SentAt: parseTime(in.SentAt), ExpiresAt: parseTime(in.ExpiresAt), ReminderAt: parseTime(in.ReminderAt),
			Sends: in.Sends, SendEmail: in.SendEmail, MailKind: user.MailKind(in.MailKind), ScheduledFor: parseTime(in.ScheduledFor),
			Delivery: user.Delivery(in.Delivery), DeliveryReason: in.DeliveryReason, DeliveryWeight: user.Weight(in.DeliveryWeight),
			Postponed: user.Postponed{
				Kind: user.MailKind(in.PostponedKind), Since: parseTime(in.PostponedSince), Until: parseTime(in.PostponedUntil),
			},
			NotifyInviter: in.NotifyInviter, AskedAt: parseTime(in.AskedAt), Message: in.Message, Locale: in.Locale,
		},
		HasAccount: in.HasAccount || in.Status == string(user.Invited) || in.Status == string(user.Active) || in.ActivatedAt != "",
		Mailbox:    in.mailbox(in.MailboxVersion), Recipient: in.recipient(), Request: in.Request, Former: in.Former,
		Last: in.Last.change(),
	}
	recallDelivery(&u)
	return u, nil
}

func taggedItemOfChange(c user.Change) *lastItem {
	if c.ID == "" {
		return nil
	}
	return &lastItem{c.ID, string(c.Type), c.Actor, timeText(c.At), string(c.From), c.Changed, c.CorrelationID}
}

func (l *lastItem) change() user.Change {
	if l == nil {
		return user.Change{}
	}
	return user.Change{ID: l.ID, Type: user.ChangeType(l.Type), Actor: l.Actor, At: parseTime(l.At), From: user.Status(l.From), Changed: l.Changed, CorrelationID: l.Correlation}
}

// erasedItem stands where a user was, until the clock is past what it keeps.
type erasedItem struct {
	primary
	recipientItem           // written before recipients had items of their own
	Generation    int       `dynamodbav:"generation,omitempty"`
	Version       int       `dynamodbav:"version,omitempty"`
	Request       string    `dynamodbav:"request,omitempty"`
	Last          *lastItem `dynamodbav:"last"`
	TTL           int64     `dynamodbav:"ttl,omitempty"`
}

func taggedItemOfErased(e user.Erased) (Item, error) {
	key := userKey(e.WorkspaceID, e.ID)
	return attributevalue.MarshalMap(erasedItem{
		primary:    primary{key.PK, key.SK, entityErased},
		Generation: e.Generation, Version: e.Version, Request: e.Request,
		Last: taggedItemOfChange(e.Last), TTL: e.RetainUntil().Unix(),
	})
}

func taggedErasedOfItem(item Item) (e user.Erased, wishes user.Recipient, err error) {
	var in erasedItem
	err = attributevalue.UnmarshalMap(item, &in)
	if err != nil {
		return user.Erased{}, user.Recipient{}, fmt.Errorf("read an erased user's item: %w", err)
	}
	return user.Erased{
		ID: strings.TrimPrefix(in.SK, prefixUser), WorkspaceID: strings.TrimPrefix(in.PK, prefixWorkspace),
		Generation: in.Generation, Version: in.Version, Request: in.Request, Last: in.Last.change(),
	}, in.recipient(), nil
}

type workspaceItem struct {
	primary
	DuePK               string    `dynamodbav:"duePk,omitempty"`
	DueSK               string    `dynamodbav:"dueSk,omitempty"`
	Stage               string    `dynamodbav:"stage,omitempty"`
	NextStage           string    `dynamodbav:"nextStage,omitempty"`
	Slug                string    `dynamodbav:"slug"`
	Name                string    `dynamodbav:"name"`
	InvitationDays      int       `dynamodbav:"invitationDays"`
	ReminderDays        int       `dynamodbav:"reminderDays,omitempty"`
	AllowedEmailDomains []string  `dynamodbav:"allowedEmailDomains,omitempty"`
	Locale              string    `dynamodbav:"locale"`
	Timezone            string    `dynamodbav:"timezone"`
	Directory           string    `dynamodbav:"directory"`
	PersonalMessages    bool      `dynamodbav:"personalMessages,omitempty"`
	SeatLimit           int       `dynamodbav:"seatLimit,omitempty"`
	NotifyInviters      bool      `dynamodbav:"notifyInviters,omitempty"`
	ProductName         string    `dynamodbav:"productName,omitempty"`
	LogoURL             string    `dynamodbav:"logoUrl,omitempty"`
	AccentColor         string    `dynamodbav:"accentColor,omitempty"`
	ReplyTo             string    `dynamodbav:"replyTo,omitempty"`
	SupportAddress      string    `dynamodbav:"supportAddress,omitempty"`
	Reports             int       `dynamodbav:"reports,omitempty"`
	Paused              bool      `dynamodbav:"invitationsPaused,omitempty"`
	MailAllowance       int       `dynamodbav:"mailAllowance,omitempty"`
	Admins              int       `dynamodbav:"admins"`
	Indexed             bool      `dynamodbav:"indexed,omitempty"`
	DataKey             []byte    `dynamodbav:"dataKey"`
	CreatedAt           string    `dynamodbav:"createdAt"`
	UpdatedAt           string    `dynamodbav:"updatedAt"`
	Version             int       `dynamodbav:"version"`
	Last                *lastItem `dynamodbav:"last,omitempty"`
}

func taggedItemOfWorkspace(w workspace.Workspace) (Item, error) {
	key := workspaceKey(w.ID)
	var due string
	if !w.NextStage.IsZero() {
		due = shard(w.ID)
	}
	return attributevalue.MarshalMap(workspaceItem{
		primary: primary{key.PK, key.SK, entityWorkspace},
		DuePK:   due, DueSK: timeText(w.NextStage), Stage: string(w.Stage), NextStage: timeText(w.NextStage),
		Slug: w.Slug, Name: w.Name,
		InvitationDays: w.InvitationDays, ReminderDays: w.ReminderDays, AllowedEmailDomains: w.AllowedEmailDomains,
		Locale: w.Locale, Timezone: w.Timezone, Directory: string(w.Directory), PersonalMessages: w.PersonalMessages, SeatLimit: w.SeatLimit,
		NotifyInviters: w.NotifyInviters, ProductName: w.ProductName, LogoURL: w.LogoURL, AccentColor: w.AccentColor,
		ReplyTo: w.ReplyTo, SupportAddress: w.SupportAddress, Reports: w.Reports, Paused: w.Paused, MailAllowance: w.MailAllowance,
		Admins: w.Admins, Indexed: w.Indexed, DataKey: w.DataKey,
		CreatedAt: timeText(w.CreatedAt), UpdatedAt: timeText(w.UpdatedAt), Version: w.Version,
		Last: &lastItem{ID: w.Last.ID, Type: string(w.Last.Type), Actor: w.Last.Actor, At: timeText(w.Last.At), Changed: w.Last.Changed, Correlation: w.Last.CorrelationID},
	})
}

func taggedWorkspaceOfItem(item Item) (workspace.Workspace, error) {
	var in workspaceItem
	err := attributevalue.UnmarshalMap(item, &in)
	if err != nil {
		return workspace.Workspace{}, fmt.Errorf("read a workspace item: %w", err)
	}
	w := workspace.Workspace{
		ID: strings.TrimPrefix(in.PK, prefixWorkspace), Slug: in.Slug, Name: in.Name,
		Settings: workspace.Settings{
			InvitationDays: in.InvitationDays, ReminderDays: in.ReminderDays, AllowedEmailDomains: in.AllowedEmailDomains,
			Locale: in.Locale, Timezone: in.Timezone, Directory: workspace.Directory(in.Directory), PersonalMessages: in.PersonalMessages,
			SeatLimit: in.SeatLimit, NotifyInviters: in.NotifyInviters,
			Branding: workspace.Branding{
				ProductName: in.ProductName, LogoURL: in.LogoURL, AccentColor: in.AccentColor,
				ReplyTo: in.ReplyTo, SupportAddress: in.SupportAddress,
			},
		},
		Stage: workspace.Stage(in.Stage), NextStage: parseTime(in.NextStage),
		Reports: in.Reports, Paused: in.Paused, MailAllowance: in.MailAllowance,
		Admins: in.Admins, Indexed: in.Indexed, DataKey: in.DataKey,
		CreatedAt: parseTime(in.CreatedAt), UpdatedAt: parseTime(in.UpdatedAt), Version: in.Version,
	}
	if l := in.Last; l != nil {
		w.Last = workspace.Change{ID: l.ID, Type: workspace.ChangeType(l.Type), Actor: l.Actor, At: parseTime(l.At), Changed: l.Changed, CorrelationID: l.Correlation}
	}
	return w, nil
}

// draw gives every member of a struct a value or leaves it empty.
func draw(t *rapid.T, v reflect.Value, name string) {
	if _, ok := v.Interface().(time.Time); ok {
		if rapid.Bool().Draw(t, name) {
			ms := rapid.Int64Range(0, 1<<42).Draw(t, name)
			v.Set(reflect.ValueOf(time.UnixMilli(ms).UTC()))
		}
		return
	}
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			draw(t, v.Field(i), name+"."+v.Type().Field(i).Name)
		}
		return
	}
	if rapid.Bool().Draw(t, name) {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.String().Draw(t, name))
	case reflect.Int:
		v.SetInt(rapid.Int64().Draw(t, name))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, name))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		draw(t, v.Index(0), name+"[0]")
		draw(t, v.Index(1), name+"[1]")
	default:
		panic("the domain has a member of a new kind: " + v.Type().String())
	}
}

func TestUsersAreEncodedAsBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var u user.User
		draw(t, reflect.ValueOf(&u).Elem(), "user")
		u.WorkspaceID, u.ID = "ws_1", "usr_"+rapid.StringMatching("[0-9a-v]{4}").Draw(t, "id")
		was, err := taggedItemOfUser(u)
		if err != nil {
			t.Fatal(err)
		}
		if is := itemOfUser(u); !reflect.DeepEqual(is, was) {
			t.Fatalf("got  %v\nwant %v", is, was)
		}
		want, err := taggedUserOfItem(was)
		if err != nil {
			t.Fatal(err)
		}
		recallDelivery(&want)
		if got, err := userOfItem(was); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, want)
		}
	})
}

func TestErasedUsersAreEncodedAsBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e user.Erased
		draw(t, reflect.ValueOf(&e).Elem(), "erased")
		e.WorkspaceID, e.ID, e.Last.ID = "ws_1", "usr_1", "evt_1"
		was, err := taggedItemOfErased(e)
		if err != nil {
			t.Fatal(err)
		}
		if is := itemOfErased(e); !reflect.DeepEqual(is, was) {
			t.Fatalf("got  %v\nwant %v", is, was)
		}
		want, _, _ := taggedErasedOfItem(was)
		if got, _, err := erasedOfItem(was); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, want)
		}
	})
}

func TestWorkspacesAreEncodedAsBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w workspace.Workspace
		draw(t, reflect.ValueOf(&w).Elem(), "workspace")
		w.ID = "ws_1"
		was, err := taggedItemOfWorkspace(w)
		if err != nil {
			t.Fatal(err)
		}
		if is := itemOfWorkspace(w); !reflect.DeepEqual(is, was) {
			t.Fatalf("got  %v\nwant %v", is, was)
		}
		want, _ := taggedWorkspaceOfItem(was)
		if got, err := workspaceOfItem(was); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, want)
		}
	})
}
