package access

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"unicode/utf16"

	"github.com/golang-jwt/jwt/v5"
)

// mutation makes one thing of a request wrong.
type mutation struct {
	name  string
	apply func(g generator, d *draft)
}

// mutations of the JSON come before those of its bytes.
var (
	mutations = []mutation{
		{"type", func(g generator, d *draft) { g.spot(d)(pick(g, others())) }},
		{"text", func(g generator, d *draft) { g.spot(d)(g.odd()) }},
		{"number", func(g generator, d *draft) { g.spot(d)(json.Number(pick(g, numbers))) }},
		{"depth", func(g generator, d *draft) { g.spot(d)(deep(g, 1+g.IntN(12))) }},
		{"length", func(g generator, d *draft) { g.spot(d)(g.long()) }},
		{"unknown member", func(g generator, d *draft) { g.member(d, g.odd(), pick(g, others())) }},
		{"unknown members", func(g generator, d *draft) {
			for i := range pick(g, []int{2, 200, 20000}) {
				g.member(d, fmt.Sprintf("%x", i), 1)
			}
		}},
		{"path", func(g generator, d *draft) {
			if len(d.params) > 0 {
				d.params[pick(g, sorted(d.params))] = pick(g, append(ids, g.odd(), g.odd()))
			}
		}},
		{"query", func(g generator, d *draft) {
			name := pick(g, []string{"limit", "cursor", "status", "role", "group", "q", "sort", "counts", "format", "dryRun"})
			d.query.Set(name, pick(g, append(ids, g.odd(), pick(g, numbers), "csv", "true")))
		}},
		{"unknown parameters", func(g generator, d *draft) {
			for i := range pick(g, []int{1, 3, 500}) {
				d.query.Add(g.odd()+fmt.Sprint(i%7), g.odd())
				if len(d.query.Encode()) > 7000 { // a request line may have 8 KB
					d.query = url.Values{}
					return
				}
			}
		}},
		{"content type", func(g generator, d *draft) { d.header.Set("Content-Type", pick(g, mediaTypes)) }},
		{"header", func(g generator, d *draft) {
			name := pick(g, []string{"If-Match", "Idempotency-Key", "Accept", "Accept-Language", "X-Forwarded-Host", "Cookie", "Content-Encoding", "X-Amzn-Trace-Id", "Origin"})
			d.header.Add(name, pick(g, headers))
		}},
	}
	byteMutations = []mutation{
		{"none", func(generator, *draft) {}},
		{"empty", func(_ generator, d *draft) { d.raw = []byte{} }},
		{"cut", func(g generator, d *draft) { d.raw = d.raw[:g.IntN(len(d.raw)+1)] }},
		{"bytes", func(g generator, d *draft) {
			for range 1 + g.IntN(4) {
				at := g.IntN(len(d.raw) + 1)
				d.raw = append(d.raw[:at:at], append([]byte(pick(g, []string{"\x00", "\xff", "\xed\xa0\x80", "\"", "{", "\\", "\xc0\x80", ","})), d.raw[at:]...)...)
			}
		}},
		{"repeated member", func(_ generator, d *draft) {
			if end := bytes.LastIndexByte(d.raw, '}'); end > 0 {
				d.raw = append(d.raw[:end:end], `,"name":"Twice","name":1,"Name":null}`...)
			}
		}},
		{"UTF-16", func(_ generator, d *draft) {
			var wide []byte
			for _, unit := range utf16.Encode([]rune("\ufeff" + string(d.raw))) {
				wide = binary.LittleEndian.AppendUint16(wide, unit)
			}
			d.raw = wide
		}},
		{"byte order mark", func(_ generator, d *draft) { d.raw = append([]byte("\ufeff"), d.raw...) }},
		{"padding", func(g generator, d *draft) {
			d.raw = append(d.raw, strings.Repeat(" ", pick(g, []int{1, 200_000, 256*1024 - len(d.raw) - 1, 300_000}))...)
		}},
		{"brackets", func(g generator, d *draft) {
			d.raw = []byte(strings.Repeat(pick(g, []string{"[", `{"a":`, `{"users":[`}), pick(g, []int{100, 9_000, 20_000})))
		}},
		{"columns", func(g generator, d *draft) {
			d.header.Set("Content-Type", "text/csv")
			d.raw = []byte("name,email,role," + strings.Repeat(pick(g, []string{"x,", ",", "\"<\",", "é,"}), 50_000) + "\nA,a@b.example,builder\n")
		}},
		{"short rows", func(g generator, d *draft) {
			d.header.Set("Content-Type", "text/csv")
			d.raw = []byte("name,email,role\n" + strings.Repeat(pick(g, []string{"a\n", "=1,<,\x00\n", "\"", "a,b,c\r"}), pick(g, []int{3, 501, 40_000})))
		}},
		{"rows of unknown members", func(g generator, d *draft) {
			d.header.Set("Content-Type", "application/json")
			row := "{" + strings.TrimSuffix(strings.Repeat("#", 60), "#")
			for i := 0; strings.Contains(row, "#"); i++ {
				row = strings.Replace(row, "#", fmt.Sprintf(`"%c%c":1,`, 'a'+i/26, 'a'+i%26), 1)
			}
			row += `"":0}`
			rows := pick(g, []int{2, 100, 500})
			d.raw = []byte(`{"users":[` + strings.TrimSuffix(strings.Repeat(row+",", rows), ",") + "]}")
		}},
	}
)

