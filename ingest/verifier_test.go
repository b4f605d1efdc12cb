package ingest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay/secret"
)

func TestPublicKeysVerifyTheirOwnAlone(t *testing.T) {
	all, others := signers(t), signers(t)
	for algorithm, signer := range all {
		t.Run(algorithm, func(t *testing.T) {
			method := jwt.GetSigningMethod(algorithm)
			v, err := ingest.PublicKey(publicPEM(t, signer.Public()), "")
			if err != nil {
				t.Fatal(err)
			}
			tokens := ingest.NewTokens(tokenStreams(), v)
			good := signToken(t, method, signer, "", claims(nil))
			if grant, err := tokens.Authorize(t.Context(), presented(good, "")); err != nil || grant.Stream != "main" {
				t.Errorf("granted %+v, %v", grant, err)
			}
			forged := signToken(t, method, others[algorithm], "", claims(nil))
			wantDenied(t, tokens, presented(forged, ""), ingest.ErrToken, forged)
			for other, key := range all {
				if other != algorithm {
					text := signToken(t, jwt.GetSigningMethod(other), key, "", claims(nil))
					wantDenied(t, tokens, presented(text, ""), ingest.ErrToken, text)
				}
			}
		})
	}
}

func TestVerifiersThatCannotWork(t *testing.T) {
	if _, err := ingest.SharedSecret(secret.New("short"), "HS256"); err == nil || !strings.Contains(err.Error(), "openssl rand") {
		t.Errorf("a short secret: %v", err)
	}
	large, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	all := signers(t)
	for name, tc := range map[string]struct {
		text      []byte
		algorithm string
	}{
		"not PEM":           {[]byte("rubbish"), ""},
		"not a key":         {[]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), ""},
		"another curve":     {publicPEM(t, large.Public()), ""},
		"RSA for EdDSA":     {publicPEM(t, all["RS256"].Public()), "EdDSA"},
		"RSA for HMAC":      {publicPEM(t, all["RS256"].Public()), "HS256"},
		"Ed25519 for RSA":   {publicPEM(t, all["EdDSA"].Public()), "RS256"},
		"a one-letter name": {publicPEM(t, all["EdDSA"].Public()), "R"},
	} {
		if _, err := ingest.PublicKey(tc.text, tc.algorithm); err == nil || !strings.Contains(err.Error(), "token key") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ingest.SignToken(secret.New(tokenSecret), "HS1", ingest.Claims{}); err == nil {
		t.Error("signed by an algorithm there is not")
	}
}

func TestSignedTokensOpen(t *testing.T) {
	token, err := ingest.SignToken(secret.New(tokenSecret), "HS256",
		ingest.NewClaims("aux", ingest.Publish, "192.0.2.0/24", "guest", time.Now(), time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	tokens := ingest.NewTokens(tokenStreams(), shared(t))
	grant, err := tokens.Authorize(t.Context(), presented(token.Reveal(), ""))
	if err != nil || grant.Stream != "aux" || !strings.HasPrefix(grant.Key, "token guest") {
		t.Errorf("granted %+v, %v", grant, err)
	}
}

// keySet serves the public keys of RSA signers by their IDs, and counts how often it is asked.
type keySet struct {
	keys  atomic.Pointer[map[string]*rsa.PublicKey]
	asked atomic.Int32
}

func (s *keySet) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.asked.Add(1)
	var all []map[string]string
	for id, k := range *s.keys.Load() {
		all = append(all, map[string]string{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "e": "AQAB",
			"n": base64.RawURLEncoding.EncodeToString(k.N.Bytes()),
		})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": all})
}

func TestKeySet(t *testing.T) {
	first, second := signers(t)["RS256"].(*rsa.PrivateKey), signers(t)["RS256"].(*rsa.PrivateKey)
	var set keySet
	set.keys.Store(&map[string]*rsa.PublicKey{"a": &first.PublicKey})
	web := httptest.NewServer(&set)
	defer web.Close()
	defer http.DefaultClient.CloseIdleConnections()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	v, err := ingest.KeySet(ctx, web.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	tokens := ingest.NewTokens(tokenStreams(), v)
	token := func(kid string, key *rsa.PrivateKey) string {
		return signToken(t, jwt.SigningMethodRS256, key, kid, claims(nil))
	}
	opens := func(text string) {
		t.Helper()
		if grant, err := tokens.Authorize(t.Context(), presented(text, "")); err != nil || grant.Stream != "main" {
			t.Errorf("granted %+v, %v", grant, err)
		}
	}
	opens(token("a", first))
	wantDenied(t, tokens, presented(token("a", second), ""), ingest.ErrToken, "")
	none := signToken(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "a", claims(nil))
	wantDenied(t, tokens, presented(none, ""), ingest.ErrToken, none)
	hmac := signToken(t, jwt.SigningMethodHS256, publicPEM(t, first.Public()), "a", claims(nil))
	wantDenied(t, tokens, presented(hmac, ""), ingest.ErrToken, hmac)

	// A key that is new to the set is fetched when its first token comes.
	set.keys.Store(&map[string]*rsa.PublicKey{"b": &second.PublicKey})
	opens(token("b", second))

	// Tokens with made-up key IDs neither wait nor make us ask the set again and again.
	before, started := set.asked.Load(), time.Now()
	for range 20 {
		wantDenied(t, tokens, presented(token("nobody", second), ""), ingest.ErrToken, "")
	}
	if asked, took := set.asked.Load()-before, time.Since(started); asked > 1 || took > 2*time.Second {
		t.Errorf("20 unknown key IDs made %d requests and took %v", asked, took)
	}
}
