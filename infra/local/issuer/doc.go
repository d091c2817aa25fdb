// Package issuer is the identity provider of the laptop: a small OpenID
// Connect issuer that stands where a company's own provider, or the stack's
// Cognito user pool, stands in the cloud. It signs real RS256 tokens, publishes
// the keys that verify them, speaks the authorization code flow with PKCE to
// the dashboard, and has a sign-in and a sign-up page for people.
//
// It asks for no password and takes every email as verified, so it must never
// serve anything but the machine that it runs on: requests that name another
// host than its own, or the loopback, are refused.
//
// It may import the standard library, golang-jwt and infra/local/loopback. It knows nothing of the
// functions: what an account's appearing sets off is the OnSignUp hook.
package issuer
