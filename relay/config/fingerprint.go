package config

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
)

// The salt keeps a fingerprint that was logged or shown from being tried against guessed keys.
var fingerprintSalt = sync.OnceValue(newSalt)

func newSalt() []byte {
	salt := make([]byte, sha256.Size)
	rand.Read(salt) // never fails, by its documentation
	return salt
}

// fingerprint covers what a running push depends on, each part quoted so that none can pass for another.
func fingerprint(d Destination) string {
	mac := hmac.New(sha256.New, fingerprintSalt())
	fmt.Fprintf(mac, "%q %q %q %t %d %d %t", d.Target.TCURL(), d.Target.Key.Reveal(),
		d.Wire.CAs, d.Wire.Insecure, d.Wire.Delay, d.Audio.Track, d.Audio.Silence)
	return hex.EncodeToString(mac.Sum(nil))
}
