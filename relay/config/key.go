package config

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/restreamd/restreamd/relay/secret"
)

// Key opens a stream for publishing.
type Key struct {
	Name    string         // for people and logs, unlike any other in the stream; default "key1", "key2", … by position
	Secret  secret.String  // zero when only the digest is known
	Digest  [32]byte       // SHA-256 of the key, always known; a short key can be guessed from it, so it is not shown
	Role    string         // RolePrimary or RoleBackup; default RolePrimary
	Expires time.Time      // from then on the key opens nothing; zero: never
	Allow   []netip.Prefix // where it may be used from, IPv4 never mapped into IPv6; empty: from anywhere
}

// What a key is for: Key.Role.
const (
	RolePrimary = "primary" // the encoder that makes the show
	RoleBackup  = "backup"  // the one that stands by
)

// keyring tells which field gave which key to which app: an app and a key must name one stream.
type keyring map[keyPlace]string

type keyPlace struct {
	app    string
	digest [32]byte
}

// streamKey is what every encoder can send and no log can be confused by.
var streamKey = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

const maxStreamKey = 1024

// readKeys reads the list of a stream's keys.
func readKeys(stream *section, app string, known keyring) []Key {
	var keys []Key
	for i, node := range stream.list("keys", "write one key a line, as in - {name: studio, key_file: keys/studio}") {
		s := stream.doc.section(fmt.Sprintf("%s[%d]", stream.path("keys"), i), node)
		key := readKey(s, fmt.Sprintf("key%d", i+1), app, known)
		if j := slices.IndexFunc(keys, func(k Key) bool { return k.Name == key.Name }); j >= 0 {
			s.fail("name", fmt.Sprintf("the same name as %s[%d]", stream.path("keys"), j), "give each its own")
		}
		keys = append(keys, key)
	}
	return keys
}

func readKey(s *section, name, app string, known keyring) Key {
	key := Key{Name: name, Role: RolePrimary}
	s.name("name", &key.Name)
	source, text := s.key("key", "key_file", "key_sha256")
	s.choice("role", &key.Role, RolePrimary, RoleBackup)
	s.instant("expires", &key.Expires)
	s.networks("allow", &key.Allow)
	s.close()
	switch {
	case s.broken || text.IsZero() && source != "":
		return key // reported already
	case source == "":
		s.fail("key", "missing", "set key, key_file or key_sha256")
		return key
	case source == "key_sha256":
		digest, err := hex.DecodeString(text.Reveal())
		if err != nil || len(digest) != len(key.Digest) {
			s.fail(source, "not a SHA-256 digest", "write its 64 hexadecimal digits, as tr -d '\\n' < FILE | sha256sum prints them")
			return key
		}
		key.Digest = [32]byte(digest)
	case !streamKey.MatchString(text.Reveal()) || len(text.Reveal()) > maxStreamKey:
		s.fail(source, "not a stream key", "use 1 to 1024 of the characters A-Z a-z 0-9 . _ ~ -")
		return key
	default:
		key.Secret, key.Digest = text, text.Digest()
	}
	place := keyPlace{app, key.Digest}
	if owner, taken := known[place]; taken {
		s.fail(source, fmt.Sprintf("the same key as %s in app %s", owner, app), "give each its own")
	}
	known[place] = s.field
	return key
}
