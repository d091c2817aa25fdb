package sheet_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/sheet"
)

// shown is a row in one line: where it begins, its members by name, its errors.
func shown(r sheet.Row) string {
	members, _ := json.Marshal(r.Members) // valid JSON each
	var wrong []string
	for _, f := range r.Wrong {
		wrong = append(wrong, f.Pointer+" "+f.Code)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", r.Line, members, strings.Join(wrong, ", ")))
}

func TestRead(t *testing.T) {
	const bom = "\ufeff"
	john := `{"email":"john@corp.com","name":"John","role":"builder"}`
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"as it should be":           {"name,email,role\nJohn,john@corp.com,builder\n", []string{"2 " + john}},
		"without an end":            {"name,email,role\nJohn,john@corp.com,builder", []string{"2 " + john}},
		"CRLF":                      {"name,email,role\r\nJohn,john@corp.com,builder\r\n", []string{"2 " + john}},
		"byte order mark":           {bom + "name,email,role\nJohn,john@corp.com,builder\n", []string{"2 " + john}},
		"mark and quotes":           {bom + "\"name\",\"email\",\"role\"\n\"John\",\"john@corp.com\",\"builder\"\n", []string{"2 " + john}},
		"another order":             {"role,name,email\nbuilder,John,john@corp.com\n", []string{"2 " + john}},
		"space in the header":       {" name , email,role \nJohn,john@corp.com,builder\n", []string{"2 " + john}},
		"semicolons":                {"name;email;role\nJohn;john@corp.com;builder\n", []string{"2 " + john}},
		"semicolons and a comma":    {"name;email;role\n\"Doe, John\";a,b;builder\n", []string{`2 {"email":"a,b","name":"Doe, John","role":"builder"}`}},
		"commas and a semicolon":    {"name,email,role\nDoe; John,a;b,builder\n", []string{`2 {"email":"a;b","name":"Doe; John","role":"builder"}`}},
		"the header alone":          {"name,email,role\n", nil},
		"blank rows":                {"name,email,role\n\n,,\n , ,\t\n\r\nJohn,john@corp.com,builder\n,,\n\n", []string{"6 " + john}},
		"a blank row, wrong length": {"name,email,role\n,,,,\n,\nJohn,john@corp.com,builder\n", []string{"4 " + john}},
		"quotes within":             {"name,email,role\n\"John \"\"Jack\"\" Doe\",j,b\n", []string{`2 {"email":"j","name":"John \"Jack\" Doe","role":"b"}`}},
		"quoted newlines": {
			"name,email,role,message\nA,a,b,\"one\ntwo\r\nthree\"\nB,b,b,\n\"C\",c,b,\"\n\"\nD,d,b,x\n",
			[]string{
				`2 {"email":"a","message":"one\ntwo\nthree","name":"A","role":"b"}`, `5 {"email":"b","name":"B","role":"b"}`,
				`6 {"email":"c","name":"C","role":"b"}`, `8 {"email":"d","message":"x","name":"D","role":"b"}`,
			},
		},
		"rows of the wrong length": {
			"name,email,role\nJohn,john@corp.com\nJohn,john@corp.com,builder,x\nJohn,john@corp.com,builder\n",
			[]string{"2 {}  wrong_length", "3 {}  wrong_length", "4 " + john},
		},
		"empty cells": {"name,email,role,groups,metadata,sendEmail,expiresInDays\nJohn,, ,,,,\n", []string{`2 {"name":"John"}`}},
		"every column": {
			"name,email,role,groups,metadata,message,locale,sendEmail,expiresInDays,confirm\n" +
				`John,john@corp.com,builder, a | b||c ,"{""key"": [1, ""x""]}",Hello,pt-BR,FALSE, 7 , TRUE` + "\n",
			[]string{`2 {"confirm":true,"email":"john@corp.com","expiresInDays":7,"groups":["a","b","c"],"locale":"pt-BR","message":"Hello","metadata":{"key":[1,"x"]},"name":"John","role":"builder","sendEmail":false}`},
		},
		"what a list has besides": {
			"name,email,role,status,delivery,deliveryReason,invitedBy,sentAt,expiresAt,createdAt,id\nJohn,john@corp.com,builder,active,sent,,usr_1,2026,2026,2026,usr_2\n",
			[]string{"2 " + john},
		},
		"wrong cells": {
			"name,email,role,metadata,sendEmail,expiresInDays\nJohn,j,b,{,yes,1.5\nJohn,j,b,\"{} {}\",1,7 days\nJohn,j,b,null,True,+7\n",
			[]string{
				`2 {"email":"j","name":"John","role":"b"} /metadata invalid_json, /sendEmail wrong_type, /expiresInDays wrong_type`,
				`3 {"email":"j","name":"John","role":"b"} /metadata invalid_json, /sendEmail wrong_type, /expiresInDays wrong_type`,
				`4 {"email":"j","expiresInDays":7,"metadata":null,"name":"John","role":"b","sendEmail":true}`,
			},
		},
		"separators of groups alone": {"name,email,role,groups\nJohn,j,b,||\n", []string{`2 {"email":"j","groups":[],"name":"John","role":"b"}`}},
		"formulas": {
			"name,email,role\n=1+1,+1@corp.com,-x\n'=1+1,'+1@corp.com,'-x\n'O'Brien,'john@corp.com,''=x\n",
			[]string{
				`2 {"email":"+1@corp.com","name":"=1+1","role":"-x"}`,
				`3 {"email":"+1@corp.com","name":"=1+1","role":"-x"}`,
				`4 {"email":"'john@corp.com","name":"'O'Brien","role":"'=x"}`,
			},
		},
	} {
		rows, err := sheet.Read([]byte(c.file))
		var got []string
		for _, row := range rows {
			got = append(got, shown(row))
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v\ngot  %q\nwant %q", name, err, got, c.want)
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	long := strings.Repeat("é", 300)
	for file, want := range map[string]string{
		"":                                   "invalid_csv The file is empty. Its first row names the columns: name, email, role.",
		"\ufeff":                             "invalid_csv The file is empty. Its first row names the columns: name, email, role.",
		"\n\n":                               "invalid_csv The file is empty. Its first row names the columns: name, email, role.",
		"name,email,role\nJ\xf6rg,j,b\n":     "invalid_csv The file is not UTF-8. Save it as CSV UTF-8.",
		"\xff\xfen\x00a\x00m\x00e\x00":       "invalid_csv The file is not UTF-8. Save it as CSV UTF-8.",
		"name,email,role\nA,a,b\n\"B,b,b\n":  "invalid_csv Line 3 is no CSV: a quote is open or stands in the wrong place.",
		"name,email,role\nA,a,b\nB\"x,b,b\n": "invalid_csv Line 3 is no CSV: a quote is open or stands in the wrong place.",
		"name,email,role\n\"A\nA\",a,b\n\"B\n\"x,b,b\n": "invalid_csv Line 4 is no CSV: a quote is open or stands in the wrong place.",
		"\"name,email,role\nA,a,b\n":                    "invalid_csv Line 1 is no CSV: a quote is open or stands in the wrong place.",
		"name,email\nA,a\n":                             "/users missing_column",
		"Name,EMAIL,role\nA,a,b\n":                      "/users unknown_column /users unknown_column /users missing_column /users missing_column",
		"name,email,role,name\nA,a,b,A\n":               "/users duplicate_column",
		"name,email,role,\nA,a,b,\n":                    "/users unknown_column",
		"name,email,role,password\nA,a,b,x\n":           "/users unknown_column",
		"name,email,role," + long + "\n":                "/users unknown_column",
		"John,john@corp.com,builder\n":                  "/users unknown_column /users unknown_column /users unknown_column /users missing_column /users missing_column /users missing_column",
		"name\temail\trole\nA\ta\tb\n":                  "/users unknown_column /users missing_column /users missing_column /users missing_column",
		"name,email,role\rA,a,b\r":                      "/users unknown_column /users unknown_column /users unknown_column /users missing_column",
	} {
		rows, err := sheet.Read([]byte(file))
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || rows != nil {
			t.Errorf("%.40q: %d rows, %v", file, len(rows), err)
			continue
		}
		got := f.Code + " " + f.Detail
		if len(f.Fields) > 0 {
			got = ""
			for _, field := range f.Fields {
				got += " " + field.Pointer + " " + field.Code
				if len(field.Detail) > 400 {
					t.Errorf("%.40q: a detail of %d bytes", file, len(field.Detail))
				}
			}
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("%.40q: %s\nwant %s", file, got, want)
		}
	}
}

// dangerous is how OWASP describes a cell that a spreadsheet may run.
// https://owasp.org/www-community/attacks/CSV_Injection
func dangerous(cell string) bool {
	first, _ := utf8.DecodeRuneInString(cell)
	return cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first)
}

func TestWrite(t *testing.T) {
	got := sheet.Write([]string{"name", "email"}, [][]string{
		{"=cmd|' /C calc'!A0", "+1@corp.com"},
		{"-2", "@SUM(A1)"},
		{"\tx", "＝1"},
		{"'=1", "O'Brien"},
		{"Doe, \"John\"", "a\nb"},
		{"", " =1"},
	})
	want := "name,email\r\n" +
		"'=cmd|' /C calc'!A0,'+1@corp.com\r\n" +
		"'-2,'@SUM(A1)\r\n" +
		"'\tx,'＝1\r\n" +
		"''=1,O'Brien\r\n" +
		"\"Doe, \"\"John\"\"\",\"a\r\nb\"\r\n" +
		",\" =1\"\r\n"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := sheet.Write([]string{"name"}, nil); got != "name\r\n" {
		t.Errorf("no rows: %q", got)
	}
}

// cells draws texts with everything that CSV and spreadsheets take for a sign.
func cells() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringOfN(rapid.SampledFrom([]rune("ab '\"=+-@＝＋－＠\t\r\n,;|{}\\é漢🚀\ufeff")), 0, 12, -1),
		rapid.String(),
	)
}

