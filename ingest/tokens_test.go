package ingest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay/secret"
)

const tokenSecret = "0123456789abcdef0123456789abcdef"

// tokenStreams are what tokens may be for. A key that looks like a token is among their keys.
func tokenStreams() []ingest.Stream {
	return []ingest.Stream{
		{Name: "main", App: "live", Keys: []ingest.Key{key("studio", "s3cret.with.dots")}},
		{Name: "aux", App: "live"},
		{Name: "other", App: "else"},
	}
}

func shared(t *testing.T) ingest.Verifier {
	t.Helper()
	v, err := ingest.SharedSecret(secret.New(tokenSecret), "HS256")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// claims are those of a good token with some replaced. nil takes a claim out.
func claims(change jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"stream": "main", "sub": "guest", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func signToken(t *testing.T, method jwt.SigningMethod, key any, kid string, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func hs256(t *testing.T, change jwt.MapClaims) string {
	t.Helper()
	return signToken(t, jwt.SigningMethodHS256, []byte(tokenSecret), "", claims(change))
}

// presented is a publish from 192.0.2.7.
func presented(key, query string) ingest.Request {
	return ingest.Request{
		Action: ingest.Publish, App: "live", Key: secret.New(key), Query: secret.New(query),
		Remote: netip.MustParseAddrPort("192.0.2.7:4000"),
	}
}

// wantDenied wants an error of its kind that says nothing of the token.
func wantDenied(t *testing.T, a ingest.Authorizer, r ingest.Request, want error, token string) {
	t.Helper()
	grant, err := a.Authorize(t.Context(), r)
	if grant != (ingest.Grant{}) || !errors.Is(err, want) {
		t.Errorf("granted %+v, %v; want %v", grant, err, want)
		return
	}
	for part := range strings.SplitSeq(token, ".") {
		if part != "" && strings.Contains(err.Error(), part) {
			t.Errorf("the error %q holds the token's %q", err, part)
		}
	}
}

func TestTokenClaims(t *testing.T) {
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	for name, tc := range map[string]struct {
		claims jwt.MapClaims
		err    error
	}{
		"good":                    {nil, nil},
		"publish by name":         {jwt.MapClaims{"action": "publish"}, nil},
		"from this address":       {jwt.MapClaims{"ip": "192.0.2.7"}, nil},
		"mapped address":          {jwt.MapClaims{"ip": "::ffff:192.0.2.7"}, nil},
		"from this network":       {jwt.MapClaims{"ip": "192.0.2.0/24"}, nil},
		"valid since now":         {jwt.MapClaims{"nbf": at(0)}, nil},
		"expired":                 {jwt.MapClaims{"exp": at(-time.Minute)}, ingest.ErrTokenExpired},
		"no end":                  {jwt.MapClaims{"exp": nil}, ingest.ErrToken},
		"not yet valid":           {jwt.MapClaims{"nbf": at(time.Minute)}, ingest.ErrTokenExpired},
		"another stream":          {jwt.MapClaims{"stream": "nobody"}, ingest.ErrTokenScope},
		"a stream of another app": {jwt.MapClaims{"stream": "other"}, ingest.ErrTokenScope},
		"no stream":               {jwt.MapClaims{"stream": nil}, ingest.ErrTokenScope},
		"for playing":             {jwt.MapClaims{"action": "play"}, ingest.ErrTokenScope},
		"for something else":      {jwt.MapClaims{"action": "PUBLISH"}, ingest.ErrTokenScope},
		"another address":         {jwt.MapClaims{"ip": "192.0.2.8"}, ingest.ErrTokenScope},
		"another network":         {jwt.MapClaims{"ip": "10.0.0.0/8"}, ingest.ErrTokenScope},
		"no address":              {jwt.MapClaims{"ip": "everywhere"}, ingest.ErrTokenScope},
	} {
		t.Run(name, func(t *testing.T) {
			token := hs256(t, tc.claims)
			tokens := ingest.NewTokens(tokenStreams(), shared(t))
			for place, r := range map[string]ingest.Request{
				"as the key": presented(token, ""), "behind a key": presented("anything", "token="+token),
				"behind no key": presented("", "x=1&token="+token),
			} {
				if tc.err != nil {
					wantDenied(t, tokens, r, tc.err, token)
					continue
				}
				if grant, err := tokens.Authorize(t.Context(), r); err != nil || grant.Stream != "main" || !strings.HasPrefix(grant.Key, "token guest") {
					t.Errorf("%s: granted %+v, %v", place, grant, err)
				}
			}
		})
	}
}

func TestTokenForPlaying(t *testing.T) {
	tokens := ingest.NewTokens(tokenStreams(), shared(t))
	r := presented(hs256(t, jwt.MapClaims{"action": "play"}), "")
	r.Action = ingest.Play
	if grant, err := tokens.Authorize(t.Context(), r); err != nil || grant.Stream != "main" {
		t.Errorf("granted %+v, %v", grant, err)
	}
	r = presented(hs256(t, nil), "")
	r.Action = ingest.Play
	wantDenied(t, tokens, r, ingest.ErrTokenScope, "")
}

// Clocks differ: 5 s are forgiven at both ends, and no more.
func TestTokensEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := ingest.NewTokens(tokenStreams(), shared(t))
		now := time.Now()
		r := presented(hs256(t, jwt.MapClaims{"nbf": now.Add(time.Minute).Unix(), "exp": now.Add(time.Hour).Unix()}), "")
		for _, step := range []struct {
			at time.Duration
			ok bool
		}{
			{54 * time.Second, false}, {56 * time.Second, true}, {time.Hour + 4*time.Second, true}, {time.Hour + 6*time.Second, false},
		} {
			time.Sleep(step.at - time.Since(now))
			if _, err := tokens.Authorize(t.Context(), r); (err == nil) != step.ok {
				t.Errorf("after %v: %v", step.at, err)
			}
		}
	})
}

