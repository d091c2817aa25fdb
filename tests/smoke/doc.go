// Command smoke plays one journey against any deployment, from outside: it
// invites the addresses of the SES mailbox simulator, waits for each delivery
// state, joins as a second person, lists, archives, restores and erases, and
// prints what every operation took. It is the first thing to run after a
// deployment.
//
// It may import the standard library alone: it knows the contract and nothing
// else. Its test also starts infra/local.
package main