var (
	numbers = []string{"1e400", "-1e400", "1e308", "9223372036854775808", "-9223372036854775809", "0.1", "-0", "1E2", "1e-400", "18446744073709551616" + strings.Repeat("0", 1000)}
	ids     = []string{
		"ws_000000000000000000000000", "usr_00000000000000000000000000000000", "me", "ME", "..", ".", "%00", "%2e%2e%2f", "null",
		strings.Repeat("A", 96), strings.Repeat("A", 2000), "WORKSPACE", "WS#", "ws_" + strings.Repeat("v", 24), " ", "a/b",
	}
	mediaTypes = []string{
		"", "text/csv", "text/csv; charset=utf-16", "application/xml", "multipart/form-data; boundary=x", "application/json; charset=latin-1",
		"application/merge-patch+json", "*/*", "application/json, text/csv", "json", ";;;", "application/octet-stream", "text/csv; header=absent", strings.Repeat("a/b;", 500),
	}
	headers = []string{
		"", "\"", "\"1\"", "W/\"1\"", "*", "\"1\",,\"2\"", "é\xff", strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("\"a\",", 1500),
		"text/csv", "text/html,*/*;q=0", "gzip", "evil.example", "null", "a=b; a=c;;;=", "1970-01-01", "'; DROP TABLE", "\x80\x81",
	}
	// Letters that look or lower-case like others, or that mean something else.
	odd = []string{
		"\u212a", "\u0130", "\u1e9e", "\u0131", "\u017f", "e\u0301", "\u00e9", "\uff41", "\u200b", "\u200d", "\u202e", "\u2066", "\ufeff", "\ufffd", "\u2028",
		"\U0001f469\u200d\U0001f4bb", "\U000e0041", "\u0430", "\u2024", "\u3002", "\ufe52", "\x00", "\x01", "\n", "\r\n", "\t", "\x7f", "\u0085", "\ufdd0", "a" + strings.Repeat("\u0301", 60),
		"<", "&", "'", "\"", "\\", "/", "~", "#", "|", ",", ";", "=1+1", "@", "a@b", "a@b.example", "http://evil.example", "{{.}}", "%s%n", "${x}", "__proto__", "constructor",
	}
)

// others are values of every type, new ones each time: they are changed in turn.
func others() []any {
	return []any{nil, true, 0, -1, 1.5, "", "x", []any{}, []any{nil}, map[string]any{}, map[string]any{"a": nil}}
}

// odd returns a text of odd letters, seldom a long one.
func (g generator) odd() string {
	var b strings.Builder
	for range 1 + g.IntN(3) {
		b.WriteString(pick(g, odd))
	}
	return b.String()
}

// long returns a value that is longer than most may be.
func (g generator) long() any {
	n := pick(g, []int{51, 101, 255, 501, 5_000, 100_000})
	if g.oneIn(2) {
		return strings.Repeat(pick(g, []string{"a", "\u00e9", "<", "\"", "\x00"}), n/2)
	}
	list := make([]any, n/10)
	for i := range list {
		list[i] = pick(g, []any{"a", 1, nil, g.odd()})
	}
	return list
}

func deep(g generator, levels int) any {
	var v any = "bottom"
	for range levels {
		if g.oneIn(2) {
			v = []any{v}
		} else {
			v = map[string]any{"a": v}
		}
	}
	return v
}

// spot returns a setter for some value within the body.
func (g generator) spot(d *draft) func(any) {
	sets := []func(any){func(v any) { d.body = v }}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, name := range sorted(v) {
				sets = append(sets, func(to any) { v[name] = to }, func(to any) { v[name] = to })
				walk(v[name])
			}
		case []any:
			for i := range v {
				sets = append(sets, func(to any) { v[i] = to })
				walk(v[i])
			}
		}
	}
	walk(d.body)
	return pick(g, sets)
}

// member adds a member to the body, or to one of its rows.
func (g generator) member(d *draft, name string, value any) {
	object, ok := d.body.(map[string]any)
	if !ok {
		return
	}
	if rows, ok := object["users"].([]any); ok && len(rows) > 0 && g.oneIn(2) {
		if row, ok := rows[0].(map[string]any); ok {
			object = row
		}
	}
	object[name] = value
}

// forged returns the claims of a person with one of them as no issuer should
// send it.
func (g generator) forged(of jwt.MapClaims) jwt.MapClaims {
	claims := maps.Clone(of)
	local, domain, _ := strings.Cut(of["email"].(string), "@")
	name := pick(g, []string{"email", "email", "email", "email_verified", "sub", "name", "client_id", "scope", "iat", "groups", g.odd()})
	claims[name] = pick(g, []any{
		nil, "", true, 1, 1.5, []any{of["email"]}, map[string]any{"a": of["email"]}, g.odd(), strings.Repeat("x", 300), deep(g, 6),
		local, "@" + domain, local + "@", strings.ToUpper(local) + "@" + domain, local + "\x00@" + domain, local + "@" + strings.Replace(domain, "o", "\u043e", 1),
		strings.Replace(local, "k", "\u212a", 1) + "@" + domain, local + "@" + strings.Replace(domain, "i", "\u0130", 1), " " + local + "@" + domain, "\"" + local + "\"@" + domain,
		local + "@" + domain + ".", local + "@" + domain + "\n", "<b>@x", "latchkey/operator",
	})
	if name == "scope" || name == "client_id" { // a person is no operator, whatever else they claim
		return claims
	}
	if claims["email"] == "" || claims["email"] == nil {
		delete(claims, "scope")
	}
	return claims
}
