package ingest

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/restreamd/restreamd/relay/secret"
)

// Key is one stream key.
type Key struct {
	App    string
	Stream string
	Name   string
	Value  secret.String
}

// Keyring is an Authorizer of fixed keys. It keeps digests, not keys, and compares every one of them in constant
// time, so that an answer's delay tells nothing.
type Keyring struct {
	apps    map[string]bool
	entries []keyEntry
}

type keyEntry struct {
	app    string
	grant  Grant
	digest [sha256.Size]byte
}

// NewKeyring returns a Keyring of keys.
func NewKeyring(keys []Key) *Keyring {
	k := &Keyring{apps: map[string]bool{}}
	for _, key := range keys {
		k.apps[key.App] = true
		k.entries = append(k.entries, keyEntry{
			app: key.App, grant: Grant{Stream: key.Stream, Key: key.Name}, digest: key.Value.Digest(),
		})
	}
	return k
}

// Authorize grants the stream whose key was presented.
func (k *Keyring) Authorize(_ context.Context, r Request) (Grant, error) {
	if !k.apps[r.App] {
		return Grant{}, ErrUnknownApp
	}
	if r.Key.IsZero() {
		return Grant{}, ErrNoKey
	}
	digest := r.Key.Digest()
	found := -1
	for i, e := range k.entries {
		if subtle.ConstantTimeCompare(e.digest[:], digest[:]) == 1 && e.app == r.App {
			found = i
		}
	}
	if found < 0 {
		return Grant{}, ErrUnknownKey
	}
	return k.entries[found].grant, nil
}
