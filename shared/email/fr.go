package email

import "golang.org/x/text/feature/plural"

func french() words {
	return words{
		tag: "fr", colon: " :", workspace: "un espace de travail",
		roles:    map[string]string{"admin": "administrateur", "builder": "concepteur", "end-user": "utilisateur final"},
		greeting: "Bonjour {name},", greetingUnnamed: "Bonjour,",
		kinds: map[Kind]occasion{
			Invitation: {
				subject: "{inviter} vous invite à rejoindre {workspace}", subjectUnnamed: "Vous êtes invité à rejoindre {workspace}",
				title: "Vous êtes invité à rejoindre {workspace}",
				intro: "{inviter} vous invite à rejoindre {workspace} (rôle : {role}).", introUnnamed: "Vous êtes invité à rejoindre {workspace} (rôle : {role}).",
			},
			Reinvitation: {
				subject: "{inviter} vous a envoyé une nouvelle invitation à {workspace}", subjectUnnamed: "Une nouvelle invitation à {workspace}",
				title: "Votre nouvelle invitation à {workspace}",
				intro: "{inviter} vous a envoyé une nouvelle invitation à rejoindre {workspace} (rôle : {role}). Les liens reçus auparavant ne fonctionnent plus.", introUnnamed: "Voici une nouvelle invitation à rejoindre {workspace} (rôle : {role}). Les liens reçus auparavant ne fonctionnent plus.",
			},
			Reminder: {
				subject: "Rappel : votre invitation à {workspace} expire {in}", subjectUnnamed: "Rappel : votre invitation à {workspace} expire bientôt",
				title: "Votre invitation à {workspace} vous attend",
				intro: "{inviter} vous a invité à rejoindre {workspace} (rôle : {role}). L’invitation attend toujours votre réponse.", introUnnamed: "Vous avez été invité à rejoindre {workspace} (rôle : {role}). L’invitation attend toujours votre réponse.",
			},
			Access: {
				subject: "Vous avez de nouveau accès à {workspace}", title: "Vous avez de nouveau accès à {workspace}",
				intro: "Vous avez de nouveau accès à {workspace} (rôle : {role}).", button: "Ouvrir {workspace}",
				why: "Cet e-mail a été envoyé à {to}, car vous êtes membre de {workspace}.",
			},
			Accepted: {
				subject: "{name} a accepté votre invitation à {workspace}", subjectUnnamed: "Votre invitation à {workspace} a été acceptée",
				title: "Votre invitation a été acceptée",
				intro: "{name} a accepté votre invitation et fait maintenant partie de {workspace} (rôle : {role}).", introUnnamed: "Votre invitation a été acceptée : {workspace} compte une personne de plus (rôle : {role}).",
				button: "Voir les membres de {workspace}",
				why:    "Cet e-mail a été envoyé à {to}, car {workspace} prévient les personnes qui invitent quand quelqu’un rejoint l’espace.",
			},
			Asked: {
				subject: "{name} demande une nouvelle invitation à {workspace}", subjectUnnamed: "Une nouvelle invitation à {workspace} est demandée",
				title: "Une nouvelle invitation est demandée",
				intro: "{name} a été invité à rejoindre {workspace} (rôle : {role}) et demande un nouveau lien. Vous pouvez l’envoyer depuis la liste des utilisateurs.", introUnnamed: "Une personne a été invitée à rejoindre {workspace} (rôle : {role}) et demande un nouveau lien. Vous pouvez l’envoyer depuis la liste des utilisateurs.",
				button: "Ouvrir la liste des utilisateurs",
				why:    "Cet e-mail a été envoyé à {to}, car vous êtes administrateur de {workspace}.",
			},
		},
		lead: "Message de {inviter} :", leadUnnamed: "Avec ce message :", linkRemoved: "[lien supprimé]",
		ends: "L’invitation expire {in}, le {ends}.", endsOn: "L’invitation expire le {ends}.",
		signUp: "Créer votre compte et rejoindre", signIn: "Se connecter et rejoindre",
		why:      "Cet e-mail a été envoyé à {to}, et le lien ne fonctionne que pour cette adresse. Si vous ne l’attendiez pas, ignorez-le : rien ne se passe tant que vous n’acceptez pas.",
		fallback: "Si le bouton ne fonctionne pas, ouvrez ce lien :",
		help:     "Des questions ? Écrivez à", stop: "Ne plus recevoir d’e-mails de {workspace}", abuse: "Signaler cette invitation",
		days:   map[plural.Form]string{plural.One: "dans {n} jour", plural.Other: "dans {n} jours"},
		hours:  map[plural.Form]string{plural.One: "dans {n} heure", plural.Other: "dans {n} heures"},
		anHour: "dans une heure", lessThanAnHour: "dans moins d’une heure",
		months:   [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
		weekdays: [7]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"},
		at:       "{weekday} {day} {month} {year} à {time}",
	}
}
