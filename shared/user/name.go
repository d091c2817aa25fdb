package user

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"

	"github.com/latchkey/latchkey/shared/fault"
)

// Names stand in the subject and the text of mail that we send, so a
// person who chooses one writes to strangers in our name. A mail client makes a link of
// "evil.example" however well it is escaped, and a phone number with a price
// needs no link at all: the rules below are about what names say, and judge
// the text that a reader sees rather than the code points behind it.

// CheckText adds what is wrong with a name that people read: it has 1 to max
// characters, no control or direction-changing characters, nothing that a mail
// client makes a link of, no phone number, and no amount of money.
func CheckText(fields *fault.Fields, pointer, text string, max int) {
	trimmed := strings.TrimSpace(text)
	if utf8.RuneCountInString(trimmed) > max {
		fields.Add(pointer, "too_long", "This field must be "+strconv.Itoa(max)+" characters or fewer.")
		return
	}
	seen := readable(trimmed)
	switch {
	case seen == "":
		fields.Add(pointer, "required", "This field can't be empty.")
	case strings.ContainsFunc(trimmed, unprintable):
		fields.Add(pointer, "invalid_characters", "Line breaks, control characters and characters that change the direction of text aren't allowed in this field.")
	case hasAddress(seen):
		fields.Add(pointer, "looks_like_address", "This looks like a web or email address, which mail apps turn into a link. Remove it, or add a space after the dot.")
	case hasAmount(seen):
		fields.Add(pointer, "looks_like_offer", "Names are shown in the mail we send, so they can't contain a price, a discount or a wallet address. Remove that part.")
	case hasPhoneNumber(seen):
		fields.Add(pointer, "looks_like_phone_number", "Names are shown in the mail we send, so they can't contain a phone number. Remove the number.")
	}
}

// CheckTitle is CheckText for a name that is shown to people who may not know
// its owner, such as that of a workspace or product in the subject of an
// invitation: it also has fewer than 9 digits, and neither refers to a bill nor
// urges its reader to act.
func CheckTitle(fields *fault.Fields, pointer, text string, max int) {
	var wrong fault.Fields
	CheckText(&wrong, pointer, text, max)
	*fields = append(*fields, wrong...)
	if len(wrong) > 0 {
		return
	}
	seen := readable(text)
	switch {
	case countDigits(notDates(seen)) >= maxTitleDigits:
		fields.Add(pointer, "looks_like_phone_number", "A name with "+strconv.Itoa(maxTitleDigits)+" or more digits looks like a phone number. Use fewer digits.")
	case billShape().MatchString(seen), urgeShape().MatchString(seen):
		fields.Add(pointer, "looks_like_offer", "Names are shown in the mail we send, so this one can't refer to a bill or ask people to act. Use only the name.")
	}
}

// unprintable characters have no business in a name: controls, line
// separators, and the marks that reverse the text around them (UAX #9).
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError || r == '\ufeff' ||
		(r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069') || r == '\u200e' || r == '\u200f' || r == '\u061c'
}

// readable returns text as its reader sees it: compatibility forms resolved
// (NFKC), invisible characters and enclosing marks gone, marks removed from
// ASCII letters, lookalikes of the dot, slash and colon replaced, digits of
// every script in ASCII, and words in mixed scripts in the one that they
// imitate. It is for judging, not for storing; patterns for it have no accents.
func readable(text string) string {
	var out []rune
	last := func() rune {
		if len(out) == 0 {
			return 0
		}
		return out[len(out)-1]
	}
	for _, r := range norm.NFKD.String(strings.Map(visible, text)) {
		r = visible(r)
		switch {
		case r < 0, unicode.Is(unicode.Me, r), unicode.Is(unicode.Mn, r) && last() < utf8.RuneSelf:
			// A mark on an ASCII character changes neither its letter nor its digit.
		case unicode.IsSpace(r):
			out = append(out, ' ')
		case (r == '\u0660' || r == '\u06f0') && asciiLetter(last()):
			out = append(out, '.') // ARABIC-INDIC DIGIT ZERO is drawn as a dot
		default:
			out = append(out, plain(r))
		}
	}
	s := norm.NFC.String(string(out))
	s = wordShape().ReplaceAllStringFunc(s, unmixed)
	s = hanNumber().ReplaceAllStringFunc(s, func(n string) string { return strings.Map(hanDigit, n) })
	s = bracketedDot().ReplaceAllString(s, ".")
	s = bracketedAt().ReplaceAllString(s, "@")
	return strings.TrimSpace(s)
}

