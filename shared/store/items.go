package store

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Item is a DynamoDB item.
type Item = table.Item

// What an item is, in its attribute entity: the stream's filter and people who
// look into the table go by it.
const (
	entityUser      = "user"
	entityWorkspace = "workspace"
	entityGroup     = "group"
	entityInGroup   = "inGroup"
	entityAccount   = "account"
	entityHistory   = "history"
	entitySlug      = "slug"
	entityMail      = "mail"
	entityErased    = "erased"
	entityTally     = "tally"
	entityRequest   = "request"
	entityMailbox   = "mailbox"
	entityRecipient = "recipient"
	entityInviter   = "inviter"
	entityDeparture = "departure"
	entityNotices   = "notices"
	entityLinkKeys  = "linkKeys"
	entityImport    = "import"

	entityImportRows = "importRows"

	entityStatistics = "statistics"
)

// put is the write of a record's whole item.
func put[T any](key Key, entity string, fields func(*table.Fields, *T), record *T) table.Write {
	item := table.Encode(fields, record)
	item["pk"], item["sk"], item["entity"] = table.Text(key.PK), table.Text(key.SK), table.Text(entity)
	return table.Write{Key: key, Put: item}
}

func putPrimary(f *table.Fields, key Key, entity string) {
	f.Put("pk", key.PK)
	f.Put("sk", key.SK)
	f.Put("entity", entity)
}

// changeFields are a user's last change.
func changeFields(f *table.Fields, c *user.Change) {
	table.String(f, "id", &c.ID)
	table.String(f, "type", &c.Type)
	table.String(f, "actor", &c.Actor)
	f.Time("at", &c.At)
	table.StringOr(f, "from", &c.From)
	f.StringsOr("changed", &c.Changed)
	table.StringOr(f, "correlationId", &c.CorrelationID)
}

// userFields are a user's record. Every write of it takes units by its size, in
// the table and in two indexes, and most records are a little below the kilobyte
// of one unit: what follows from the rest, or is not needed any more, is left out.
func userFields(f *table.Fields, u *user.User) {
	i := &u.Invitation
	if f.Writing() {
		putPrimary(f, userKey(u.WorkspaceID, u.ID), entityUser)
		f.Put("statusPk", u.WorkspaceID)
		f.Put("statusSk", statusSort(u.Status, Position(*u)))
		f.Put("rolePk", rolePartition(u.WorkspaceID, u.Role))
		f.Put("emailPk", user.EmailKey(u.Email))
		f.Put("emailSk", u.WorkspaceID)
		putDue(f, *u)
	}
	table.String(f, "name", &u.Name)
	table.String(f, "email", &u.Email)
	table.String(f, "role", &u.Role)
	f.StringsOr("groups", &u.Groups)
	f.BytesOr("metadata", &u.SealedMetadata)
	table.String(f, "status", &u.Status)
	table.StringOr(f, "subject", &u.Subject)
	f.Time("createdAt", &u.CreatedAt)
	f.Time("updatedAt", &u.UpdatedAt)
	f.TimeOr("activatedAt", &u.ActivatedAt)
	f.TimeOr("archivedAt", &u.ArchivedAt)
	table.Int(f, "version", &u.Version)

	table.StringOr(f, "invitedBy", &i.InvitedBy)
	if !f.Writing() || i.HasMailAhead() {
		table.StringOr(f, "inviterKey", &i.InviterKey)
	}
	table.IntOr(f, "generation", &i.Generation)
	f.TimeOr("sentAt", &i.SentAt)
	f.TimeOr("expiresAt", &i.ExpiresAt)
	f.TimeOr("reminderAt", &i.ReminderAt)
	table.IntOr(f, "sends", &i.Sends)
	f.BoolOr("sendEmail", &i.SendEmail)
	table.StringOr(f, "mailKind", &i.MailKind)
	f.TimeOr("scheduledFor", &i.ScheduledFor)
	table.StringOr(f, "delivery", &i.Delivery)
	table.StringOr(f, "deliveryReason", &i.DeliveryReason)
	table.IntOr(f, "deliveryWeight", &i.DeliveryWeight)
	table.StringOr(f, "postponedKind", &i.Postponed.Kind)
	f.TimeOr("postponedSince", &i.Postponed.Since)
	f.TimeOr("postponedUntil", &i.Postponed.Until)
	f.BoolOr("notifyInviter", &i.NotifyInviter)
	f.TimeOr("askedAt", &i.AskedAt)
	table.StringOr(f, "message", &i.Message)
	table.StringOr(f, "locale", &i.Locale)

	if !f.Writing() || !impliesAccount(*u) {
		f.BoolOr("hasAccount", &u.HasAccount)
	}
	mailboxFields(f, &u.Mailbox)
	table.IntOr(f, "mailboxVersion", &u.Mailbox.Version)
	recipientFields(f, &u.Recipient)
	table.StringOr(f, "request", &u.Request)
	table.ListOr(f, "former", formerFields, &u.Former)
	if !f.Writing() || u.Last.ID != "" {
		table.Map(f, "last", changeFields, &u.Last)
	}
}

