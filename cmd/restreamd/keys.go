package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/secret"
)

// keyCabinet holds every secret of the relay, and the log's mask that hides them.
type keyCabinet struct {
	stream []ingest.Key
	made   bool // the stream key was made just now: the only time it is shown
	token  secret.String
	mask   maskedLog
}

// fill reads the keys of all streams and the admin token. A stream without a key gets one that is made at the first
// start.
func (k *keyCabinet) fill(cfg *config.Config) (err error) {
	for i, s := range cfg.Streams {
		if len(s.Keys) == 0 {
			var value secret.String
			if value, k.made, err = keptSecret(filepath.Join(cfg.Data, "stream.key")); err != nil {
				return fmt.Errorf("stream key: %w", err)
			}
			cfg.Streams[i].Keys = []config.Key{{Name: "default", Secret: value}}
		}
		for _, key := range cfg.Streams[i].Keys {
			k.stream = append(k.stream, ingest.Key{App: s.App, Stream: s.Name, Name: key.Name, Value: key.Secret})
		}
	}
	if k.token, err = adminToken(cfg); err != nil {
		return err
	}
	k.hide(nil)
	return nil
}

// hide has the log mask the secrets of destinations, besides its own.
func (k *keyCabinet) hide(destinations []secret.String) {
	all := append([]secret.String{k.token}, destinations...)
	for _, key := range k.stream {
		all = append(all, key.Value)
	}
	k.mask.know(secret.NewRedactor(all...))
}

// keptSecret returns the secret kept in a file, which is made with a random one if it is not there.
func keptSecret(file string) (value secret.String, made bool, err error) {
	data, err := os.ReadFile(file)
	switch {
	case err == nil:
		value = secret.New(strings.TrimSpace(string(data)))
		if value.IsZero() {
			return value, false, fmt.Errorf("%s is empty: remove it to have a new one made", file)
		}
		return value, false, nil
	case !errors.Is(err, fs.ErrNotExist):
		return value, false, err
	}
	text := rand.Text()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return value, false, err
	}
	_, err = f.WriteString(text + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return value, false, errors.Join(err, os.Remove(file))
	}
	return secret.New(text), true, nil
}

// adminToken is the secret that changes over HTTP need: from the file the configuration names, which is made if it is
// not there, or from data/admin.token.
func adminToken(cfg *config.Config) (secret.String, error) {
	token, _, err := keptSecret(first(cfg.HTTP.AdminTokenFile, filepath.Join(cfg.Data, "admin.token")))
	if err != nil {
		return token, fmt.Errorf("admin token: %w", err)
	}
	return token, nil
}
