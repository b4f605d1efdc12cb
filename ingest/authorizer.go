package ingest

import (
	"context"
	"errors"
	"net/netip"

	"github.com/restreamd/restreamd/relay/secret"
)

// Reasons for which a publish is refused. They are logged, counted and told to the encoder.
var (
	ErrUnknownApp = errors.New("unknown app")
	ErrUnknownKey = errors.New("unknown stream key")
	ErrNoKey      = errors.New("no stream key")
)

// Request is what a peer asks for.
type Request struct {
	App    string // first part of the URL's path
	Key    secret.String
	Query  secret.String // what followed the key after a question mark
	Remote netip.AddrPort
}

// Grant is what a request is given.
type Grant struct {
	Stream string // the stream to feed
	Key    string // the name of the key presented, never the key
}

// Authorizer decides who may publish what.
type Authorizer interface {
	Authorize(context.Context, Request) (Grant, error)
}
