// Package sheet is people as rows of a spreadsheet: CSV (RFC 4180) that admins
// bring, and CSV that they take away. What it writes, it can read again.
//
// A cell that begins like a formula (= + - @, a tab or a carriage return) would
// be run by whichever spreadsheet opens the file. Written, such a cell gets an
// apostrophe in front; read, the apostrophe is taken off again.
// https://owasp.org/www-community/attacks/CSV_Injection
//
// It imports shared/fault and the standard library.
package sheet

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/latchkey/latchkey/shared/fault"
)

// MediaType is that of CSV with a header row (RFC 7111).
const MediaType = "text/csv; charset=utf-8; header=present"

// GroupSeparator stands between the groups of a cell.
const GroupSeparator = "|"

// Row is one person of a file: the members that the same person has in JSON,
// and what was wrong with the cells.
type Row struct {
	Line    int // where the row begins, from 1
	Members map[string]json.RawMessage
	Wrong   fault.Fields
}

// columns that are read, and how a cell becomes a JSON value.
var columns = map[string]func(cell string) (json.RawMessage, *fault.Field){
	"name": asText, "email": asText, "role": asText, "message": asText, "locale": asText,
	"groups":        asList,
	"metadata":      asJSON,
	"sendEmail":     asBool,
	"confirm":       asBool,
	"expiresInDays": asNumber,
}

// Needed are the columns that a file must have.
var needed = []string{"email", "name", "role"}

// passedOver are the columns that a list has and an invitation has not: a list
// can be read as it was written.
var passedOver = []string{"createdAt", "delivery", "deliveryReason", "expiresAt", "id", "invitedBy", "sentAt", "status"}

const bom = "\ufeff"

// Read gives the rows of a file: UTF-8, with or without a byte order mark, with
// a header row that names the columns in any order. An error is about the file
// as a whole.
func Read(file []byte) ([]Row, error) {
	file = bytes.TrimPrefix(file, []byte(bom))
	if !utf8.Valid(file) {
		return nil, unreadable("The file is not UTF-8. Save it as CSV UTF-8.")
	}
	r := csv.NewReader(bytes.NewReader(file))
	r.Comma = separator(file)
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, unreadable("The file is empty. Its first row names the columns: name, email, role.")
	}
	if err != nil {
		return nil, syntax(err)
	}
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
	}
	if err := checkHeader(header); err != nil {
		return nil, err
	}
	r.FieldsPerRecord = -1 // a row of the wrong length is that row's error
	var rows []Row
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, syntax(err)
		}
		line, _ := r.FieldPos(0)
		if blank(record) {
			continue
		}
		rows = append(rows, row(header, record, line))
	}
}

// separator is the comma, or the semicolon where the first row has no comma:
// so spreadsheets write it whose decimal sign is a comma.
func separator(file []byte) rune {
	first, _, _ := bytes.Cut(file, []byte("\n"))
	if !bytes.ContainsRune(first, ',') && bytes.ContainsRune(first, ';') {
		return ';'
	}
	return ','
}

// blank is true for a row of empty cells, which spreadsheets leave at the end.
func blank(record []string) bool {
	return !slices.ContainsFunc(record, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}

func unreadable(detail string) error { return fault.New(fault.Invalid, "invalid_csv", detail) }

func syntax(err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return unreadable("The file is no CSV.")
	}
	return unreadable(fmt.Sprintf("Line %d is no CSV: a quote is open or stands in the wrong place.", parse.StartLine))
}

func checkHeader(header []string) error {
	var fields fault.Fields
	seen := map[string]bool{}
	for _, name := range header {
		switch {
		case seen[name]:
			fields.Add("/users", "duplicate_column", fmt.Sprintf("The column %q is there twice.", short(name)))
		case columns[name] == nil && !slices.Contains(passedOver, name):
			fields.Add("/users", "unknown_column", fmt.Sprintf("There is no column %q. The columns are name, email, role, groups, metadata, message, locale, sendEmail, confirm, expiresInDays.", short(name)))
		}
		seen[name] = true
	}
	for _, name := range needed {
		if !seen[name] {
			fields.Add("/users", "missing_column", fmt.Sprintf("The column %q is missing in the first row.", name))
		}
	}
	return fields.Err()
}

func short(name string) string {
	if runes := []rune(name); len(runes) > 50 {
		return string(runes[:50])
	}
	return name
}

func row(header, record []string, line int) Row {
	r := Row{Line: line, Members: map[string]json.RawMessage{}}
	if len(record) != len(header) {
		r.Wrong.Add("", "wrong_length", fmt.Sprintf("This row has %d cells, and the first row of the file %d.", len(record), len(header)))
		return r
	}
	for i, name := range header {
		cell := disarmed(record[i])
		if columns[name] == nil || strings.TrimSpace(cell) == "" {
			continue
		}
		value, wrong := columns[name](cell)
		if wrong != nil {
			wrong.Pointer = "/" + name
			r.Wrong = append(r.Wrong, *wrong)
			continue
		}
		r.Members[name] = value
	}
	return r
}

func asText(cell string) (json.RawMessage, *fault.Field) {
	text, _ := json.Marshal(cell)
	return text, nil
}

func asList(cell string) (json.RawMessage, *fault.Field) {
	list := []string{}
	for part := range strings.SplitSeq(cell, GroupSeparator) {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	text, _ := json.Marshal(list)
	return text, nil
}

func asJSON(cell string) (json.RawMessage, *fault.Field) {
	if !json.Valid([]byte(cell)) {
		return nil, &fault.Field{Code: "invalid_json", Detail: "Metadata is not valid JSON."}
	}
	return json.RawMessage(cell), nil
}

func asBool(cell string) (json.RawMessage, *fault.Field) {
	// Spreadsheets write TRUE where true was typed.
	switch text := strings.ToLower(strings.TrimSpace(cell)); text {
	case "true", "false":
		return json.RawMessage(text), nil
	}
	return nil, &fault.Field{Code: "wrong_type", Detail: "This must be true or false."}
}

func asNumber(cell string) (json.RawMessage, *fault.Field) {
	n, err := strconv.Atoi(strings.TrimSpace(cell))
	if err != nil {
		return nil, &fault.Field{Code: "wrong_type", Detail: "This must be a whole number."}
	}
	return json.RawMessage(strconv.Itoa(n)), nil
}

// formula is true for text that a spreadsheet would run; it knows the full-width
// forms, which some take for the ASCII ones.
func formula(text string) bool {
	return text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(text)[0])
}

// armed is a cell that stays data. Text that begins with an apostrophe before
// such a sign gets another one, so that reading gives back what was there.
func armed(text string) string {
	if formula(strings.TrimLeft(text, "'")) {
		return "'" + text
	}
	return text
}

func disarmed(cell string) string {
	if rest, found := strings.CutPrefix(cell, "'"); found && formula(strings.TrimLeft(rest, "'")) {
		return rest
	}
	return cell
}

// oneKind makes all line ends alike: the writer would drop a lone CR.
var oneKind = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// Write gives a file of rows below a header, with CRLF as RFC 4180 has it, also
// for line ends within cells.
func Write(header []string, rows [][]string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	// A strings.Builder takes everything.
	_ = w.Write(header)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = armed(oneKind.Replace(cell))
		}
		_ = w.Write(cells)
	}
	w.Flush()
	return b.String()
}
