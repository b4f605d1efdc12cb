package ingest

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"slices"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// Stream is what a Keyring knows of a stream.
type Stream struct {
	Name string
	App  string
	Keys []Key
	// Revoke ends a running publisher when its key is removed or expires. Default: it may finish.
	Revoke bool
	// PlayWithKey lets a publish key play too.
	PlayWithKey bool
	// PlayLocally lets the stream be played by its name, without a key, from this machine.
	PlayLocally bool
}

// Key is one stream key, of which only the digest is kept.
type Key struct {
	Name    string
	Digest  [sha256.Size]byte
	Expires time.Time      // zero: never
	Allow   []netip.Prefix // where it may be used from; empty: everywhere
	Role    relay.Role     // of who publishes with it; default primary
}

// Keyring is an Authorizer of fixed keys. It compares every digest in constant time, so that an answer's delay tells
// nothing.
type Keyring struct {
	streams []Stream
	now     func() time.Time
}

// NewKeyring returns a Keyring of the keys of streams.
func NewKeyring(streams []Stream) *Keyring { return &Keyring{streams: streams, now: time.Now} }

// Authorize grants the stream whose key was presented. A key that is known but does not open it is named all the same.
func (k *Keyring) Authorize(_ context.Context, r Request) (Grant, error) {
	if !slices.ContainsFunc(k.streams, func(s Stream) bool { return s.App == r.App }) {
		return Grant{}, ErrUnknownApp
	}
	if r.Key.IsZero() {
		return Grant{}, ErrNoKey
	}
	stream, key := k.find(r)
	switch {
	case stream == nil:
		return k.local(r)
	case r.Action == Play && !stream.PlayWithKey:
		return Grant{Key: key.Name}, ErrPlay
	case !key.Expires.IsZero() && !k.now().Before(key.Expires):
		return Grant{Key: key.Name}, ErrExpired
	case !allowed(key.Allow, r.Remote.Addr()):
		return Grant{Key: key.Name}, ErrAddress
	}
	return Grant{Stream: stream.Name, Key: key.Name, Standing: stream.Revoke, Role: key.Role}, nil
}

// find looks at every key, found or not.
func (k *Keyring) find(r Request) (stream *Stream, key *Key) {
	digest := r.Key.Digest()
	for i := range k.streams {
		s := &k.streams[i]
		for j := range s.Keys {
			if subtle.ConstantTimeCompare(s.Keys[j].Digest[:], digest[:]) == 1 && s.App == r.App {
				stream, key = s, &s.Keys[j]
			}
		}
	}
	return stream, key
}

// local grants a play by the stream's name from this machine.
func (k *Keyring) local(r Request) (Grant, error) {
	if r.Action != Play || !r.Remote.Addr().IsLoopback() {
		return Grant{}, ErrUnknownKey
	}
	for _, s := range k.streams {
		if s.App == r.App && s.PlayLocally && s.Name == r.Key.Reveal() {
			return Grant{Stream: s.Name, Key: "(this machine)"}, nil
		}
	}
	return Grant{}, ErrUnknownKey
}

func allowed(prefixes []netip.Prefix, ip netip.Addr) bool {
	ip = ip.WithZone("") // of a link-local address, which no prefix has
	return len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(ip) })
}
