package local

import (
	"context"
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/mailbox"
	"github.com/latchkey/latchkey/infra/local/messaging"
)

// startMailbox starts the emulation of SES in front of the mail server.
func (s *Stack) startMailbox(cfg Config) error {
	notices, err := messaging.NewTopic(s.Queues, blueprint.MailNotices())
	if err != nil {
		return err
	}
	account := cfg.SES
	if account == nil {
		account, err = s.usualAccount()
		if err != nil {
			return err
		}
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

// usualAccount returns an account with production access, the sender's domain as
// verified identity, and the sending rate configured for the functions.
func (s *Stack) usualAccount() (*mailbox.Account, error) {
	settings := s.settings()
	sender, err := sender(settings)
	if err != nil {
		return nil, err
	}
	interval, err := strconv.Atoi(settings[blueprint.SettingMailInterval])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", blueprint.SettingMailInterval, err)
	}
	account := &mailbox.Account{Identities: []string{identity(sender)}}
	if set := settings[blueprint.SettingMailConfigurationSet]; set != "" {
		account.ConfigurationSets = []string{set}
	}
	if interval > 0 {
		account.PerSecond = float64(1000*blueprint.MailConcurrency) / float64(interval)
	}
	return account, nil
}

// sender returns the address that mails come from.
func sender(settings map[blueprint.Setting]string) (string, error) {
	address, err := mail.ParseAddress(settings[blueprint.SettingMailFrom])
	if err != nil {
		return "", fmt.Errorf("%s: %w", blueprint.SettingMailFrom, err)
	}
	return address.Address, nil
}

// identity returns the verified identity of a sender: its domain.
func identity(address string) string {
	_, domain, _ := strings.Cut(address, "@")
	return domain
}
