package email

import "golang.org/x/text/feature/plural"

func german() words {
	return words{
		tag: "de", colon: ":", workspace: "einen Workspace",
		roles:    map[string]string{"admin": "Admin", "builder": "Builder", "end-user": "Endnutzer"},
		greeting: "Guten Tag {name},", greetingUnnamed: "Guten Tag,",
		kinds: map[Kind]occasion{
			Invitation: {
				subject: "{inviter} hat Sie zu {workspace} eingeladen", subjectUnnamed: "Sie sind zu {workspace} eingeladen",
				title: "Sie sind zu {workspace} eingeladen",
				intro: "{inviter} hat Sie eingeladen, {workspace} als {role} beizutreten.", introUnnamed: "Sie sind eingeladen, {workspace} als {role} beizutreten.",
			},
			Reinvitation: {
				subject: "{inviter} hat Ihnen eine neue Einladung zu {workspace} geschickt", subjectUnnamed: "Eine neue Einladung zu {workspace}",
				title: "Ihre neue Einladung zu {workspace}",
				intro: "{inviter} hat Ihnen eine neue Einladung geschickt, {workspace} als {role} beizutreten. Frühere Links funktionieren nicht mehr.", introUnnamed: "Hier ist eine neue Einladung, {workspace} als {role} beizutreten. Frühere Links funktionieren nicht mehr.",
			},
			Reminder: {
				subject: "Erinnerung: Ihre Einladung zu {workspace} endet {in}", subjectUnnamed: "Erinnerung: Ihre Einladung zu {workspace} endet bald",
				title: "Ihre Einladung zu {workspace} wartet",
				intro: "{inviter} hat Sie eingeladen, {workspace} als {role} beizutreten. Die Einladung wartet noch auf Ihre Antwort.", introUnnamed: "Sie wurden eingeladen, {workspace} als {role} beizutreten. Die Einladung wartet noch auf Ihre Antwort.",
			},
			Access: {
				subject: "Sie haben wieder Zugang zu {workspace}", title: "Sie haben wieder Zugang zu {workspace}",
				intro: "Sie haben wieder Zugang zu {workspace}, als {role}.", button: "{workspace} öffnen",
				why: "Diese E-Mail ging an {to}, weil Sie Mitglied von {workspace} sind.",
			},
			Accepted: {
				subject: "{name} hat Ihre Einladung zu {workspace} angenommen", subjectUnnamed: "Ihre Einladung zu {workspace} wurde angenommen",
				title: "Ihre Einladung wurde angenommen",
				intro: "{name} hat Ihre Einladung angenommen und ist jetzt als {role} in {workspace}.", introUnnamed: "Ihre Einladung wurde angenommen: In {workspace} ist jetzt eine Person mehr, als {role}.",
				button: "Mitglieder von {workspace} ansehen",
				why:    "Diese E-Mail ging an {to}, weil {workspace} Einladende benachrichtigt, wenn jemand beitritt.",
			},
			Asked: {
				subject: "{name} bittet um eine neue Einladung zu {workspace}", subjectUnnamed: "Jemand bittet um eine neue Einladung zu {workspace}",
				title: "Eine neue Einladung wird gebraucht",
				intro: "{name} wurde als {role} in {workspace} eingeladen und bittet um einen neuen Link. Sie können ihn in der Liste der Benutzer senden.", introUnnamed: "Eine Person wurde als {role} in {workspace} eingeladen und bittet um einen neuen Link. Sie können ihn in der Liste der Benutzer senden.",
				button: "Liste der Benutzer öffnen",
				why:    "Diese E-Mail ging an {to}, weil Sie Admin von {workspace} sind.",
			},
		},
		lead: "{inviter} schreibt dazu:", leadUnnamed: "Mit diesen Worten:", linkRemoved: "[Link entfernt]",
		ends: "Die Einladung endet {in}, am {ends}.", endsOn: "Die Einladung endet am {ends}.",
		signUp: "Konto anlegen und beitreten", signIn: "Anmelden und beitreten",
		why:      "Diese E-Mail ging an {to}, und der Link gilt nur für diese Adresse. Wenn Sie sie nicht erwartet haben, ignorieren Sie sie: Es geschieht nichts, solange Sie nicht annehmen.",
		fallback: "Wenn die Schaltfläche nicht funktioniert, öffnen Sie diesen Link:",
		help:     "Fragen? Schreiben Sie an", stop: "Keine E-Mails von {workspace} mehr", abuse: "Diese Einladung melden",
		days:   map[plural.Form]string{plural.One: "in {n} Tag", plural.Other: "in {n} Tagen"},
		hours:  map[plural.Form]string{plural.One: "in {n} Stunde", plural.Other: "in {n} Stunden"},
		anHour: "in einer Stunde", lessThanAnHour: "in weniger als einer Stunde",
		months:   [12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
		weekdays: [7]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"},
		at:       "{weekday}, {day}. {month} {year} um {time}",
	}
}
