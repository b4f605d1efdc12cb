package ingest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/restreamd/restreamd/relay/secret"
)

// minSharedSecret is the shortest secret tokens may be signed with, in bytes: a shorter one can be guessed from a token.
const minSharedSecret = 16

// keySetTimeout bounds a fetch of the key set, and what a token with a key not in it waits for the next one: an
// encoder has 10 s to publish (limits.handshake).
const keySetTimeout = 5 * time.Second

// Verifier is how tokens are checked: with which key, and by which algorithms only.
type Verifier struct {
	methods []string
	key     jwt.Keyfunc
}

// SharedSecret checks tokens signed with a secret both sides know. The algorithm is HS256, HS384 or HS512.
func SharedSecret(key secret.String, algorithm string) (Verifier, error) {
	if len(key.Reveal()) < minSharedSecret {
		return Verifier{}, fmt.Errorf("the token secret has fewer than %d characters: make one by openssl rand -hex 32", minSharedSecret)
	}
	return fixed([]byte(key.Reveal()), algorithm), nil
}

// PublicKey checks tokens signed with a private key, by its public key in PEM: RSA, ECDSA P-256 or Ed25519. The
// algorithm is the key's own unless one is given.
func PublicKey(text []byte, algorithm string) (Verifier, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return Verifier{}, errors.New("the token key is not PEM: it begins with -----BEGIN PUBLIC KEY-----")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Verifier{}, fmt.Errorf("the token key is not a public key: %w", err)
	}
	own := methodOf(key)
	if own == "" || algorithm != "" && !strings.HasPrefix(algorithm, own[:2]) {
		return Verifier{}, fmt.Errorf("the token key is %T, which does not fit algorithm %q", key, algorithm)
	}
	if algorithm == "" {
		algorithm = own
	}
	return fixed(key, algorithm), nil
}

func methodOf(key crypto.PublicKey) string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return "RS256"
	case ed25519.PublicKey:
		return "EdDSA"
	case *ecdsa.PublicKey:
		if k.Curve.Params().BitSize == 256 {
			return "ES256"
		}
	}
	return ""
}

func fixed(key any, algorithm string) Verifier {
	return Verifier{methods: []string{algorithm}, key: func(*jwt.Token) (any, error) { return key, nil }}
}

// KeySet checks tokens by the JSON Web Key Set at a URL (RFC 7517), which is fetched again as long as ctx lasts. Without
// an algorithm those of public keys are accepted.
func KeySet(ctx context.Context, url, algorithm string) (Verifier, error) {
	set, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{url}, keyfunc.Override{
		HTTPTimeout: keySetTimeout, RateLimitWaitMax: keySetTimeout,
	})
	if err != nil {
		return Verifier{}, fmt.Errorf("fetch the key set for tokens: %w", err)
	}
	methods := []string{"RS256", "RS512", "ES256", "EdDSA"}
	if algorithm != "" {
		methods = []string{algorithm}
	}
	return Verifier{methods: methods, key: set.Keyfunc}, nil
}

// SignToken makes a token that SharedSecret accepts.
func SignToken(key secret.String, algorithm string, c Claims) (secret.String, error) {
	method := jwt.GetSigningMethod(algorithm)
	if method == nil {
		return secret.String{}, fmt.Errorf("sign token: unknown algorithm %q", algorithm)
	}
	text, err := jwt.NewWithClaims(method, c).SignedString([]byte(key.Reveal()))
	if err != nil {
		return secret.String{}, fmt.Errorf("sign token: %w", err)
	}
	return secret.New(text), nil
}
