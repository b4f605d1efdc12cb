package ingest

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/secret"
)

// Reasons for which a publish or a play is refused. They are logged, counted and told to the peer.
var (
	ErrUnknownApp = &Cause{"app", "unknown app: the encoder's Server ends in an app of restreamd.yml, /live by default"}
	ErrUnknownKey = &Cause{"key_unknown", "unknown stream key: give the encoder one of restreamd.yml, or that of data/stream.key"}
	ErrNoKey      = &Cause{"key_missing", "no stream key: fill in Stream Key"}
	ErrExpired    = &Cause{"key_expired", "this stream key has expired"}
	ErrAddress    = &Cause{"address", "this stream key may not be used from this address"}
	ErrRevoked    = &Cause{"revoked", "the stream key was withdrawn"}
)

// Action is what a peer wants to do with a stream.
type Action string

// The actions.
const (
	Publish Action = "publish"
	Play    Action = "play"
)

// Request is what a peer asks for.
type Request struct {
	Action Action
	App    string // first part of the URL's path
	Key    secret.String
	Query  secret.String // what followed the key after a question mark
	Remote netip.AddrPort
	TCURL  secret.String // of connect: it can hold a key
	Agent  string        // what the encoder calls itself
}

// Grant is what a request is given.
type Grant struct {
	Stream string // the stream to feed or to play
	Key    string // the name of what was presented: a key, a token, never the secret
	// Holder tells apart those whose Key is the same: a publisher is replaced by its own holder only. It is shown to
	// nobody. Default: the Key.
	Holder string
	// Standing grants hold for as long as the same request would be granted again: a publisher is ended soon after
	// its key is removed or expires. Others hold until the publisher leaves.
	Standing bool
	// Role is what a publisher is to the stream. Default: primary.
	Role relay.Role
}

// Authorizer decides who may do what. A Grant that comes with an error has at most a Key, for the log.
type Authorizer interface {
	Authorize(context.Context, Request) (Grant, error)
}

// Doors asks one Authorizer after the other until one knows what was presented: ErrUnknownKey is "ask the next".
type Doors []Authorizer

// Authorize returns the first answer that is not ErrUnknownKey.
func (d Doors) Authorize(ctx context.Context, r Request) (Grant, error) {
	for _, door := range d {
		grant, err := door.Authorize(ctx, r)
		if !errors.Is(err, ErrUnknownKey) {
			return grant, err
		}
	}
	return Grant{}, ErrUnknownKey
}

// Lock is an Authorizer that can be replaced while it is used. Until the first Change it knows nobody.
type Lock struct{ now atomic.Pointer[Authorizer] }

// Change puts another authorizer in force, for all requests from now on.
func (l *Lock) Change(a Authorizer) { l.now.Store(&a) }

// Authorize asks the authorizer in force.
func (l *Lock) Authorize(ctx context.Context, r Request) (Grant, error) {
	a := l.now.Load()
	if a == nil {
		return Grant{}, ErrUnknownKey
	}
	return (*a).Authorize(ctx, r)
}