// formerFields have the names that Go gives them, as they were first written.
func formerFields(f *table.Fields, id *user.FormerID) {
	table.String(f, "ID", &id.ID)
	table.String(f, "Until", &id.Until)
}

// putDue puts a user onto the schedule.
func putDue(f *table.Fields, u user.User) {
	i, due := u.Invitation, ""
	switch {
	case i.Delivery == user.DeliveryScheduled: // of those due at one instant, the oldest first
		due = timeText(i.ScheduledFor) + "#" + timeText(u.CreatedAt)
	case !i.Postponed.Until.IsZero():
		due = timeText(i.Postponed.Until) + "#" + timeText(u.CreatedAt)
	case u.Status.Pending() && !i.ReminderAt.IsZero():
		due = timeText(i.ReminderAt)
	case u.Status.Pending():
		due = timeText(i.ExpiresAt)
	}
	if due != "" {
		f.Put("duePk", shard(u.ID))
		f.Put("dueSk", due)
	}
}

// mailboxFields are a mailbox, by itself or as a user's record last saw it.
func mailboxFields(f *table.Fields, b *user.Mailbox) {
	f.TimeOr("mailedAt", &b.LastMailAt)
	table.IntOr(f, "mailed", &b.Mails)
	f.TimeOr("bouncedAt", &b.BouncedAt)
}

// recipientFields are what a person said about mail, by itself and in a user's
// record. Both are always written together.
func recipientFields(f *table.Fields, r *user.Recipient) {
	f.TimeOr("unsubscribedAt", &r.OptedOutAt)
	f.TimeOr("complainedAt", &r.ComplainedAt)
	f.TimeOr("reportedAt", &r.ReportedAt)
}

func itemOfUser(u user.User) Item { return table.Encode(userFields, &u) }

func userOfItem(item Item) (user.User, error) {
	key := table.KeyOf(item)
	u := user.User{ID: strings.TrimPrefix(key.SK, prefixUser), WorkspaceID: strings.TrimPrefix(key.PK, prefixWorkspace)}
	if err := table.Decode(item, userFields, &u); err != nil {
		return user.User{}, fmt.Errorf("read a user item: %w", err)
	}
	u.HasAccount = u.HasAccount || impliesAccount(u)
	recallDelivery(&u)
	return u, nil
}

// impliesAccount reports whether the rest of a record says that the email has an
// account.
func impliesAccount(u user.User) bool {
	return u.Status == user.Invited || u.Status == user.Active || !u.ActivatedAt.IsZero()
}

// recallDelivery derives what a record from before mailboxes and recipients had
// items of their own says about them.
func recallDelivery(u *user.User) {
	if u.Mailbox.Version > 0 {
		return
	}
	switch u.Invitation.DeliveryWeight {
	case user.WeightUndeliverable:
		if u.Mailbox.BouncedAt.IsZero() {
			u.Mailbox.BouncedAt = u.UpdatedAt
		}
	case user.WeightComplained:
		if u.Recipient.ComplainedAt.IsZero() {
			u.Recipient.ComplainedAt = u.UpdatedAt
		}
	}
}

// erasedFields are the tombstone of a user, kept until the clock is past its
// version.
func erasedFields(f *table.Fields, e *user.Erased) {
	table.IntOr(f, "generation", &e.Generation)
	table.IntOr(f, "version", &e.Version)
	table.StringOr(f, "request", &e.Request)
	table.Map(f, "last", changeFields, &e.Last)
	if f.Writing() {
		putPrimary(f, userKey(e.WorkspaceID, e.ID), entityErased)
		ttl := e.RetainUntil().Unix()
		table.IntOr(f, "ttl", &ttl)
	}
}

func itemOfErased(e user.Erased) Item { return table.Encode(erasedFields, &e) }

// erasedOfItem returns the wishes beside it, which an earlier release wrote
// before recipients had items of their own.
func erasedOfItem(item Item) (e user.Erased, wishes user.Recipient, err error) {
	key := table.KeyOf(item)
	e = user.Erased{ID: strings.TrimPrefix(key.SK, prefixUser), WorkspaceID: strings.TrimPrefix(key.PK, prefixWorkspace)}
	err = table.Decode(item, erasedFields, &e)
	if err == nil {
		err = table.Decode(item, recipientFields, &wishes)
	}
	if err != nil {
		return user.Erased{}, user.Recipient{}, fmt.Errorf("read an erased user's item: %w", err)
	}
	return e, wishes, nil
}

