package local

import (
	"context"
	"fmt"
	"github.com/latchkey/latchkey/shared/setting"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/mailbox"
	"github.com/latchkey/latchkey/infra/local/messaging"
)

// startMailbox puts what SES does besides sending before the mail server.
func (s *Stack) startMailbox(cfg Config) error {
	notices, err := messaging.NewTopic(s.Queues, blueprint.MailNotices())
	if err != nil {
		return err
	}
	account, err := s.usualAccount()
	if err != nil {
		return err
	}
	if cfg.SES != nil {
		cfg.SES(account)
	}
	s.Mailbox = mailbox.New(mailbox.Config{
		Server: s.MailURL, Account: *account, Kinds: blueprint.MailNotices().Notices, After: cfg.NoticesAfter, Now: time.Now,
		Notify: func(notice []byte) error {
			return notices.Publish("Amazon SES Email Event Notification", string(notice))
		},
	})
	s.onClose(func(context.Context) error { s.Mailbox.Close(); return nil })
	s.mailEndpoint, err = s.serve("127.0.0.1:0", s.Mailbox)
	return err
}

// usualAccount has production access, the sender's domain verified, and the
// rate that the functions keep to.
func (s *Stack) usualAccount() (*mailbox.Account, error) {
	settings := s.settings()
	sender, err := sender(settings)
	if err != nil {
		return nil, err
	}
	interval, err := strconv.Atoi(settings[setting.MailInterval])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting.MailInterval.Name, err)
	}
	account := &mailbox.Account{Identities: []string{identity(sender)}}
	if set := settings[setting.MailConfigurationSet]; set != "" {
		account.ConfigurationSets = []string{set}
	}
	if interval > 0 {
		account.PerSecond = float64(1000*blueprint.MailConcurrency(mailRate)) / float64(interval)
	}
	return account, nil
}

// sender is the address that mails come from.
func sender(settings map[setting.Definition]string) (string, error) {
	address, err := mail.ParseAddress(settings[setting.MailFrom])
	if err != nil {
		return "", fmt.Errorf("%s: %w", setting.MailFrom.Name, err)
	}
	return address.Address, nil
}

// identity is what is verified at SES for a sender: the domain.
func identity(address string) string {
	_, domain, _ := strings.Cut(address, "@")
	return domain
}
