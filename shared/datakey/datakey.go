// Package datakey encrypts what a workspace keeps secret, its users' metadata
// above all, under a data key of its own. The data key rests in the workspace's
// item, wrapped by the deployment's KMS key: one call to KMS opens it, once for
// each workspace in the life of a warm function. Link keys are wrapped by the
// same KMS key, under an encryption context of their own.
//
// It may import the KMS client, shared/awsenv, shared/setting and the domain
// packages.
package datakey

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Keys opens data keys and keeps those that it opened. It is safe for
// concurrent use.
type Keys struct {
	env    awsenv.Env
	random io.Reader
	client func() *kms.Client

	mu     sync.Mutex
	opened map[string]Box // by workspace
}

// maxOpened bounds the memory of a function that serves very many workspaces.
const maxOpened = 10_000

// FromEnv is for a Lambda: the KMS key that METADATA_KEY names. The client is
// made when it is first needed.
func FromEnv(env awsenv.Env, random io.Reader) *Keys {
	return &Keys{env: env, random: random, opened: map[string]Box{}, client: sync.OnceValue(func() *kms.Client {
		return kms.New(kms.Options{
			Region: env.Region(), Credentials: env.Credentials(),
			BaseEndpoint: env.Endpoint("KMS"), Retryer: awsenv.Retryer(),
		})
	})}
}

// The encryption context ties a wrapped key to its workspace: KMS refuses to
// open it as another's.
func encryptionContext(workspaceID string) map[string]string {
	return map[string]string{"workspace": workspaceID}
}

// linkContext is the encryption context of link keys. Roles allow it separately
// from that of workspaces, so a role for one cannot open the other.
var linkContext = map[string]string{"purpose": "links"}

// New makes the data key of a workspace, wrapped.
func (k *Keys) New(ctx context.Context, workspaceID string) (wrapped []byte, err error) {
	return k.generate(ctx, encryptionContext(workspaceID))
}

// NewLinkKey makes a link key, wrapped.
func (k *Keys) NewLinkKey(ctx context.Context) (wrapped []byte, err error) {
	return k.generate(ctx, linkContext)
}

// OpenLinkKey unwraps a link key.
func (k *Keys) OpenLinkKey(ctx context.Context, wrapped []byte) ([]byte, error) {
	return k.unwrap(ctx, wrapped, linkContext)
}

// WrapLinkKey wraps a link key that came from elsewhere. No function's role
// allows it.
func (k *Keys) WrapLinkKey(ctx context.Context, key []byte) ([]byte, error) {
	id := k.env.Get(setting.MetadataKey.Name)
	out, err := k.client().Encrypt(ctx, &kms.EncryptInput{KeyId: &id, Plaintext: key, EncryptionContext: linkContext})
	if err != nil {
		return nil, awsenv.Failure("wrap a link key", err)
	}
	return out.CiphertextBlob, nil
}

func (k *Keys) generate(ctx context.Context, about map[string]string) (wrapped []byte, err error) {
	id := k.env.Get(setting.MetadataKey.Name)
	out, err := k.client().GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{
		KeyId: &id, KeySpec: types.DataKeySpecAes256, EncryptionContext: about,
	})
	if err != nil {
		return nil, awsenv.Failure("make a data key", err)
	}
	return out.CiphertextBlob, nil
}

func (k *Keys) unwrap(ctx context.Context, wrapped []byte, about map[string]string) ([]byte, error) {
	id := k.env.Get(setting.MetadataKey.Name)
	out, err := k.client().Decrypt(ctx, &kms.DecryptInput{KeyId: &id, CiphertextBlob: wrapped, EncryptionContext: about})
	if err != nil {
		return nil, awsenv.Failure("open a data key", err)
	}
	return out.Plaintext, nil
}

// Open gives the box of a workspace.
func (k *Keys) Open(ctx context.Context, w workspace.Workspace) (Box, error) {
	k.mu.Lock()
	box, ok := k.opened[w.ID]
	k.mu.Unlock()
	if ok {
		return box, nil
	}
	key, err := k.unwrap(ctx, w.DataKey, encryptionContext(w.ID))
	if err != nil {
		return Box{}, err
	}
	box, err = NewBox(key, k.random)
	if err != nil {
		return Box{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.opened) >= maxOpened {
		clear(k.opened)
	}
	k.opened[w.ID] = box
	return box, nil
}

// Box seals and unseals under one data key: AES-256-GCM with random nonces
// (NIST SP 800-38D allows 2^32 of them for a key).
type Box struct {
	aead   cipher.AEAD
	random io.Reader
}

// NewBox is the box of a 32-byte key.
func NewBox(key []byte, random io.Reader) (Box, error) {
	block, err := aes.NewCipher(key)
	if err != nil || len(key) != 32 {
		return Box{}, errors.New("a data key has 32 bytes")
	}
	aead, err := cipher.NewGCM(block)
	return Box{aead, random}, err
}

// ErrForeign is text that was not sealed by this box for this purpose.
var ErrForeign = errors.New("datakey: not sealed for this purpose")

const sealFormat = 1

// Seal encrypts. What was sealed for one purpose opens for no other.
func (b Box) Seal(purpose string, plain []byte) ([]byte, error) {
	sealed := make([]byte, 1+b.aead.NonceSize(), 1+b.aead.NonceSize()+len(plain)+b.aead.Overhead())
	sealed[0] = sealFormat
	if _, err := io.ReadFull(b.random, sealed[1:]); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return b.aead.Seal(sealed, sealed[1:], plain, []byte(purpose)), nil
}

// Unseal decrypts what Seal made for the same purpose.
func (b Box) Unseal(purpose string, sealed []byte) ([]byte, error) {
	n := b.aead.NonceSize()
	if len(sealed) < 1+n || sealed[0] != sealFormat {
		return nil, ErrForeign
	}
	plain, err := b.aead.Open(nil, sealed[1:1+n], sealed[1+n:], []byte(purpose))
	if err != nil {
		return nil, ErrForeign
	}
	return plain, nil
}

// The purpose of a user's metadata: moved to another user's record, it does
// not open.
func metadataOf(userID string) string { return "metadata of " + userID }

// SealMetadata encrypts a user's metadata; none stays none.
func (b Box) SealMetadata(userID string, metadata json.RawMessage) ([]byte, error) {
	if len(metadata) == 0 {
		return nil, nil
	}
	return b.Seal(metadataOf(userID), metadata)
}

// Metadata returns a user's metadata in the clear, {} where there is none.
func (b Box) Metadata(u user.User) (json.RawMessage, error) {
	if len(u.SealedMetadata) == 0 {
		return json.RawMessage("{}"), nil
	}
	return b.Unseal(metadataOf(u.ID), u.SealedMetadata)
}
