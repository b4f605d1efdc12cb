package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/restreamd/restreamd/relay/secret"
)

// Reasons for which a token is refused.
var (
	ErrTokenExpired = &Cause{"token_expired", "the token has expired, or is not valid yet"}
	ErrToken        = &Cause{"token", "the token's signature or form is not valid"}
	ErrTokenScope   = &Cause{"token_scope", "the token is for another stream, action or address"}
)

// tokenLeeway forgives clocks that differ.
const tokenLeeway = 5 * time.Second

// Claims are what a token says besides the registered claims, of which exp is required and nbf is honoured.
type Claims struct {
	Stream string `json:"stream"`           // the stream it is for
	Action Action `json:"action,omitempty"` // default publish
	IP     string `json:"ip,omitempty"`     // address or prefix it may be used from; default everywhere
	jwt.RegisteredClaims
}

// NewClaims returns what a token made at now says that is valid for a time.
func NewClaims(stream string, action Action, ip, name string, now time.Time, valid time.Duration) Claims {
	return Claims{Stream: stream, Action: action, IP: ip, RegisteredClaims: jwt.RegisteredClaims{
		Subject: name, IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(valid)),
	}}
}

// Tokens is an Authorizer of signed, expiring stream keys (JSON Web Tokens, RFC 7519). A token stands in the key's
// place, or behind the key as ?token=; there it counts alone. When it expires it opens nothing any more, but what it
// opened goes on.
type Tokens struct {
	streams []Stream
	parser  *jwt.Parser
	key     jwt.Keyfunc
}

// NewTokens returns an Authorizer of tokens for streams.
func NewTokens(streams []Stream, v Verifier) *Tokens {
	return &Tokens{
		streams: streams, key: v.key,
		parser: jwt.NewParser(jwt.WithValidMethods(v.methods), jwt.WithExpirationRequired(), jwt.WithLeeway(tokenLeeway)),
	}
}

// Authorize grants the stream that the token names. What does not look like a token is ErrUnknownKey.
func (t *Tokens) Authorize(_ context.Context, r Request) (Grant, error) {
	text, certain := tokenOf(r)
	if text.IsZero() {
		return Grant{}, ErrUnknownKey
	}
	var c Claims
	_, err := t.parser.ParseWithClaims(text.Reveal(), &c, t.key)
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed) && !certain:
		return Grant{}, ErrUnknownKey // a key may have dots
	case err != nil:
		return Grant{}, tokenError(err)
	}
	if c.Action == "" {
		c.Action = Publish
	}
	known := slices.ContainsFunc(t.streams, func(s Stream) bool { return s.Name == c.Stream && s.App == r.App })
	if !known || c.Action != r.Action || !c.from(r.Remote.Addr()) {
		return Grant{}, ErrTokenScope
	}
	name := "token"
	if c.Subject != "" {
		name = "token " + printable(c.Subject)
	}
	return Grant{Stream: c.Stream, Key: name, Holder: holder(text)}, nil
}

// tokenOf finds the token: behind the key, where it is certain to be one, else perhaps in its place: three parts with
// dots between them.
func tokenOf(r Request) (text secret.String, certain bool) {
	query, err := url.ParseQuery(r.Query.Reveal())
	if err == nil && query.Get("token") != "" {
		return secret.New(query.Get("token")), true
	}
	if strings.Count(r.Key.Reveal(), ".") == 2 {
		return r.Key, false
	}
	return secret.String{}, false
}

// holder tells secrets apart without being one.
func holder(s secret.String) string {
	digest := s.Digest()
	return string(digest[:])
}

func (c Claims) from(ip netip.Addr) bool {
	if c.IP == "" {
		return true
	}
	if one, err := netip.ParseAddr(c.IP); err == nil {
		return one.Unmap() == ip
	}
	p, err := netip.ParsePrefix(c.IP)
	return err == nil && p.Contains(ip)
}

// tokenError leaves out the parser's words: they can quote the token.
func tokenError(err error) error {
	switch {
	case errors.Is(err, jwt.ErrTokenExpired), errors.Is(err, jwt.ErrTokenNotValidYet):
		return ErrTokenExpired
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		return fmt.Errorf("%w (no key to verify it with)", ErrToken)
	}
	return ErrToken
}
