package main

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/text/language"

	"github.com/latchkey/latchkey/shared/httpapi"
)

// words are the texts of the two pages in one language. %s is the workspace.
type words struct {
	tag                 string
	unsubscribe, report question
}

// question is a page that asks, and what it says once it was answered. undo and
// undone take the answer back, where that can be done.
type question struct{ title, text, button, done, undo, undone string }

var languages = []words{
	{
		"en",
		question{"Unsubscribe", "Stop receiving mail from %s?", "Unsubscribe", "You will no longer receive mail from %s.", "Receive mail again", "You will receive mail from %s again."},
		question{"Report this invitation", "Don’t recognize this invitation from %s?", "Report invitation", "Thank you. We will review invitations from %s.", "", ""},
	},
	{
		"de",
		question{"Keine weiteren E-Mails", "Möchten Sie keine E-Mails von %s mehr erhalten?", "E-Mails beenden", "Sie erhalten keine E-Mails von %s mehr.", "Wieder E-Mails erhalten", "Sie erhalten wieder E-Mails von %s."},
		question{"Einladung melden", "Hat %s Sie eingeladen, obwohl Sie nichts damit zu tun haben?", "Melden", "Danke. Wir sehen uns die Einladungen von %s an.", "", ""},
	},
	{
		"fr",
		question{"Ne plus recevoir d’e-mails", "Ne souhaitez-vous plus recevoir d’e-mails de %s ?", "Ne plus recevoir", "Vous ne recevrez plus d’e-mails de %s.", "Recevoir de nouveau", "Vous recevrez de nouveau des e-mails de %s."},
		question{"Signaler cette invitation", "%s vous a-t-il invité sans que vous ayez de lien avec cette organisation ?", "Signaler", "Merci. Nous allons examiner les invitations de %s.", "", ""},
	},
	{
		"es",
		question{"No recibir más correos", "¿No desea recibir más correos de %s?", "Dejar de recibir", "No recibirá más correos de %s.", "Volver a recibir", "Volverá a recibir correos de %s."},
		question{"Denunciar esta invitación", "¿%s le ha invitado sin que usted tenga relación alguna?", "Denunciar", "Gracias. Revisaremos las invitaciones de %s.", "", ""},
	},
	{
		"pt-BR",
		question{"Não receber mais e-mails", "Você não quer mais receber e-mails de %s?", "Parar de receber", "Você não receberá mais e-mails de %s.", "Voltar a receber", "Você voltará a receber e-mails de %s."},
		question{"Denunciar este convite", "%s convidou você sem que você tenha qualquer relação?", "Denunciar", "Obrigado. Vamos analisar os convites de %s.", "", ""},
	},
	{
		"ja",
		question{"メールの配信停止", "%sからのメールの受信を停止しますか？", "停止する", "今後、%sからのメールは届きません。", "受信を再開する", "%sからのメールの受信を再開しました。"},
		question{"この招待を報告", "心当たりがないのに%sから招待されましたか？", "報告する", "ご報告ありがとうございます。%sの招待を確認します。", "", ""},
	},
	{
		"zh-Hans",
		question{"不再接收邮件", "您不想再收到来自%s的邮件吗？", "停止接收", "您将不再收到来自%s的邮件。", "重新接收", "您将重新收到来自%s的邮件。"},
		question{"举报此邀请", "您与%s无关却收到了邀请吗？", "举报", "谢谢。我们会检查%s的邀请。", "", ""},
	},
}

// wordsFor is the language nearest to a locale; English where none is near.
func wordsFor(locale string) words {
	tags := make([]language.Tag, len(languages))
	for i, l := range languages {
		tags[i] = language.Make(l.tag)
	}
	_, i, _ := language.NewMatcher(tags).Match(language.Make(locale))
	return languages[i]
}

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1.5rem}` +
	`button{font:inherit;font-weight:600;padding:.6rem 1.2rem;border:0;border-radius:.5rem;background:#1f4fd8;color:#fff}` +
	`@media(prefers-color-scheme:dark){body{background:#14161a;color:#e8eaee}}`

var styleHash = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
})

// state is how far a question has come.
type state int

const (
	asked state = iota
	done
	undone
)

// page asks a question with one button, or says that it is done and offers to
// take it back: to is where the button leads, relative to the page, "" for the
// page itself. It loads nothing, and its form sends to its own host alone.
func page(w words, q question, workspace, to string, s state) httpapi.Response {
	text, button := q.text, q.button
	switch s {
	case done:
		text, button = q.done, q.undo
	case undone:
		text = q.undone
	}
	form := ""
	if button != "" {
		form = `<form method="post" action="` + to + `"><button>` + button + `</button></form>`
	}
	body := `<!doctype html><html lang="` + w.tag + `"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
		`<meta name="robots" content="noindex"><title>` + q.title + `</title><style>` + style + `</style><main><h1>` + q.title + `</h1><p>` +
		strings.ReplaceAll(text, "%s", "<b>"+html.EscapeString(workspace)+"</b>") + `</p>` + form + `</main></html>`
	return httpapi.Response{
		Status: http.StatusOK, Body: httpapi.Text(body),
		Header: map[string]string{
			"content-type":            "text/html; charset=utf-8",
			"content-security-policy": "default-src 'none'; style-src 'sha256-" + styleHash() + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		},
	}
}