// visible returns r, or -1 for a character without a form of its own: the
// default ignorable code points of Unicode, derived as in
// DerivedCoreProperties.txt.
func visible(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		return r
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r), r >= '\ufff9' && r <= '\ufffb':
		return r
	case unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector), r == '\u2800': // BRAILLE PATTERN BLANK
		return -1
	}
	return r
}

const (
	dots = ".\u00b7\u02d9\u0387\u06d4\u0701\u0702\u2022\u2024\u2027\u2219\u22c5\u2e31\u2e33\u3002\u30fb\ua4f8\ua60e\ufe12\U0001016d\U00010a50\U0001d16d"
	// Letters of Cyrillic, Greek, Armenian and Cherokee that look like one of
	// the Latin letters below them.
	twins = "аеорсухіјѕԁһԛԝгӏкмтАВЕКМНОРСТУХІЈЅαονρκιτυχγΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսցհ" + "ɑɡıᴄᴏᴠᴡᴢ"
	latin = "aeopcyxijsdhqwrlkmtABEKMHOPCTYXIJSaovpkituxyABEZHIKMNOPTYXough" + "agicovwz"
)

// lazily compiles a pattern at its first use: all of them together would take most
// of a function's cold start, and few functions look at names.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

var (
	twinRunes, latinRunes = []rune(twins), []rune(latin)

	wordShape = lazily(`[\p{L}\p{M}]+`)
	// A Japanese or Chinese name may have several numerals in a row; a phone
	// number has more.
	hanNumber    = lazily(`[〇零一二三四五六七八九]{6,}`)
	bracketedDot = lazily(`(?i)\s*[\[({<]\s*(?:\.|dot|d0t|punkt|punto|ponto|point|точка|点|點)\s*[\])}>]\s*`)
	bracketedAt  = lazily(`(?i)\s*[\[({<]\s*(?:@|at|arroba|собака)\s*[\])}>]\s*`)
)

// plain returns the ASCII character that r is read as, or r.
func plain(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		return r
	case strings.ContainsRune(dots, r):
		return '.'
	case strings.ContainsRune("\u2044\u2215\u29f8\u2571\u3033", r):
		return '/'
	case strings.ContainsRune("\u02d0\u0589\u05c3\u2236\ua789\ufe13", r):
		return ':'
	case unicode.Is(unicode.Pd, r), r == '\u2212':
		return '-'
	case unicode.Is(unicode.Nd, r):
		return digit(r)
	}
	for _, set := range []struct{ first, last, zero rune }{
		{'\u2776', '\u277e', '1'}, {'\u2780', '\u2788', '1'}, {'\u278a', '\u2792', '1'}, {'\u24f5', '\u24fd', '1'}, // circled digits
		{'\U0001f150', '\U0001f169', 'A'}, {'\U0001f170', '\U0001f189', 'A'}, {'\U0001f1e6', '\U0001f1ff', 'A'}, // circled, squared and regional letters
	} {
		if r >= set.first && r <= set.last {
			return set.zero + r - set.first
		}
	}
	if r == '\u24ff' || r == '\U0001f10b' || r == '\U0001f10c' {
		return '0'
	}
	return r
}

