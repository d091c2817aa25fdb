package email

import "golang.org/x/text/feature/plural"

func japanese() words {
	return words{
		tag: "ja", colon: "：", workspace: "ワークスペース",
		roles:    map[string]string{"admin": "管理者", "builder": "ビルダー", "end-user": "エンドユーザー"},
		greeting: "{name} 様", greetingUnnamed: "こんにちは。",
		kinds: map[Kind]occasion{
			Invitation: {
				subject: "{inviter}さんから{workspace}への招待が届いています", subjectUnnamed: "{workspace}への招待が届いています",
				title: "{workspace}への招待",
				intro: "{inviter}さんが、あなたを{role}として{workspace}に招待しました。", introUnnamed: "あなたは{role}として{workspace}に招待されています。",
			},
			Reinvitation: {
				subject: "{inviter}さんから{workspace}への新しい招待が届いています", subjectUnnamed: "{workspace}への新しい招待が届いています",
				title: "{workspace}への新しい招待",
				intro: "{inviter}さんが、あなたを{role}として{workspace}に改めて招待しました。以前にお送りしたリンクは使えなくなりました。", introUnnamed: "あなたは{role}として{workspace}に改めて招待されています。以前にお送りしたリンクは使えなくなりました。",
			},
			Reminder: {
				subject: "【{in}】{workspace}への招待の期限が近づいています", subjectUnnamed: "{workspace}への招待の期限が近づいています",
				title: "{workspace}への招待にまだ回答されていません",
				intro: "{inviter}さんが、あなたを{role}として{workspace}に招待しました。招待はあなたの回答をお待ちしています。", introUnnamed: "あなたは{role}として{workspace}に招待されています。招待はあなたの回答をお待ちしています。",
			},
			Access: {
				subject: "{workspace}に再びアクセスできるようになりました", title: "{workspace}に再びアクセスできるようになりました",
				intro: "{role}として{workspace}に再びアクセスできるようになりました。", button: "{workspace}を開く",
				why: "このメールは、{workspace}のメンバーである{to}宛てにお送りしています。",
			},
			Accepted: {
				subject: "{name}さんが{workspace}への招待を承諾しました", subjectUnnamed: "{workspace}への招待が承諾されました",
				title: "招待が承諾されました",
				intro: "{name}さんが招待を承諾し、{role}として{workspace}に参加しました。", introUnnamed: "招待が承諾され、{role}が1人{workspace}に参加しました。",
				button: "{workspace}のメンバーを見る",
				why:    "{workspace}では参加があったときに招待者へお知らせするため、このメールを{to}宛てにお送りしています。",
			},
			Asked: {
				subject: "{name}さんが{workspace}への新しい招待を希望しています", subjectUnnamed: "{workspace}への新しい招待を希望する方がいます",
				title: "新しい招待が必要です",
				intro: "{name}さんは{role}として{workspace}に招待されており、新しいリンクを希望しています。ユーザー一覧から送信できます。", introUnnamed: "{role}として{workspace}に招待された方が、新しいリンクを希望しています。ユーザー一覧から送信できます。",
				button: "ユーザー一覧を開く",
				why:    "{workspace}の管理者の方に、このメールを{to}宛てにお送りしています。",
			},
		},
		lead: "{inviter}さんからのメッセージ：", leadUnnamed: "メッセージ：", linkRemoved: "［リンクは削除されました］",
		ends: "招待の有効期限は{ends}です（{in}）。", endsOn: "招待の有効期限は{ends}です。",
		signUp: "アカウントを作成して参加", signIn: "ログインして参加",
		why:      "このメールは{to}宛てにお送りしており、リンクはこのアドレスでのみ有効です。心当たりがない場合は無視してください。承諾しない限り、何も起こりません。",
		fallback: "ボタンが機能しない場合は、次のリンクを開いてください：",
		help:     "お問い合わせ先：", stop: "{workspace}からのメールを停止する", abuse: "この招待を報告する",
		days:   map[plural.Form]string{plural.Other: "あと{n}日"},
		hours:  map[plural.Form]string{plural.Other: "あと{n}時間"},
		anHour: "あと1時間", lessThanAnHour: "あと1時間未満",
		months:   [12]string{"1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"},
		weekdays: [7]string{"日", "月", "火", "水", "木", "金", "土"},
		at:       "{year}年{number}月{day}日（{weekday}）{time}",
	}
}
