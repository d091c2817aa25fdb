package latchkey

import (
	"reflect"

	"github.com/latchkey/latchkey/shared/setting"
)

// mailRate is a setting that no function reads: MAIL_INTERVAL_MS is made of it.
var mailRate = &setting.Int{Name: "MAIL_RATE", Default: 14, Min: 1, Max: 500,
	Doc: "mails that the account may send in a second"}

// Setting is a field of Props whose type, range and default are defined in
// shared/setting.
type Setting struct {
	Field      string
	Definition setting.Definition
	// Text returns the field's value as text, "" where it is the zero value.
	Text func() string
	// Set gives the field the value of a text, which for "" is the default.
	// Its error is worded to follow the field's name.
	Set func(text string) error
}

// Settings returns the settings among the fields of p.
func (p *Props) Settings() []Setting {
	return []Setting{
		bind("Sender", setting.MailFrom, &p.Sender),
		bind("MailRate", mailRate, &p.MailRate),
		bind("LogoHosts", setting.LogoHosts, &p.LogoHosts),
		bind("ReportsToPause", setting.ReportsToPause, &p.ReportsToPause),
		bind("WorkspaceCreation", setting.WorkspaceCreation, &p.WorkspaceCreation),
		bind("WorkspacesPerAccount", setting.WorkspacesPerAccount, &p.WorkspacesPerAccount),
		bind("HistoryDays", setting.HistoryDays, &p.HistoryDays),
		bind("MailsPerInviter", setting.MailsPerInviter, &p.MailsPerInviter),
		bind("MailsPerNewWorkspace", setting.MailsPerNewWorkspace, &p.MailsPerNewWorkspace),
		bind("MailsPerWorkspace", setting.MailsPerWorkspace, &p.MailsPerWorkspace),
	}
}

func bind[T any](field string, d setting.Of[T], at *T) Setting {
	return Setting{
		Field: field, Definition: d,
		Text: func() string {
			if reflect.ValueOf(at).Elem().IsZero() {
				return ""
			}
			return d.Format(*at)
		},
		Set: func(text string) error {
			value, err := d.Parse(text)
			if err == nil {
				*at = value
			}
			return err
		},
	}
}
