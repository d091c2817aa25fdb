package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
)

// identity is a person who calls the API.
type identity struct {
	email string
	token string
}

// identities returns the admin and the invited person. Each has a token, or a
// command that prints one, in the environment; on the laptop, the local issuer
// makes both.
func identities(ctx context.Context, api string, getenv func(string) string, run string) (admin, invitee identity, err error) {
	admin, err = fromEnvironment(ctx, getenv, "ADMIN")
	if err != nil {
		return admin, invitee, err
	}
	invitee, err = fromEnvironment(ctx, getenv, "INVITEE")
	if err != nil {
		return admin, invitee, err
	}
	if !isLaptop(api) && (admin.token == "" || invitee.token == "") {
		return admin, invitee, errors.New("set ADMIN_TOKEN or ADMIN_TOKEN_COMMAND, and INVITEE_TOKEN or INVITEE_TOKEN_COMMAND: ID tokens of two accounts (docs/smoke-test.md)")
	}
	for who, one := range map[string]*identity{"admin": &admin, "invitee": &invitee} {
		if one.token == "" {
			*one, err = fromLaptop(ctx, api, who+"-"+run+"@smoke.example")
			if err != nil {
				return admin, invitee, err
			}
		}
	}
	if strings.EqualFold(admin.email, invitee.email) {
		return admin, invitee, errors.New("the admin and the invitee must be two accounts with different addresses")
	}
	return admin, invitee, nil
}

func fromEnvironment(ctx context.Context, getenv func(string) string, who string) (identity, error) {
	token := getenv(who + "_TOKEN")
	if command := getenv(who + "_TOKEN_COMMAND"); token == "" && command != "" {
		out, err := exec.CommandContext(ctx, "sh", "-c", command).Output()
		if err != nil {
			return identity{}, fmt.Errorf("%s_TOKEN_COMMAND failed: %w", who, err)
		}
		token = strings.TrimSpace(string(out))
	}
	if token == "" {
		return identity{}, nil
	}
	email, err := emailOf(token)
	if err != nil {
		return identity{}, fmt.Errorf("the token of %s: %w", who, err)
	}
	return identity{email, token}, nil
}

// emailOf reads the address in an ID token. The deployment verifies the token.
func emailOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("it is no JWT")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", fmt.Errorf("it is no JWT: %w", err)
	}
	var claims struct{ Email string }
	if err := json.Unmarshal(raw, &claims); err != nil {
		return "", fmt.Errorf("it is no JWT: %w", err)
	}
	if claims.Email == "" {
		return "", errors.New("it has no claim email: send the ID token, not the access token")
	}
	return claims.Email, nil
}

// isLaptop reports whether the API is the stack of make run.
func isLaptop(api string) bool {
	u, err := url.Parse(api)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

func fromLaptop(ctx context.Context, api, email string) (identity, error) {
	var out struct{ Token string }
	name, _, _ := strings.Cut(email, "-")
	_, err := newClient(api).do(ctx, request{
		operation: "POST /local/token", method: http.MethodPost, path: "/local/token",
		body: map[string]string{"email": email, "name": "Smoke " + cmp.Or(name, "test")}, want: http.StatusOK,
	}, &out)
	return identity{email, out.Token}, err
}
