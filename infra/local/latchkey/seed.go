package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
)

// seed is the data of a -seed file: workspaces with their people.
type seed struct {
	Workspaces []struct {
		Slug  string `json:"slug"`
		Name  string `json:"name"`
		Admin struct {
			Name  string `json:"name"`
			Email string `json:"email"`
		} `json:"admin"`
		Groups map[string]string `json:"groups"` // their names by id
		Users  []struct {
			Accept bool            `json:"accept"` // the person accepts at once
			Invite json.RawMessage `json:"invite"` // the body of inviteUser
		} `json:"users"`
	} `json:"workspaces"`
}

// readSeed reads a -seed file.
func (c *config) readSeed(file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	in := json.NewDecoder(bytes.NewReader(raw))
	in.DisallowUnknownFields()
	return in.Decode(&c.seed)
}

// plant creates what the seed names, through the API at url alone. A workspace
// whose slug is taken was planted before, and is left as it is.
func (s seed) plant(ctx context.Context, url string) error {
	for _, w := range s.Workspaces {
		admin, err := signUp(ctx, url, w.Admin.Name, w.Admin.Email)
		if err != nil {
			return err
		}
		var made struct{ ID string }
		err = admin.call(ctx, http.MethodPost, "/v1/workspaces", map[string]string{"name": w.Name, "slug": w.Slug}, &made)
		if taken := (*refusal)(nil); errors.As(err, &taken) && taken.Code == "slug_taken" {
			continue
		}
		if err != nil {
			return err
		}
		at := "/v1/workspaces/" + made.ID
		for id, name := range w.Groups {
			if err := admin.call(ctx, http.MethodPut, at+"/groups/"+id, map[string]string{"name": name}, nil); err != nil {
				return err
			}
		}
		for _, u := range w.Users {
			var invited struct {
				Name, Email string
				Invitation  struct{ URL string }
			}
			if err := admin.call(ctx, http.MethodPost, at+"/users", u.Invite, &invited); err != nil {
				return err
			}
			if !u.Accept {
				continue
			}
			person, err := signUp(ctx, url, invited.Name, invited.Email)
			if err == nil {
				err = person.call(ctx, http.MethodPost, "/v1/invitations/"+path.Base(invited.Invitation.URL)+"/accept", nil, nil)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// account calls the API as a person; token is "" before they signed up.
type account struct{ url, token string }

// signUp makes an account at the local issuer, or takes the one that exists.
func signUp(ctx context.Context, url, name, email string) (account, error) {
	a := account{url: url}
	who := map[string]string{"name": name, "email": email}
	err := a.call(ctx, http.MethodPost, "/local/signup", who, nil)
	if known := (*refusal)(nil); errors.As(err, &known) && known.Status == http.StatusConflict {
		err = nil
	}
	var signedIn struct{ Token string }
	if err == nil {
		err = a.call(ctx, http.MethodPost, "/local/token", who, &signedIn)
	}
	a.token = signedIn.Token
	return a, err
}

// refusal is an answer of the API other than 2xx.
type refusal struct {
	Status int
	Code   string `json:"code"`
	what   string
}

func (r *refusal) Error() string { return r.what }

// call makes a request and decodes the answer into out, if that is not nil.
func (a account) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if in == nil {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	req.Header.Set("Content-Type", "application/json")
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		refused := &refusal{what: fmt.Sprintf("%s …/%s was answered %d: %s", method, filepath.Base(path), res.StatusCode, raw)}
		_ = json.Unmarshal(raw, refused) // what is no problem has no code
		refused.Status = res.StatusCode
		return refused
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}