func workspaceFields(f *table.Fields, w *workspace.Workspace) {
	if f.Writing() {
		putPrimary(f, workspaceKey(w.ID), entityWorkspace)
		if !w.NextStage.IsZero() {
			f.Put("duePk", shard(w.ID))
			f.Put("dueSk", timeText(w.NextStage))
		}
	}
	table.StringOr(f, "stage", &w.Stage)
	f.TimeOr("nextStage", &w.NextStage)
	table.String(f, "slug", &w.Slug)
	table.String(f, "name", &w.Name)
	table.Int(f, "invitationDays", &w.InvitationDays)
	table.IntOr(f, "reminderDays", &w.ReminderDays)
	f.StringsOr("allowedEmailDomains", &w.AllowedEmailDomains)
	table.String(f, "locale", &w.Locale)
	table.String(f, "timezone", &w.Timezone)
	table.String(f, "directory", &w.Directory)
	f.BoolOr("personalMessages", &w.PersonalMessages)
	table.IntOr(f, "seatLimit", &w.SeatLimit)
	f.BoolOr("notifyInviters", &w.NotifyInviters)
	table.StringOr(f, "productName", &w.ProductName)
	table.StringOr(f, "logoUrl", &w.LogoURL)
	table.StringOr(f, "accentColor", &w.AccentColor)
	table.StringOr(f, "replyTo", &w.ReplyTo)
	table.StringOr(f, "supportAddress", &w.SupportAddress)
	table.IntOr(f, "reports", &w.Reports)
	f.BoolOr("invitationsPaused", &w.Paused)
	table.IntOr(f, "mailAllowance", &w.MailAllowance)
	table.Int(f, "admins", &w.Admins)
	f.BoolOr("indexed", &w.Indexed)
	f.Bytes("dataKey", &w.DataKey)
	f.Time("createdAt", &w.CreatedAt)
	f.Time("updatedAt", &w.UpdatedAt)
	table.Int(f, "version", &w.Version)
	table.Map(f, "last", workspaceChangeFields, &w.Last)
}

func workspaceChangeFields(f *table.Fields, c *workspace.Change) {
	table.String(f, "id", &c.ID)
	table.String(f, "type", &c.Type)
	table.String(f, "actor", &c.Actor)
	f.Time("at", &c.At)
	f.StringsOr("changed", &c.Changed)
	table.StringOr(f, "correlationId", &c.CorrelationID)
}

// tombstoneFields are the tombstone of an erased workspace, kept until its event is
// out.
func tombstoneFields(f *table.Fields, w *workspace.Workspace) {
	table.String(f, "stage", &w.Stage)
	f.Time("updatedAt", &w.UpdatedAt)
	table.Int(f, "version", &w.Version)
	table.Map(f, "last", workspaceChangeFields, &w.Last)
}

func itemOfWorkspace(w workspace.Workspace) Item { return table.Encode(workspaceFields, &w) }

func workspaceOfItem(item Item) (workspace.Workspace, error) {
	w := workspace.Workspace{ID: strings.TrimPrefix(table.TextOf(item, "pk"), prefixWorkspace)}
	if err := table.Decode(item, workspaceFields, &w); err != nil {
		return workspace.Workspace{}, fmt.Errorf("read a workspace item: %w", err)
	}
	return w, nil
}

// EventOf is the domain event behind a write to the table, from the item's
// images before and after it; ok is false for a write that is none.
func EventOf(oldImage, newImage Image) (e event.Event, ok bool, err error) {
	before, after := itemOf(oldImage), itemOf(newImage)
	if changeID(after) == "" || changeID(after) == changeID(before) {
		return event.Event{}, false, nil
	}
	entity, _ := after["entity"].(*types.AttributeValueMemberS)
	if entity == nil {
		return event.Event{}, false, nil
	}
	switch entity.Value {
	case entityUser:
		u, err := userOfItem(after)
		return event.OfUser(u), err == nil, err
	case entityErased:
		e, _, err := erasedOfItem(after)
		return event.OfErased(e), err == nil, err
	case entityWorkspace:
		w, err := workspaceOfItem(after)
		return event.OfWorkspace(w), err == nil, err
	}
	return event.Event{}, false, nil
}

func changeID(item Item) string {
	last, ok := item["last"].(*types.AttributeValueMemberM)
	if !ok {
		return ""
	}
	id, ok := last.Value["id"].(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return id.Value
}