// digit returns the ASCII digit of a decimal digit (category Nd). Unicode
// encodes them in runs from zero to nine.
func digit(r rune) rune {
	for _, run := range unicode.Nd.R16 {
		if r >= rune(run.Lo) && r <= rune(run.Hi) {
			return '0' + (r-rune(run.Lo))%10
		}
	}
	for _, run := range unicode.Nd.R32 {
		if r >= rune(run.Lo) && r <= rune(run.Hi) {
			return '0' + (r-rune(run.Lo))%10
		}
	}
	return r
}

func hanDigit(r rune) rune {
	for i, n := range []rune("零一二三四五六七八九") {
		if r == n {
			return '0' + rune(i)
		}
	}
	return '0' // 〇
}

func asciiLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// unmixed returns a word with Latin letters for their twins, if it has Latin
// letters already: nobody writes a word in two alphabets in good faith.
func unmixed(word string) string {
	if !strings.ContainsFunc(word, asciiLetter) {
		return word
	}
	return strings.Map(latinTwin, word)
}

func latinTwin(r rune) rune {
	if i := slices.Index(twinRunes, r); i >= 0 {
		return latinRunes[i]
	}
	return r
}

var (
	linkShape = lazily(`(?i)://|\b(?:https?|hxxps?|ftp|mailto|javascript|bitcoin|ethereum)\s*:|\bwww\d?\s*\.|\S@|@\S|(?:^|[^\d.])\d{1,3}(?:\.\d{1,3}){3}(?:$|[^\d.])`)
	// People put these together although no mail client does.
	spacedDot = lazily(`(?i)[\p{L}\p{N}](?:\s+\.\s*|\.\s+|\s+dot\s+)(?:com|org|info|xyz|biz)\b`)
	label     = lazily(`^[\p{L}\p{M}\p{N}][\p{L}\p{M}\p{N}-]*`)
	// Endings that the Internet reserves (RFC 2606, RFC 6761, RFC 7686, RFC
	// 9476), and private ones that networks use.
	reservedEndings = []string{"alt", "arpa", "corp", "example", "home", "internal", "invalid", "lan", "local", "localhost", "onion", "test"}
)

// hasAddress reports whether a mail client would make a link of a part of text,
// or a person would type it into a browser.
func hasAddress(text string) bool {
	if linkShape().MatchString(text) || spacedDot().MatchString(text) {
		return true
	}
	parts := strings.Split(text, ".")
	for i, part := range parts[1:] {
		before, _ := utf8.DecodeLastRuneInString(parts[i])
		if !unicode.In(before, unicode.L, unicode.M, unicode.N) {
			continue
		}
		if ending := label().FindString(part); isEnding(ending) || isEnding(strings.Map(latinTwin, ending)) {
			return true
		}
	}
	return false
}

// isEnding reports whether text is a top-level domain: evil.com is a link in
// every mail client, St.Mary and Node.js are in none.
func isEnding(text string) bool {
	ascii, err := asciiDomain(strings.TrimRight(text, "-"))
	if err != nil {
		return false
	}
	_, known := publicsuffix.PublicSuffix("name." + ascii)
	return known || slices.Contains(reservedEndings, ascii)
}

const (
	minPhoneDigits = 7 // a local number in North America
	maxTitleDigits = 9
)

