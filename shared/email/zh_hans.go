package email

import "golang.org/x/text/feature/plural"

func chinese() words {
	return words{
		tag: "zh-Hans", colon: "：", workspace: "一个工作区",
		roles:    map[string]string{"admin": "管理员", "builder": "构建者", "end-user": "最终用户"},
		greeting: "{name}，您好：", greetingUnnamed: "您好：",
		kinds: map[Kind]occasion{
			Invitation: {
				subject: "{inviter} 邀请您加入 {workspace}", subjectUnnamed: "您受邀加入 {workspace}",
				title: "您受邀加入 {workspace}",
				intro: "{inviter} 邀请您以{role}身份加入 {workspace}。", introUnnamed: "您受邀以{role}身份加入 {workspace}。",
			},
			Reinvitation: {
				subject: "{inviter} 向您发送了 {workspace} 的新邀请", subjectUnnamed: "{workspace} 的新邀请",
				title: "您加入 {workspace} 的新邀请",
				intro: "{inviter} 再次邀请您以{role}身份加入 {workspace}。之前收到的链接已失效。", introUnnamed: "这是您以{role}身份加入 {workspace} 的新邀请。之前收到的链接已失效。",
			},
			Reminder: {
				subject: "提醒：您加入 {workspace} 的邀请将在{in}失效", subjectUnnamed: "提醒：您加入 {workspace} 的邀请即将失效",
				title: "您加入 {workspace} 的邀请正在等待",
				intro: "{inviter} 邀请您以{role}身份加入 {workspace}。该邀请仍在等待您的答复。", introUnnamed: "您受邀以{role}身份加入 {workspace}。该邀请仍在等待您的答复。",
			},
			Access: {
				subject: "您已重新获得 {workspace} 的访问权限", title: "您已重新获得 {workspace} 的访问权限",
				intro: "您已重新以{role}身份获得 {workspace} 的访问权限。", button: "打开 {workspace}",
				why: "此邮件发送至 {to}，因为您是 {workspace} 的成员。",
			},
			Accepted: {
				subject: "{name} 接受了您加入 {workspace} 的邀请", subjectUnnamed: "您的 {workspace} 邀请已被接受",
				title: "您的邀请已被接受",
				intro: "{name} 接受了您的邀请，现已以{role}身份加入 {workspace}。", introUnnamed: "您的邀请已被接受：{workspace} 新增了一名{role}。",
				button: "查看 {workspace} 的成员",
				why:    "此邮件发送至 {to}，因为 {workspace} 会在有人加入时通知邀请人。",
			},
			Asked: {
				subject: "{name} 请求新的 {workspace} 邀请", subjectUnnamed: "有人请求新的 {workspace} 邀请",
				title: "需要新的邀请",
				intro: "{name} 曾受邀以{role}身份加入 {workspace}。现请求新的链接。您可以在用户列表中发送。", introUnnamed: "有人曾受邀以{role}身份加入 {workspace}。现请求新的链接。您可以在用户列表中发送。",
				button: "打开用户列表",
				why:    "此邮件发送至 {to}，因为您是 {workspace} 的管理员。",
			},
		},
		lead: "{inviter} 的留言：", leadUnnamed: "留言：", linkRemoved: "[链接已移除]",
		ends: "邀请将在{in}失效（{ends}）。", endsOn: "邀请的有效期至 {ends}。",
		signUp: "创建账号并加入", signIn: "登录并加入",
		why:      "此邮件发送至 {to}，链接仅对该地址有效。如果您没有预料到这封邮件，请忽略：只要您不接受，就不会发生任何事情。",
		fallback: "如果按钮无法使用，请打开以下链接：",
		help:     "有疑问？请联系", stop: "不再接收来自 {workspace} 的邮件", abuse: "举报此邀请",
		days:   map[plural.Form]string{plural.Other: " {n} 天后"},
		hours:  map[plural.Form]string{plural.Other: " {n} 小时后"},
		anHour: " 1 小时后", lessThanAnHour: "不到 1 小时内",
		months:   [12]string{"1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"},
		weekdays: [7]string{"星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"},
		at:       "{year}年{number}月{day}日{weekday} {time}",
	}
}
