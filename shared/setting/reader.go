package setting

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// Reader reads settings and collects their errors, so that all of them are
// reported together. A setting with an error reads as the zero value.
type Reader struct {
	get   func(name string) string
	wrong []error
}

// NewReader returns a reader of the values that get returns; os.Getenv in a
// function. The empty value counts as not set.
func NewReader(get func(name string) string) *Reader { return &Reader{get: get} }

// Int reads a whole number.
func (r *Reader) Int(d *Int) int { return read(r, d) }

// Duration reads a time span.
func (r *Reader) Duration(d *Duration) time.Duration { return read(r, d) }

// Text reads a text.
func (r *Reader) Text(d *Text) string { return read(r, d) }

// URL reads a base address.
func (r *Reader) URL(d *URL) string { return read(r, d) }

// Sender reads the sender of mail.
func (r *Reader) Sender(d *Sender) string { return read(r, d) }

// Hosts reads a list of host names.
func (r *Reader) Hosts(d *Hosts) []string { return read(r, d) }

// Choice reads one of several values.
func (r *Reader) Choice(d *Choice) string { return read(r, d) }

func read[T any](r *Reader, d Of[T]) T {
	name := d.About().Name
	value, err := d.Parse(r.get(name))
	r.note(name, err)
	return value
}

// Check checks settings whose values are read elsewhere.
func (r *Reader) Check(definitions ...Definition) {
	for _, d := range definitions {
		name := d.About().Name
		r.note(name, d.Check(r.get(name)))
	}
}

func (r *Reader) note(name string, err error) {
	if err != nil {
		r.wrong = append(r.wrong, fmt.Errorf("%s %w", name, err))
	}
}

// Err returns all errors so far as one, with a line for each setting, or nil if
// there are none.
func (r *Reader) Err() error { return errors.Join(r.wrong...) }

// ExitOnError logs a line for each error and then, if there were any, ends the
// process with status 1. A Lambda that exits before it asks for
// work fails its initialization: no request is served with a wrong setting.
func (r *Reader) ExitOnError(log *slog.Logger) {
	for _, err := range r.wrong {
		log.Error(err.Error())
	}
	if len(r.wrong) > 0 {
		os.Exit(1)
	}
}
