package datakey_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/infra/local/awsapi"
	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

func newBox(t testing.TB) datakey.Box {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	box, err := datakey.NewBox(key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestWhatIsSealedOpensForItsPurposeAlone(t *testing.T) {
	box, other := newBox(t), newBox(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		purpose, wrong := rapid.String().Draw(t, "purpose"), rapid.String().Draw(t, "another purpose")
		sealed, err := box.Seal(purpose, plain)
		if err != nil {
			t.Fatal(err)
		}
		if len(plain) > 8 && bytes.Contains(sealed, plain) {
			t.Fatal("it is not encrypted")
		}
		if got, err := box.Unseal(purpose, sealed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%q, %v", got, err)
		}
		if _, err := box.Unseal(wrong, sealed); wrong != purpose && !errors.Is(err, datakey.ErrForeign) {
			t.Fatalf("it opens for %q: %v", wrong, err)
		}
		if _, err := other.Unseal(purpose, sealed); !errors.Is(err, datakey.ErrForeign) {
			t.Fatalf("another key opens it: %v", err)
		}
	})
}

func TestWhatIsTamperedWithDoesNotOpen(t *testing.T) {
	box := newBox(t)
	sealed, err := box.Seal("p", []byte(`{"apiKey":"abc123"}`))
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, text []byte) {
		t.Helper()
		if plain, err := box.Unseal("p", text); !errors.Is(err, datakey.ErrForeign) || plain != nil {
			t.Errorf("%s: %q, %v", what, plain, err)
		}
	}
	for bit := range len(sealed) * 8 {
		sealed[bit/8] ^= 1 << (bit % 8)
		check("a flipped bit", sealed)
		sealed[bit/8] ^= 1 << (bit % 8)
	}
	for n := range sealed {
		check("cut", sealed[:n])
	}
	check("longer", append(bytes.Clone(sealed), 0))
	check("nothing", nil)
}

// Under one key a nonce that is used twice gives the plaintexts away.
func TestNoncesDiffer(t *testing.T) {
	box := newBox(t)
	seen := map[string]bool{}
	for range 1000 {
		sealed, err := box.Seal("p", []byte("the same"))
		if err != nil {
			t.Fatal(err)
		}
		if nonce := string(sealed[1:13]); seen[nonce] {
			t.Fatal("a nonce is used twice")
		} else {
			seen[nonce] = true
		}
	}
}

func TestWithoutRandomnessNothingIsSealed(t *testing.T) {
	for _, random := range []io.Reader{iotest.ErrReader(errors.New("none left")), bytes.NewReader(make([]byte, 11))} {
		box, err := datakey.NewBox(make([]byte, 32), random)
		if err != nil {
			t.Fatal(err)
		}
		if sealed, err := box.Seal("p", []byte("secret")); err == nil || sealed != nil {
			t.Errorf("%x", sealed)
		}
	}
}

func TestAKeyHas32Bytes(t *testing.T) {
	for _, n := range []int{0, 16, 24, 31, 33, 64} {
		if _, err := datakey.NewBox(make([]byte, n), rand.Reader); err == nil {
			t.Errorf("%d bytes are taken", n)
		}
	}
}

// kms is a KMS whose calls are counted, by operation.
type kms struct {
	mu    sync.Mutex
	calls map[string]int
	env   awsenv.Env
}

