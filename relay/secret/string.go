// Package secret keeps stream keys and tokens out of everything that is read by people: logs, status pages, errors,
// configuration dumps. String prints as *** however it is printed; Redactor cleans text that others wrote, such as
// the lines of a child process.
//
// The package starts no goroutine and keeps no state of its own.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
)

// Mask is what stands wherever a secret would have been printed.
const Mask = "***"

// String is a secret text. Its zero value is the empty secret. Compare with Equal: == compares identities.
type String struct {
	// fmt calls no methods on unexported fields of other structs and prints their content raw. Below the top level it
	// prints a pointer as an address, so the text stays hidden even there.
	text *string
}

// New wraps s.
func New(s string) String {
	if s == "" {
		return String{}
	}
	return String{text: &s}
}

// Reveal returns the text itself, for the one place that hands it to its peer.
func (s String) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether the secret is empty. YAML's omitempty honours it.
func (s String) IsZero() bool {
	return s.text == nil || *s.text == ""
}

// Equal compares in a time that depends on neither the content nor the length of the secrets.
func (s String) Equal(other String) bool {
	a, b := s.Digest(), other.Digest()
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Digest is the SHA-256 of the text, for looking a presented key up without comparing it byte by byte.
// A short secret can be guessed from it, so it must not be shown either.
func (s String) Digest() [sha256.Size]byte {
	return sha256.Sum256([]byte(s.Reveal()))
}

// String implements fmt.Stringer.
func (String) String() string { return Mask }

// GoString implements fmt.GoStringer.
func (String) GoString() string { return Mask }

// Format implements fmt.Formatter: without it, %x and %d would reach the text or its address.
func (String) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, Mask)
}

// MarshalText implements encoding.TextMarshaler, which YAML and the loggers use as well.
func (String) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// MarshalJSON implements json.Marshaler.
func (String) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }

// UnmarshalText implements encoding.TextUnmarshaler; JSON and YAML decode scalars through it.
func (s *String) UnmarshalText(text []byte) error {
	*s = New(string(text))
	return nil
}
