package email

import "golang.org/x/text/feature/plural"

func portuguese() words {
	return words{
		tag: "pt-BR", colon: ":", workspace: "um espaço de trabalho",
		roles:    map[string]string{"admin": "administrador", "builder": "criador", "end-user": "usuário final"},
		greeting: "Olá, {name},", greetingUnnamed: "Olá,",
		kinds: map[Kind]occasion{
			Invitation: {
				subject: "{inviter} convidou você para {workspace}", subjectUnnamed: "Você foi convidado para {workspace}",
				title: "Você foi convidado para {workspace}",
				intro: "{inviter} convidou você para participar de {workspace} como {role}.", introUnnamed: "Você foi convidado para participar de {workspace} como {role}.",
			},
			Reinvitation: {
				subject: "{inviter} enviou a você um novo convite para {workspace}", subjectUnnamed: "Um novo convite para {workspace}",
				title: "Seu novo convite para {workspace}",
				intro: "{inviter} enviou a você um novo convite para participar de {workspace} como {role}. Os links anteriores não funcionam mais.", introUnnamed: "Aqui está um novo convite para participar de {workspace} como {role}. Os links anteriores não funcionam mais.",
			},
			Reminder: {
				subject: "Lembrete: seu convite para {workspace} expira {in}", subjectUnnamed: "Lembrete: seu convite para {workspace} está prestes a expirar",
				title: "Seu convite para {workspace} está à espera",
				intro: "{inviter} convidou você para participar de {workspace} como {role}. O convite ainda aguarda sua resposta.", introUnnamed: "Você foi convidado para participar de {workspace} como {role}. O convite ainda aguarda sua resposta.",
			},
			Access: {
				subject: "Você tem acesso a {workspace} novamente", title: "Você tem acesso a {workspace} novamente",
				intro: "Você tem acesso a {workspace} novamente, como {role}.", button: "Abrir {workspace}",
				why: "Este e-mail foi enviado para {to} porque você é membro de {workspace}.",
			},
			Accepted: {
				subject: "{name} aceitou seu convite para {workspace}", subjectUnnamed: "Seu convite para {workspace} foi aceito",
				title: "Seu convite foi aceito",
				intro: "{name} aceitou seu convite e agora está em {workspace} como {role}.", introUnnamed: "Seu convite foi aceito: agora há mais uma pessoa em {workspace}, como {role}.",
				button: "Ver quem está em {workspace}",
				why:    "Este e-mail foi enviado para {to} porque {workspace} avisa quem convidou quando alguém entra.",
			},
			Asked: {
				subject: "{name} pede um novo convite para {workspace}", subjectUnnamed: "Alguém pede um novo convite para {workspace}",
				title: "Um novo convite é necessário",
				intro: "{name} recebeu um convite para entrar em {workspace} como {role} e pede um novo link. Você pode enviá-lo na lista de usuários.", introUnnamed: "Alguém recebeu um convite para entrar em {workspace} como {role} e pede um novo link. Você pode enviá-lo na lista de usuários.",
				button: "Abrir a lista de usuários",
				why:    "Este e-mail foi enviado para {to} porque você é administrador de {workspace}.",
			},
		},
		lead: "{inviter} escreveu:", leadUnnamed: "Com estas palavras:", linkRemoved: "[link removido]",
		ends: "O convite expira {in} ({ends}).", endsOn: "O convite expira em: {ends}.",
		signUp: "Criar conta e participar", signIn: "Entrar e participar",
		why:      "Este e-mail foi enviado para {to}, e o link funciona apenas para esse endereço. Se você não o esperava, ignore-o: nada acontece enquanto você não aceitar.",
		fallback: "Se o botão não funcionar, abra este link:",
		help:     "Dúvidas? Escreva para", stop: "Não receber mais e-mails de {workspace}", abuse: "Denunciar este convite",
		days:   map[plural.Form]string{plural.One: "em {n} dia", plural.Other: "em {n} dias"},
		hours:  map[plural.Form]string{plural.One: "em {n} hora", plural.Other: "em {n} horas"},
		anHour: "em uma hora", lessThanAnHour: "em menos de uma hora",
		months:   [12]string{"janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"},
		weekdays: [7]string{"domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado"},
		at:       "{weekday}, {day} de {month} de {year}, {time}",
	}
}
