package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/mailbox"
)

// faults are what -fault can make fail, by name.
var faults = []struct {
	name, doc string
	add       func(c *config, value string) error
}{
	{"table-busy", "the share, from 0 to 1, of calls to the table that are throttled", (*config).busyTable},
	{"table-cut", "the share of calls to the table whose answer is lost", (*config).cutTable},
	{"table-slow", "how much later the table answers, such as 200ms", (*config).slowTable},
	{"duplicates", "the share of messages that are delivered twice (default 0.05)", (*config).duplicate},
	{"mail", "sandbox, or paused: what SES lets the account do", (*config).restrictMail},
	{"mail-per-day", "how many mails SES takes in any 24 hours", (*config).limitMail},
}

func faultDoc() string {
	var b strings.Builder
	for _, f := range faults {
		fmt.Fprintf(&b, "  %s=…  %s\n", f.name, f.doc)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// addFault adds the fault that a flag names: name=value.
func (c *config) addFault(text string) error {
	name, value, _ := strings.Cut(text, "=")
	for _, f := range faults {
		if f.name != name {
			continue
		}
		if err := f.add(c, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	return fmt.Errorf("there is no fault %q", name)
}

func (c *config) busyTable(value string) error {
	return c.failTable(value, local.TableFault{Refuse: local.TooBusy})
}

func (c *config) cutTable(value string) error {
	return c.failTable(value, local.TableFault{Cut: true})
}

// failTable lets a share of the calls meet a fault.
func (c *config) failTable(value string, fault local.TableFault) error {
	share, err := parseShare(value)
	c.onTable(func(f local.TableFault) local.TableFault {
		if rand.Float64() < share {
			return fault
		}
		return f
	})
	return err
}

func (c *config) slowTable(value string) error {
	hold, err := time.ParseDuration(value)
	c.onTable(func(f local.TableFault) local.TableFault {
		f.Hold = hold
		return f
	})
	return err
}

// onTable adds a fault to those that calls to the table meet.
func (c *config) onTable(add func(local.TableFault) local.TableFault) {
	before := c.TableFault
	c.TableFault = func(call local.TableCall) local.TableFault {
		var f local.TableFault
		if before != nil {
			f = before(call)
		}
		return add(f)
	}
}

func (c *config) duplicate(value string) (err error) {
	c.Duplicates, err = parseShare(value)
	if c.Duplicates == 0 {
		c.Duplicates = -1 // the configuration's 0 is the default
	}
	return err
}

func (c *config) restrictMail(value string) error {
	switch value {
	case "sandbox":
		c.onMail(func(a *mailbox.Account) { a.Sandbox = true })
	case "paused":
		c.onMail(func(a *mailbox.Account) { a.Paused = true })
	default:
		return fmt.Errorf("%q is neither sandbox nor paused", value)
	}
	return nil
}

func (c *config) limitMail(value string) error {
	most, err := strconv.Atoi(value)
	if err != nil || most < 1 {
		return fmt.Errorf("%q is not a whole number above 0", value)
	}
	c.onMail(func(a *mailbox.Account) { a.PerDay = most })
	return nil
}

// onMail restricts the account at SES further.
func (c *config) onMail(restrict func(*mailbox.Account)) {
	before := c.SES
	c.SES = func(a *mailbox.Account) {
		if before != nil {
			before(a)
		}
		restrict(a)
	}
}

func parseShare(text string) (float64, error) {
	share, err := strconv.ParseFloat(text, 64)
	if err != nil || share < 0 || share > 1 {
		return 0, fmt.Errorf("%q is not a number from 0 to 1", text)
	}
	return share, nil
}