func newKMS(t *testing.T) *kms {
	t.Helper()
	k := &kms{calls: map[string]int{}}
	api, err := awsapi.New(awsapi.Config{DataDir: t.TempDir(), MetadataKeyID: "metadata-key", Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.mu.Lock()
		k.calls[strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")]++
		k.mu.Unlock()
		api.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	k.env = environment(server.URL)
	return k
}

func environment(url string) awsenv.Env {
	return awsenv.Env{Get: func(name string) string {
		return map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
			"AWS_ENDPOINT_URL_KMS": url, "METADATA_KEY": "metadata-key",
		}[name]
	}}
}

func (k *kms) workspace(t *testing.T, id string) workspace.Workspace {
	t.Helper()
	wrapped, err := datakey.FromEnv(k.env, rand.Reader).New(t.Context(), id)
	if err != nil || len(wrapped) == 0 {
		t.Fatalf("%x, %v", wrapped, err)
	}
	return workspace.Workspace{ID: id, DataKey: wrapped}
}

func open(t *testing.T, keys *datakey.Keys, w workspace.Workspace) datakey.Box {
	t.Helper()
	box, err := keys.Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestADataKeyIsOpenedOnceForManyUses(t *testing.T) {
	service := newKMS(t)
	w := service.workspace(t, "ws_1")
	keys := datakey.FromEnv(service.env, rand.Reader)
	metadata := json.RawMessage(`{"apiKey":"abc123"}`)
	u := user.User{ID: "usr_1"}
	var err error
	u.SealedMetadata, err = open(t, keys, w).SealMetadata(u.ID, metadata)
	if err != nil || bytes.Contains(u.SealedMetadata, []byte("abc123")) {
		t.Fatalf("%q, %v", u.SealedMetadata, err)
	}
	for range 50 {
		got, err := open(t, keys, w).Metadata(u)
		if err != nil || !bytes.Equal(got, metadata) {
			t.Fatalf("%s, %v", got, err)
		}
	}
	if service.calls["Decrypt"] != 1 || service.calls["GenerateDataKeyWithoutPlaintext"] != 1 || len(service.calls) != 2 {
		t.Errorf("KMS was called %v", service.calls)
	}
	// Another function opens the same.
	got, err := open(t, datakey.FromEnv(service.env, rand.Reader), w).Metadata(u)
	if err != nil || !bytes.Equal(got, metadata) {
		t.Errorf("in another function: %s, %v", got, err)
	}
}

// The zero box serves a person without metadata, so that what has none goes on
// working while KMS does not.
func TestWithoutMetadataNoKeyIsNeeded(t *testing.T) {
	var box datakey.Box
	sealed, err := box.SealMetadata("usr_1", nil)
	if err != nil || sealed != nil {
		t.Errorf("%x, %v", sealed, err)
	}
	got, err := box.Metadata(user.User{ID: "usr_1"})
	if err != nil || string(got) != "{}" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestAnotherWorkspacesKeyOpensNothing(t *testing.T) {
	service := newKMS(t)
	a, b := service.workspace(t, "ws_a"), service.workspace(t, "ws_b")
	keys := datakey.FromEnv(service.env, rand.Reader)
	sealed, err := open(t, keys, a).SealMetadata("usr_1", json.RawMessage(`{"k":1}`))
	if err != nil {
		t.Fatal(err)
	}
	u := user.User{ID: "usr_1", SealedMetadata: sealed}
	if got, err := open(t, keys, b).Metadata(u); !errors.Is(err, datakey.ErrForeign) {
		t.Errorf("the other workspace reads %s", got)
	}
	// The wrapped key itself, moved to the other workspace: KMS refuses.
	thief := workspace.Workspace{ID: "ws_b", DataKey: a.DataKey}
	fresh := datakey.FromEnv(service.env, rand.Reader)
	if _, err := fresh.Open(t.Context(), thief); err == nil {
		t.Error("the moved key opens")
	}
	if got, err := open(t, fresh, a).Metadata(u); err != nil || string(got) != `{"k":1}` {
		t.Errorf("the workspace itself: %s, %v", got, err)
	}
}

func TestMetadataMovedToAnotherUserDoesNotOpen(t *testing.T) {
	service := newKMS(t)
	w := service.workspace(t, "ws_a")
	keys := datakey.FromEnv(service.env, rand.Reader)
	sealed, err := open(t, keys, w).SealMetadata("usr_1", json.RawMessage(`{"k":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := open(t, keys, w).Metadata(user.User{ID: "usr_2", SealedMetadata: sealed}); !errors.Is(err, datakey.ErrForeign) {
		t.Errorf("%s, %v", got, err)
	}
}

func TestAKMSThatIsBusyIsUnavailableForNow(t *testing.T) {
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type": "ThrottlingException"}`)
	}))
	defer busy.Close()
	keys := datakey.FromEnv(environment(busy.URL), rand.Reader)
	for name, do := range map[string]func(context.Context) error{
		"New": func(ctx context.Context) error { _, err := keys.New(ctx, "ws_1"); return err },
		"Open": func(ctx context.Context) error {
			_, err := keys.Open(ctx, workspace.Workspace{ID: "ws_1", DataKey: []byte("x")})
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err := do(ctx)
		cancel()
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}