var (
	// Years, dates and grouped thousands are numbers that names have.
	dateShape = lazily(`\b(?:(?:19|20)\d\d\s?[-/]\s?(?:19|20)\d\d|(?:19|20)\d\d[-./]?[01]\d[-./]?[0-3]\d|[0-3]?\d[./-][0-3]?\d[./-](?:19|20)\d\d|\d{1,3}(?:,\d{3})+)\b`)
	// Letters that look like a digit count between digits.
	numberRun = lazily(`\d(?:[^\p{L}\p{N}]{0,4}[\dOoIl])+`)
	vanity    = lazily(`(?i)\b(?:1[ .-]{1,2}\(?8(?:00|33|44|55|66|77|88)\)?[ .-]{1,2}[a-z]|8(?:00|33|44|55|66|77|88)-[a-z][a-z-]{3})`)
	callShape = lazily(`(?i)(?:^|[^\p{L}])(?:call|dial|phone|tel|telephone|telefon|text|sms|whatsapp|viber|telegram|hotline|helpline|contact|appele[rz]|appelle|llama\p{L}*|llame\p{L}*|telefono|telefone|ligue|ligar|anrufen|rufen sie|ruf|chiama\p{L}*|zadzwo\p{L}*|arayin|bel|звони\p{L}*|позвони\p{L}*|телефон|тел)[^\p{L}\p{N}]*(?:(?:us|me|now|today|at|on|to|our|the|free|toll|number|support|help|desk|uns|an|au|le|la|al|el|nous|por|para|по|на|номер)[^\p{L}\p{N}]+){0,4}[+(]{0,2}\d{3}`)
	callWords = lazily(`(?:电话|電話|致电|致電|拨打|撥打|전화|โทร|اتصل|هاتف|फोन|फ़ोन|कॉल|טלפון|חייגו)[^\d]{0,12}\d{3}`)

	digitWords = lazily(`(?i)\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)\b`)
	digitOf    = map[string]string{"zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9"}
)

// hasPhoneNumber reports whether text has a number to call.
func hasPhoneNumber(text string) bool {
	if countDigits(text) > 0 && (vanity().MatchString(text) || callShape().MatchString(text) || callWords().MatchString(text)) {
		return true
	}
	text = digitWords().ReplaceAllStringFunc(notDates(text), func(word string) string { return digitOf[strings.ToLower(word)] })
	if countDigits(text) == 0 {
		return false // the name of almost everybody
	}
	return slices.ContainsFunc(numberRun().FindAllString(text, -1), func(run string) bool {
		lookalikes := strings.Count(run, "O") + strings.Count(run, "o") + strings.Count(run, "I") + strings.Count(run, "l")
		return countDigits(run) > lookalikes && countDigits(run)+lookalikes >= minPhoneDigits
	})
}

// notDates returns text with a word for each number that is no phone number.
func notDates(text string) string { return dateShape().ReplaceAllString(text, " date ") }

