package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/id"
)

// measureEvents writes at a steady rate and reports the time from each change to
// its event on the bus, which publish logs.
func measureEvents(ctx context.Context, s *sheet) error {
	const rate, seconds, people = 150, 6, 300
	o, err := newOffice(ctx)
	if err != nil {
		return err
	}
	defer o.stop()
	guests := make([]guest, people)
	if _, err := drive(8, people, func(i int) (err error) { guests[i], err = o.invite(); return err }); err != nil {
		return err
	}
	if err := o.awaitEvents(people); err != nil {
		return err
	}
	before := o.cpu()
	reached, err := pace(rate, rate*seconds, func(i int) error {
		// Each person is changed every two seconds.
		return o.call(o.admin, http.MethodPatch, o.path+"/users/"+guests[i%people].id, map[string]any{"name": fmt.Sprint("Jo ", letters(i))}, nil)
	})
	if err != nil {
		return err
	}
	if err := o.awaitEvents(people + rate*seconds); err != nil {
		return err
	}
	lags, _, err := o.events()
	if err != nil {
		return err
	}
	lags = lags[people:]
	row := fmt.Sprintf("%d writes a second for %d s", rate, seconds)
	s.add(row, "reached, writes a second", reached)
	s.add(row, "p50 ms", percentile(lags, 50))
	s.add(row, "p99 ms", percentile(lags, 99))
	s.add(row, "max ms", percentile(lags, 100))
	used := o.cpu()
	for _, process := range [][2]string{{"update", "update, CPU ms a write"}, {"latchkey", "gateway"}, {"java", "DynamoDB Local"}, {"publish", "publish"}} {
		s.add(row, process[1], (used[process[0]]-before[process[0]])/(rate*seconds))
	}
	return nil
}

// letters spells a number in letters: names may contain only a few digits.
func letters(n int) string {
	out := ""
	for ; n > 0; n /= 26 {
		out += string(rune('a' + n%26))
	}
	return out
}

// awaitEvents waits until the bus has received n events about users.
func (o *office) awaitEvents(n int) error {
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		_, seen, err := o.events()
		if err != nil || seen >= n {
			return err
		}
	}
	return fmt.Errorf("the bus had not received %d events after two minutes", n)
}

// events reads from the log how long each event of a user took, in milliseconds.
func (o *office) events() (lags []float64, seen int, err error) {
	file, err := os.Open(filepath.Join(o.dir, "latchkey.log"))
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if !strings.Contains(lines.Text(), `"eventId"`) {
			continue
		}
		var line struct {
			Time          time.Time `json:"timestamp"`
			Msg           string    `json:"message"`
			EventID, Type string
		}
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.Msg != "event" || !strings.HasPrefix(line.Type, "user.") {
			continue
		}
		raw, ok := id.Bytes("evt_", line.EventID, 16)
		if !ok {
			return nil, 0, fmt.Errorf("%q is not an event ID", line.EventID)
		}
		at := time.UnixMilli(int64(binary.BigEndian.Uint64(raw) >> 16))
		lags = append(lags, line.Time.Sub(at).Seconds()*1000)
	}
	return lags, len(lags), nil
}
