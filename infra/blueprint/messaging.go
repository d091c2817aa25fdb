package blueprint

import "time"

// EventSource is the source of every domain event on the bus.
const EventSource = "latchkey"

// Names of the queues.
const (
	QueueMail            = "mail"
	QueueMailDead        = "mail-dead"
	QueueFeedback        = "feedback"
	QueueFeedbackDead    = "feedback-dead"
	QueuePublishFailures = "publish-failures"
	QueueScheduleDead    = "schedule-dead"
)

// MailAttempts is how often a mail is tried, three minutes apart, before its message
// goes to the dead-letter queue. If the mail service takes no mail now,
// that uses up no attempt: the mail goes back on the schedule.
const MailAttempts = 8

// DefaultMailRate is how many mails a second an account may send at SES when it
// has left the sandbox.
const DefaultMailRate = 14

// mailTakes is how long one mail keeps an instance of mail busy: 162 ms were
// measured.
const mailTakes = 200 * time.Millisecond

// MailConcurrency is how many instances of mail run at once, so that together
// they reach a rate of mails a second.
func MailConcurrency(rate int) int {
	return min(max(int(time.Duration(rate)*mailTakes/time.Second), 5), 1000) // 1,000: an SQS event source's most
}

// MailInterval is how long each instance waits between two mails, so that
// together they keep to a rate of mails a second.
func MailInterval(rate int) time.Duration {
	return time.Duration(MailConcurrency(rate)) * time.Second / time.Duration(rate)
}

// AtMailRate returns the function for an account that sends a rate of mails a
// second: a higher rate takes more instances of mail.
func (f Function) AtMailRate(rate int) Function {
	if f.Queue == nil || f.Queue.Queue != QueueMail {
		return f
	}
	queue := *f.Queue
	queue.MaxConcurrency = MailConcurrency(rate)
	f.Queue, f.ReservedConcurrency = &queue, queue.MaxConcurrency
	return f
}

// Queues are all queues. A visibility of six times the consumer's timeout is
// what AWS recommends for SQS event sources.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
func Queues() []Queue {
	const keep = 14 * 24 * time.Hour // the longest that SQS offers
	return []Queue{
		{Name: QueueMail, Visibility: 6 * mailTimeout, MaxReceives: MailAttempts, DeadLetter: QueueMailDead, Retention: keep},
		{Name: QueueMailDead, Retention: keep},
		{Name: QueueFeedback, Visibility: 6 * feedbackTimeout, MaxReceives: 8, DeadLetter: QueueFeedbackDead, Retention: 4 * 24 * time.Hour},
		{Name: QueueFeedbackDead, Retention: keep},
		{Name: QueuePublishFailures, Retention: keep},
		{Name: QueueScheduleDead, Retention: keep},
	}
}

// Rules are all rules of the bus.
func Rules() []Rule {
	return []Rule{{
		Name: "mail",
		Pattern: map[string]any{
			"source":      []any{EventSource},
			"detail-type": []any{"user.invited", "user.reinvited", "user.restored", "user.reminded", "user.accepted", "user.email_corrected", "user.asked_again", "invitation.mail_due"},
			"detail":      map[string]any{"sendEmail": []any{true}},
		},
		Queue:      QueueMail,
		DeadLetter: QueueMailDead,
		// Fair: ten thousand mails of one workspace keep no other waiting.
		// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
		Tenant: "$.detail.workspaceId",
	}}
}

// MailNotices is the topic that the mail service tells what became of a mail. That
// it was sent is not among it: mail knows from SES's answer.
func MailNotices() Topic {
	return Topic{
		Name: "mail-notices", Queue: QueueFeedback, DeadLetter: QueueFeedbackDead, Raw: true,
		Notices: []string{"DELIVERY", "DELIVERY_DELAY", "BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE"},
	}
}
