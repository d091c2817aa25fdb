package email

import "golang.org/x/text/feature/plural"

func spanish() words {
	return words{
		tag: "es", colon: ":", workspace: "un espacio de trabajo",
		roles:    map[string]string{"admin": "administrador", "builder": "creador", "end-user": "usuario final"},
		greeting: "Hola, {name}:", greetingUnnamed: "Hola:",
		kinds: map[Kind]occasion{
			Invitation: {
				subject: "{inviter} le ha invitado a {workspace}", subjectUnnamed: "Tiene una invitación a {workspace}",
				title: "Tiene una invitación a {workspace}",
				intro: "{inviter} le ha invitado a unirse a {workspace} como {role}.", introUnnamed: "Tiene una invitación para unirse a {workspace} como {role}.",
			},
			Reinvitation: {
				subject: "{inviter} le ha enviado una nueva invitación a {workspace}", subjectUnnamed: "Una nueva invitación a {workspace}",
				title: "Su nueva invitación a {workspace}",
				intro: "{inviter} le ha enviado una nueva invitación para unirse a {workspace} como {role}. Los enlaces anteriores ya no funcionan.", introUnnamed: "Aquí tiene una nueva invitación para unirse a {workspace} como {role}. Los enlaces anteriores ya no funcionan.",
			},
			Reminder: {
				subject: "Recordatorio: su invitación a {workspace} caduca {in}", subjectUnnamed: "Recordatorio: su invitación a {workspace} está a punto de caducar",
				title: "Su invitación a {workspace} le espera",
				intro: "{inviter} le invitó a unirse a {workspace} como {role}. La invitación sigue esperando su respuesta.", introUnnamed: "Se le invitó a unirse a {workspace} como {role}. La invitación sigue esperando su respuesta.",
			},
			Access: {
				subject: "Vuelve a tener acceso a {workspace}", title: "Vuelve a tener acceso a {workspace}",
				intro: "Vuelve a tener acceso a {workspace}, como {role}.", button: "Abrir {workspace}",
				why: "Este correo se envió a {to} porque usted es miembro de {workspace}.",
			},
			Accepted: {
				subject: "{name} ha aceptado su invitación a {workspace}", subjectUnnamed: "Se ha aceptado su invitación a {workspace}",
				title: "Se ha aceptado su invitación",
				intro: "{name} ha aceptado su invitación y ya está en {workspace} como {role}.", introUnnamed: "Se ha aceptado su invitación: ya hay una persona más en {workspace}, como {role}.",
				button: "Ver quién está en {workspace}",
				why:    "Este correo se envió a {to} porque {workspace} avisa a quien invita cuando alguien se une.",
			},
			Asked: {
				subject: "{name} pide una nueva invitación a {workspace}", subjectUnnamed: "Alguien pide una nueva invitación a {workspace}",
				title: "Hace falta una nueva invitación",
				intro: "{name} recibió una invitación para unirse a {workspace} como {role} y pide un enlace nuevo. Puede enviarlo desde la lista de usuarios.", introUnnamed: "Alguien recibió una invitación para unirse a {workspace} como {role} y pide un enlace nuevo. Puede enviarlo desde la lista de usuarios.",
				button: "Abrir la lista de usuarios",
				why:    "Este correo se envió a {to} porque usted es administrador de {workspace}.",
			},
		},
		lead: "{inviter} le escribe:", leadUnnamed: "Con estas palabras:", linkRemoved: "[enlace eliminado]",
		ends: "La invitación caduca {in}, el {ends}.", endsOn: "La invitación caduca el {ends}.",
		signUp: "Crear una cuenta y unirse", signIn: "Iniciar sesión y unirse",
		why:      "Este correo se envió a {to}, y el enlace solo funciona para esa dirección. Si no lo esperaba, ignórelo: no ocurre nada mientras usted no acepte.",
		fallback: "Si el botón no funciona, abra este enlace:",
		help:     "¿Preguntas? Escriba a", stop: "No recibir más correos de {workspace}", abuse: "Denunciar esta invitación",
		days:   map[plural.Form]string{plural.One: "en {n} día", plural.Other: "en {n} días"},
		hours:  map[plural.Form]string{plural.One: "en {n} hora", plural.Other: "en {n} horas"},
		anHour: "en una hora", lessThanAnHour: "en menos de una hora",
		months:   [12]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
		weekdays: [7]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
		at:       "{weekday}, {day} de {month} de {year}, {time}",
	}
}