// lines is a text as it comes back: CSV has one kind of line end.
func lines(text string) string { return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text) }

// What is written is harmless, and is read as what it was.
func TestWhatIsWrittenIsHarmlessAndReadAgain(t *testing.T) {
	header := []string{"name", "email", "role", "message", "status"}
	rapid.Check(t, func(t *rapid.T) {
		rows := make([][]string, rapid.IntRange(0, 4).Draw(t, "rows"))
		for i := range rows {
			rows[i] = []string{cells().Filter(func(name string) bool { return strings.TrimSpace(name) != "" }).Draw(t, "name")}
			for range header[1:] {
				rows[i] = append(rows[i], cells().Draw(t, "cell"))
			}
		}
		file := sheet.Write(header, rows)
		plain := csv.NewReader(strings.NewReader(file))
		records, err := plain.ReadAll()
		if err != nil || len(records) != len(rows)+1 {
			t.Fatalf("%q: %d records, %v", file, len(records), err)
		}
		for _, record := range records {
			for _, cell := range record {
				if dangerous(cell) {
					t.Fatalf("%q has the cell %q", file, cell)
				}
			}
		}
		got, err := sheet.Read([]byte(file))
		if err != nil {
			t.Fatalf("%q: %v", file, err)
		}
		if len(got) != len(rows) {
			t.Fatalf("%q: %d rows, want %d", file, len(got), len(rows))
		}
		for i, cells := range rows {
			row := got[i]
			for i, name := range header[:4] {
				var back string
				if raw := row.Members[name]; raw != nil && json.Unmarshal(raw, &back) != nil {
					t.Fatalf("%s is %s", name, raw)
				}
				want := lines(cells[i])
				if strings.TrimSpace(want) == "" {
					want = ""
				}
				if back != want {
					t.Fatalf("%q was written as %q and is read as %q", cells[i], file, back)
				}
			}
		}
	})
}

// FuzzRead: whatever the bytes are, there are rows or a fault that says why
// not, and every member of a row is JSON.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"name,email,role\nJohn,john@corp.com,builder\n", "\ufeffname;email;role\r\n\"a\r\nb\";c;d\r\n", "name,email,role,metadata\na,b,c,\"{\"\"a\"\":1}\"\n",
		"name,email,role\n\"", "\"\n\",;\n", "name,email,role,groups,sendEmail,expiresInDays\n'=1,'''+,,a|b,TRUE,07\n", "\xff", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		rows, err := sheet.Read(file)
		var fault_ *fault.Error
		if err != nil {
			if !errors.As(err, &fault_) || fault_.Kind != fault.Invalid || !utf8.ValidString(fault_.Detail) {
				t.Fatal(err)
			}
			return
		}
		line := 1
		for _, row := range rows {
			if row.Line <= line {
				t.Fatalf("line %d comes behind %d", row.Line, line)
			}
			line = row.Line
			for name, raw := range row.Members {
				if !json.Valid(raw) {
					t.Fatalf("%s is %q", name, raw)
				}
			}
		}
	})
}
