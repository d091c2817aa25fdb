package email

import "golang.org/x/text/feature/plural"

func english() words {
	return words{
		tag: "en", colon: ":", workspace: "a workspace",
		roles:    map[string]string{"admin": "an admin", "builder": "a builder", "end-user": "an end user"},
		greeting: "Hello {name},", greetingUnnamed: "Hello,",
		kinds: map[Kind]occasion{
			Invitation: {
				subject: "{inviter} invited you to {workspace}", subjectUnnamed: "You are invited to {workspace}",
				title: "You are invited to {workspace}",
				intro: "{inviter} invited you to join {workspace} as {role}.", introUnnamed: "You are invited to join {workspace} as {role}.",
			},
			Reinvitation: {
				subject: "{inviter} sent you a new invitation to {workspace}", subjectUnnamed: "A new invitation to {workspace}",
				title: "Your new invitation to {workspace}",
				intro: "{inviter} sent you a new invitation to join {workspace} as {role}. Any link you were sent before no longer works.", introUnnamed: "Here is a new invitation to join {workspace} as {role}. Any link you were sent before no longer works.",
			},
			Reminder: {
				subject: "Reminder: your invitation to {workspace} ends {in}", subjectUnnamed: "Reminder: your invitation to {workspace} is ending",
				title: "Your invitation to {workspace} is waiting",
				intro: "{inviter} invited you to join {workspace} as {role}. The invitation is still waiting for your answer.", introUnnamed: "You were invited to join {workspace} as {role}. The invitation is still waiting for your answer.",
			},
			Access: {
				subject: "You have access to {workspace} again", title: "You have access to {workspace} again",
				intro: "You have been given access to {workspace} again, as {role}.", button: "Open {workspace}",
				why: "This mail was sent to {to}, because you are a member of {workspace}.",
			},
			Accepted: {
				subject: "{name} accepted your invitation to {workspace}", subjectUnnamed: "Your invitation to {workspace} was accepted",
				title: "Your invitation was accepted",
				intro: "{name} accepted your invitation and is now in {workspace} as {role}.", introUnnamed: "Your invitation was accepted: one more person is in {workspace} now, as {role}.",
				button: "See who is in {workspace}",
				why:    "This mail was sent to {to}, because {workspace} tells inviters when somebody joins.",
			},
			Asked: {
				subject: "{name} asks for a new invitation to {workspace}", subjectUnnamed: "Somebody asks for a new invitation to {workspace}",
				title: "A new invitation is needed",
				intro: "{name} was invited to join {workspace} as {role}, and asks for a new link. You can send it from the list of users.", introUnnamed: "Somebody was invited to join {workspace} as {role}, and asks for a new link. You can send it from the list of users.",
				button: "Open the list of users",
				why:    "This mail was sent to {to}, because you are an admin of {workspace}.",
			},
		},
		lead: "{inviter} wrote:", leadUnnamed: "With these words:", linkRemoved: "[link removed]",
		ends: "The invitation ends {in}, on {ends}.", endsOn: "The invitation ends on {ends}.",
		signUp: "Create your account and join", signIn: "Sign in and join",
		why:      "This mail was sent to {to}, and the link works for that address alone. If you did not expect it, ignore it: nothing happens unless you accept.",
		fallback: "If the button does not work, open this link:",
		help:     "Questions? Write to", stop: "No more mail from {workspace}", abuse: "Report this invitation",
		days:   map[plural.Form]string{plural.One: "in {n} day", plural.Other: "in {n} days"},
		hours:  map[plural.Form]string{plural.One: "in {n} hour", plural.Other: "in {n} hours"},
		anHour: "in an hour", lessThanAnHour: "in less than an hour",
		months:   [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		weekdays: [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		at:       "{weekday}, {day} {month} {year} at {time}",
	}
}
