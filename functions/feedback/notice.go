package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/trace"
	"github.com/latchkey/latchkey/shared/user"
)

var errUnreadable = errors.New("the notice cannot be read")

// notice holds the members of SES's notice that matter here. Tags identify its
// invitation; the addresses in it are not read.
// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
type notice struct {
	Type string `json:"eventType"`
	Mail struct {
		Tags map[string][]string `json:"tags"`
	} `json:"mail"`
	Bounce struct {
		Type       string `json:"bounceType"`
		SubType    string `json:"bounceSubType"`
		Recipients []struct {
			Status string `json:"status"`
		} `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		SubType string `json:"complaintSubType"`
	} `json:"complaint"`
	Delay struct {
		Type string `json:"delayType"`
	} `json:"deliveryDelay"`
}

// mail is the mail that the notice is about; ours is false for one that no
// invitation's delivery depends on.
func (n notice) mail() (m store.Mail, ours bool) {
	tag := func(name string) string { return strings.Join(n.Mail.Tags[name], "") }
	m = store.Mail{WorkspaceID: tag("workspace"), UserID: tag("user"), Kind: tag("kind")}
	if !validIDs(m) {
		return store.Mail{}, false
	}
	generation, err := strconv.Atoi(tag("generation"))
	m.Generation = generation
	// A mail to the inviter says nothing of the invited person's mailbox.
	return m, err == nil && m.Kind != "accepted" && m.Kind != "asked"
}

// correlation is the correlation id of the request behind the mail; "" for none.
func (n notice) correlation() string { return trace.Of(strings.Join(n.Mail.Tags["correlation"], "")) }

// recipient is the email key of the address, which mails carry as a tag; "" where
// it is missing or none of ours.
func (n notice) recipient() string {
	key := strings.Join(n.Mail.Tags["recipient"], "")
	if _, ok := id.Bytes(user.EmailKeyPrefix, key, id.HashBytes); !ok {
		return ""
	}
	return key
}

// learned is what the notice comes to; known is false for a type that says
// nothing about delivery.
func (n notice) learned() (learned user.Notice, known bool) {
	switch n.Type {
	case "Delivery":
		return user.Notice{Delivery: user.DeliveryDelivered, Weight: user.WeightDelivered}, true
	case "DeliveryDelay":
		return user.Notice{Delivery: user.DeliveryDelayed, Weight: user.WeightDelayed, Reason: delays.of(n.Delay.Type, "The recipient's mail server makes the mail wait.")}, true
	case "Bounce":
		return n.bounced(), true
	case "Complaint":
		if n.Complaint.SubType == "OnAccountSuppressionList" {
			return suppressed, true
		}
		return user.Notice{Delivery: user.DeliveryComplained, Weight: user.WeightComplained, Reason: "The recipient reported the mail as spam."}, true
	case "Reject":
		return user.Notice{Delivery: user.DeliveryFailed, Weight: user.WeightBounced, Reason: "The mail service refused the mail's content."}, true
	case "Rendering Failure", "RenderingFailure":
		return user.Notice{Delivery: user.DeliveryFailed, Weight: user.WeightBounced, Reason: "The mail could not be written."}, true
	}
	return user.Notice{}, false
}

var suppressed = user.Notice{Delivery: user.DeliverySuppressed, Weight: user.WeightUndeliverable,
	Reason: "The address is on the mail service's suppression list: an earlier mail came back, or was called spam."}

// bounced tells a mailbox that takes no mail from one that did not take this
// mail today. Some mail servers answer for an absent person with a bounce of no
// particular kind: that says little, and nothing against a delivery.
// https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types
func (n notice) bounced() user.Notice {
	b := n.Bounce
	if b.SubType == "Suppressed" || b.SubType == "OnAccountSuppressionList" {
		return suppressed
	}
	out := user.Notice{Delivery: user.DeliveryBounced, Weight: user.WeightBounced, Reason: bounces.of(b.SubType, "")}
	switch {
	case b.Type == "Permanent":
		out.Weight = user.WeightUndeliverable
		if out.Reason == "" {
			out.Reason = n.status("The mailbox takes no mail.")
		}
	case out.Reason == "":
		out.Weight = user.WeightAutomatic
		out.Reason = n.status("The mail came back, for a reason that may pass.")
	}
	return out
}

// status explains the code that the recipient's server gave (RFC 3463), where
// it is one that people can act on.
func (n notice) status(otherwise string) string {
	for _, r := range n.Bounce.Recipients {
		if reason := codes.of(r.Status, ""); reason != "" {
			return reason
		}
	}
	return otherwise
}

// reasons are sentences by a code; what a server wrote itself may quote the
// address, and is not repeated.
type reasons map[string]string

func (r reasons) of(code, otherwise string) string {
	if reason := r[code]; reason != "" {
		return reason
	}
	return otherwise
}

var (
	bounces = reasons{
		"NoEmail":            "The mailbox does not exist.",
		"MailboxFull":        "The mailbox is full.",
		"MessageTooLarge":    "The mailbox does not take a mail of this size.",
		"ContentRejected":    "The recipient's mail server refused the mail's content.",
		"AttachmentRejected": "The recipient's mail server refused the mail's content.",
	}
	codes = reasons{
		"5.1.1":  "The mailbox does not exist.",
		"5.1.2":  "The domain takes no mail.",
		"5.1.3":  "The address is not one that the mail server knows how to read.",
		"5.1.6":  "The mailbox has moved.",
		"5.1.10": "The domain takes no mail.",
		"5.2.1":  "The mailbox is switched off.",
		"5.2.2":  "The mailbox is full.",
		"4.2.2":  "The mailbox is full.",
		"5.4.1":  "The domain's mail server does not answer.",
		"5.4.4":  "The domain takes no mail.",
		"5.7.1":  "The recipient's mail server does not let us through.",
	}
	delays = reasons{
		"MailboxFull":                   "The mailbox is full; it is tried again.",
		"RecipientServerError":          "The recipient's mail server has a fault; it is tried again.",
		"IPFailure":                     "The recipient's mail server makes our sender wait.",
		"SpamDetected":                  "The recipient's mail server takes us for spam, and makes us wait.",
		"TransientCommunicationFailure": "The recipient's mail server does not answer; it is tried again.",
		"InternalFailure":               "The mail service has a fault; it is tried again.",
	}
)
