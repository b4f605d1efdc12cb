package config

import (
	"slices"

	"github.com/restreamd/restreamd/relay/secret"
)

// Auth is who is asked, besides the keys of the streams, whether a publisher may.
type Auth struct {
	JWT     JWT
	Webhook string // http or https URL that is sent a form; default "": none
}

// JWT is what signed tokens are checked with: one of a file with a shared secret, a file with a public key and the URL
// of a key set. All empty: tokens are not accepted.
type JWT struct {
	SecretFile    string
	PublicKeyFile string // PEM: RSA, ECDSA or Ed25519
	JWKS          string // https URL

	// Algorithm is the only one accepted. It is HS256 by default with a shared secret; "" otherwise: the key's own.
	Algorithm string

	// content is what the file holds: a secret that was changed in it makes another Config.
	content secret.String
}

func (a *Auth) read(s *section) {
	if jwt, found := s.optional("jwt"); found {
		a.JWT.read(jwt)
	}
	s.webURL("webhook", &a.Webhook, "http", "https")
	s.close()
}

func (j *JWT) read(s *section) {
	source := ""
	for _, candidate := range []string{"secret_file", "public_key_file", "jwks"} {
		switch {
		case !s.has(candidate):
		case source != "":
			s.fail(candidate, source+" is set as well", "keep one of the two")
		default:
			source = candidate
		}
	}
	shared := s.file("secret_file", &j.SecretFile)
	public := s.file("public_key_file", &j.PublicKeyFile)
	s.webURL("jwks", &j.JWKS, "https")
	s.doc.noteExposed(j.SecretFile)
	j.content = secret.New(string(slices.Concat(shared, public)))

	// A public key must never be used as a shared secret: everybody could sign with it.
	algorithms := []string{"RS256", "RS512", "ES256", "EdDSA"}
	if source == "secret_file" {
		j.Algorithm = "HS256"
		algorithms = []string{"HS256", "HS384", "HS512"}
	}
	s.choice("algorithm", &j.Algorithm, algorithms...)
	if source == "" && !s.broken {
		s.doc.fail(s.line, s.field, "nothing to check tokens with", "set secret_file, public_key_file or jwks")
	}
	s.close()
}