func countDigits(text string) (n int) {
	for _, r := range text {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}

var amountShapes = []func() *regexp.Regexp{
	// $499, 499 €, 💲5
	lazily(`[\p{Sc}💲]\s*\d|\d\s*[\p{Sc}💲]`),
	// 499 USD, 5k dollars, 12 million euros
	lazily(`(?i)\d\s*(?:k|mio\.?|million(?:en|s|es)?|mln\.?)?\s*(?:usd[tc]?|eur|gbp|chf|jpy|cny|rmb|inr|brl|mxn|aud|cad|krw|rub|pln|sek|nok|dkk|zar|ngn|aed|btc|eth|dollars?|dolares|euros?|pounds|bitcoins?|yen|reais|rupees|rubles|рубл\p{L}*|руб|грн|евро|долл?ар\p{L}*)(?:[^\p{L}]|$)`),
	// 499 kr, Rs. 499
	lazily(`(?i)\d\d\s*(?:kr|tl|rs|kc|zł|lei)(?:[^\p{L}]|$)`),
	lazily(`(?i)(?:^|[^\p{L}\p{N}])(?:usd[tc]?|eur|gbp|chf|jpy|cny|rmb|inr|brl|mxn|krw|rub|pln|ngn|aed|btc|rs\.?|rp\.?|rm)\s*\d\d`),
	lazily(`\d\s*[万億亿千百萬]?\s*(?:円|元|圆|圓|块|원|만원|บาท|ریال|ريال|درهم|دينار|रुपये|रुपए|שקל)`),
	// 50% off, -50 %
	lazily(`(?i)\d\s*%\s*(?:off|discount|rabatt|de reduction|de descuento|de desconto|sconto|скидк|割引|オフ|折扣)|(?:save|up to|jusqu'à|hasta|bis zu|ate)\s*-?\d+\s*%|(?:^|\s)-\s?\d{1,3}\s*%|\d\s*折`),
	// wallets: bech32, Ethereum
	lazily(`\b(?:bc1|tb1|ltc1|addr1|cosmos1)[0-9a-z]{20}|\b0x[0-9a-fA-F]{40}\b`),
}

// walletShape is base58, in which most wallets are written; they have letters
// in both cases, and digits.
var walletShape = lazily(`\b[1-9A-HJ-NP-Za-km-z]{25,95}\b`)

// hasAmount reports whether text has an amount of money or a place to send it.
func hasAmount(text string) bool {
	return countDigits(text) > 0 && slices.ContainsFunc(amountShapes, func(shape func() *regexp.Regexp) bool { return shape().MatchString(text) }) ||
		slices.ContainsFunc(walletShape().FindAllString(text, -1), func(token string) bool {
			return strings.ContainsAny(token, "123456789") && strings.ToLower(token) != token && strings.ToUpper(token) != token
		})
}

var (
	billShape = lazily(`(?i)(?:^|[^\p{L}])(?:invoice|order|receipt|refund|charge|payment|transaction|rechnung|bestellung|facture|commande|factura|pedido|fatura|сч[её]т|заказ)\s*(?:id|no|nr|num|number|n)?[\s.#:°-]*\d{3}|(?:发票|發票|請求書|订单|訂單)[\s.#:№-]*\d{3}`)
	urgeShape = lazily(`(?i)(?:^|[^\p{L}])(?:` + strings.Join([]string{
		`(?:click|tap|press) (?:here|below|now|the link|this link)`,
		`(?:call|text|contact|reply) (?:us|now|today|immediately|support|this number)`,
		`(?:call|text|reply|click|visit|contact)(?:\s+\S+){0,4} to (?:cancel|confirm|verify|avoid|claim|dispute|stop|restore|unlock)`,
		`(?:verify|confirm|validate|update|unlock|restore|reactivate|secure|check) your (?:account|identity|payment|billing|e-?mail|password|card|wallet|bank|details|information)`,
		`(?:claim|collect|redeem|double) your`,
		`your (?:account|card|payment|subscription|wallet|password|order|parcel|package|mailbox) (?:is|has|was|will|expires?|expired|suspended|locked|declined)`,
		`(?:account|card|payment|subscription|mailbox) (?:suspended|locked|limited|blocked|overdue|declined|failed|expired|charged|on hold)`,
		`(?:log|sign) ?in (?:to|here|now)`,
		`you(?:'ve|’ve| have) (?:won|been)`,
		`free (?:iphones?|gifts?|bitcoins?|money|crypto|btc|gift cards?)`,
		`(?:unusual|suspicious) (?:activity|login|sign-?in)`,
		`(?:security alert|final (?:notice|warning)|unauthori[sz]ed (?:charge|transaction|login)|guaranteed (?:profits?|returns?|income))`,
		`ihr konto (?:ist|wurde|wird)`, `konto gesperrt`, `jetzt (?:anrufen|klicken|bestatigen)`, `hier klicken`,
		`cliquez ici`, `votre compte (?:est|a|sera)`, `haga clic`, `su cuenta (?:ha|esta|fue|sera)`, `clique aqui`, `sua conta (?:foi|esta|sera)`,
		`нажмите (?:здесь|сюда)`, `ваш (?:аккаунт|сч[её]т) (?:заблокирован|будет)`,
	}, "|") + `)(?:[^\p{L}]|$)|点击(?:这里|此处)|立即(?:致电|点击|领取)|こちらをクリック|アカウント\S{0,6}(?:停止|制限)`)
)
