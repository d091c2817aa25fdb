// Package link derives and verifies the links in a mail. A token carries the
// workspace, the user and the generation of the link, and a MAC over them and
// over what the link is for: nothing that opens a door is stored, and a link can
// be derived again at any time. A token says only which invitation is meant; its
// state is read from the table.
//
// It imports the standard library, shared/id, and the two domain packages for
// the shapes of their identifiers.
package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// ErrInvalid is any text that is no token of ours: truncated, forged, made
// with a key that has been rotated out, or for another purpose. They are not
// told apart.
var ErrInvalid = errors.New("link: not a token")

// Purpose is what a token is for. It is part of what is signed, so a token is
// worth nothing for another purpose.
type Purpose string

// The purposes. The link to accept is shown to admins, too; the other two stand
// in the mail alone, so only its reader can refuse mail or report it.
const (
	Accept Purpose = "latchkey/invitation/1\x00"
	OptOut Purpose = "latchkey/opt-out/1\x00"
	Report Purpose = "latchkey/report/1\x00"
)

// Invitation is what a token stands for. Generation is 0 in the mails of a
// founder, who was never invited.
type Invitation struct {
	WorkspaceID string
	UserID      string
	Generation  int
}

// Keys sign with Current and verify with any of them. Each is 32 bytes. The
// zero value signs and verifies nothing.
type Keys struct {
	Current []byte
	Others  [][]byte // those of before a rotation, and the next one
}

const (
	format      = 1
	payloadSize = 1 + id.RandomBytes + id.HashBytes + 4
	tokenSize   = payloadSize + sha256.Size
)

// Token derives a token of an invitation: 96 characters of base64url.
func (k Keys) Token(purpose Purpose, inv Invitation) (string, error) {
	ws, ok := id.Bytes(workspace.IDPrefix, inv.WorkspaceID, id.RandomBytes)
	usr, ok2 := id.Bytes(user.IDPrefix, inv.UserID, id.HashBytes)
	if !ok || !ok2 || inv.Generation < 0 || purpose == Accept && inv.Generation == 0 || inv.Generation > math.MaxUint32 {
		return "", errors.New("link: not an invitation")
	}
	if len(k.Current) == 0 {
		return "", errors.New("link: there is no key")
	}
	raw := make([]byte, 0, tokenSize)
	raw = append(raw, format)
	raw = append(raw, ws...)
	raw = append(raw, usr...)
	raw = binary.BigEndian.AppendUint32(raw, uint32(inv.Generation))
	raw = append(raw, mac(k.Current, purpose, raw)...)
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// Verify returns the invitation that a token was made for, or ErrInvalid.
func (k Keys) Verify(purpose Purpose, token string) (Invitation, error) {
	if len(token) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return Invitation{}, ErrInvalid
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The decoder passes over line breaks, so the length is asked of both.
	if err != nil || len(raw) != tokenSize || raw[0] != format {
		return Invitation{}, ErrInvalid
	}
	payload, sum := raw[:payloadSize], raw[payloadSize:]
	if !signed(k.Current, purpose, payload, sum) && !slices.ContainsFunc(k.Others, func(other []byte) bool { return signed(other, purpose, payload, sum) }) {
		return Invitation{}, ErrInvalid
	}
	ws := payload[1 : 1+id.RandomBytes]
	usr := payload[1+id.RandomBytes : 1+id.RandomBytes+id.HashBytes]
	return Invitation{
		WorkspaceID: id.FromBytes(workspace.IDPrefix, ws),
		UserID:      id.FromBytes(user.IDPrefix, usr),
		Generation:  int(binary.BigEndian.Uint32(payload[payloadSize-4:])),
	}, nil
}

func signed(key []byte, purpose Purpose, payload, sum []byte) bool {
	return len(key) > 0 && hmac.Equal(mac(key, purpose, payload), sum)
}

func mac(key []byte, purpose Purpose, payload []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(purpose))
	h.Write(payload)
	return h.Sum(nil)
}

// URL is the address that is mailed: <api>/invite/<token>. The base comes from
// configuration, never from a request.
func URL(apiURL, token string) string { return apiURL + "/invite/" + token }