func TestTokenForgeries(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public := publicPEM(t, rsaKey.Public())
	byKey, err := ingest.PublicKey(public, "")
	if err != nil {
		t.Fatal(err)
	}
	good := hs256(t, nil)
	parts := strings.Split(good, ".")
	swapped := strings.Split(hs256(t, jwt.MapClaims{"stream": "aux"}), ".")
	for name, tc := range map[string]struct {
		by    ingest.Verifier
		token string
	}{
		"no algorithm":                 {shared(t), signToken(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", claims(nil))},
		"no algorithm, by public key":  {byKey, signToken(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", claims(nil))},
		"another secret":               {shared(t), signToken(t, jwt.SigningMethodHS256, []byte("another secret of 32 characters!"), "", claims(nil))},
		"another HMAC":                 {shared(t), signToken(t, jwt.SigningMethodHS512, []byte(tokenSecret), "", claims(nil))},
		"the public key as a secret":   {byKey, signToken(t, jwt.SigningMethodHS256, public, "", claims(nil))},
		"the public key's DER as such": {byKey, signToken(t, jwt.SigningMethodHS256, der(t, public), "", claims(nil))},
		"another padding of RSA":       {byKey, signToken(t, jwt.SigningMethodPS256, rsaKey, "", claims(nil))},
		"another token's claims":       {shared(t), parts[0] + "." + swapped[1] + "." + parts[2]},
		"signature cut off":            {shared(t), parts[0] + "." + parts[1] + "."},
	} {
		t.Run(name, func(t *testing.T) {
			tokens := ingest.Doors{ingest.NewTokens(tokenStreams(), tc.by), ingest.NewKeyring(tokenStreams())}
			wantDenied(t, tokens, presented(tc.token, ""), ingest.ErrToken, tc.token)
			wantDenied(t, tokens, presented("x", "token="+tc.token), ingest.ErrToken, tc.token)
		})
	}
}

// What only looks like a token may be a key; behind ?token= nothing else counts.
func TestTokensAndKeysSideBySide(t *testing.T) {
	doors := ingest.Doors{ingest.NewTokens(tokenStreams(), shared(t)), ingest.NewKeyring(tokenStreams())}
	if grant, err := doors.Authorize(t.Context(), presented("s3cret.with.dots", "")); err != nil || grant.Key != "studio" {
		t.Errorf("a key with dots: granted %+v, %v", grant, err)
	}
	if grant, err := doors.Authorize(t.Context(), presented("s3cret.with.dots", "user=me&token=")); err != nil || grant.Key != "studio" {
		t.Errorf("a key and an empty token: granted %+v, %v", grant, err)
	}
	wantDenied(t, doors, presented("s3cret.with.dots", "token=rubbish"), ingest.ErrToken, "rubbish")
	wantDenied(t, doors, presented("no.such.key", ""), ingest.ErrUnknownKey, "")
	wantDenied(t, doors, presented("two.dots", ""), ingest.ErrUnknownKey, "")
	wantDenied(t, doors, presented("", ""), ingest.ErrNoKey, "")
}

// A subject is a person's text: what stands in logs has no control characters and an end.
func TestTokenNamesAreFitForLogs(t *testing.T) {
	tokens := ingest.NewTokens(tokenStreams(), shared(t))
	grant, err := tokens.Authorize(t.Context(), presented(hs256(t, jwt.MapClaims{"sub": "a\n\x1b[31mb" + strings.Repeat("x", 300)}), ""))
	if err != nil || strings.ContainsAny(grant.Key, "\n\x1b") || len(grant.Key) > 120 {
		t.Errorf("granted %q, %v", grant.Key, err)
	}
}

func publicPEM(t *testing.T, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func der(t *testing.T, text []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(text)
	return block.Bytes
}

// signers are the private keys of every algorithm with a public one.
func signers(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"RS256": rsaKey, "ES256": ec, "EdDSA": ed}
}
