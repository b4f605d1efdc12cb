package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/secret"
)

// keyCabinet holds every secret of the relay, and the log's mask that hides them.
type keyCabinet struct {
	made  bool          // the stream key was made at this start: the only time it is shown
	token secret.String // for changes over HTTP
	mask  maskedLog

	mu           sync.Mutex
	own          []secret.String // stream keys and the secret of tokens
	destinations []secret.String
}

// open finds or makes the secrets of the start.
func (k *keyCabinet) open(cfg *config.Config) (err error) {
	if k.token, err = adminToken(cfg); err != nil {
		return err
	}
	k.made, err = k.fill(cfg)
	return err
}

// fill makes sure that every stream has a key, and takes note of all secrets. A stream without a key gets one that is
// made when it is first needed.
func (k *keyCabinet) fill(cfg *config.Config) (made bool, err error) {
	own := []secret.String{k.token}
	for i := range cfg.Streams {
		s := &cfg.Streams[i]
		if len(s.Keys) == 0 {
			var value secret.String
			if value, made, err = keptSecret(firstKey(cfg.Data)); err != nil {
				return made, fmt.Errorf("stream key: %w", err)
			}
			s.Keys = []config.Key{{Name: "default", Secret: value, Digest: value.Digest(), Role: config.RolePrimary}}
		}
		for _, key := range s.Keys {
			own = append(own, key.Secret)
		}
		own = append(own, s.Record.Upload.AccessKey, s.Record.Upload.SecretKey)
	}
	if cfg.Auth.JWT.SecretFile != "" {
		shared, err := readSecret(cfg.Auth.JWT.SecretFile)
		if err != nil {
			return made, fmt.Errorf("token secret: %w", err)
		}
		own = append(own, shared)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.own = own
	k.hide()
	return made, nil
}

// knowDestinations takes note of the secrets of destinations.
func (k *keyCabinet) knowDestinations(secrets []secret.String) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.destinations = secrets
	k.hide()
}

// hide is called with k.mu held.
func (k *keyCabinet) hide() {
	k.mask.know(secret.NewRedactor(append(k.own[:len(k.own):len(k.own)], k.destinations...)...))
}

// firstKey is where the stream key is kept that is made at the first start.
func firstKey(data string) string { return filepath.Join(data, "stream.key") }

func readSecret(file string) (secret.String, error) {
	data, err := os.ReadFile(file)
	return secret.New(strings.TrimSpace(string(data))), err
}

// keptSecret returns the secret kept in a file, which is made with a random one if it is not there.
func keptSecret(file string) (value secret.String, made bool, err error) {
	value, err = readSecret(file)
	switch {
	case err == nil && value.IsZero():
		return value, false, fmt.Errorf("%s is empty: remove it to have a new one made", file)
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

func adminTokenPath(data string) string { return filepath.Join(data, "admin.token") }

// adminToken is the secret that changes over HTTP need: from the file the configuration names, which is made if it is
// not there, or from data/admin.token.
func adminToken(cfg *config.Config) (secret.String, error) {
	token, _, err := keptSecret(first(cfg.HTTP.AdminTokenFile, adminTokenPath(cfg.Data)))
	if err != nil {
		return token, fmt.Errorf("admin token: %w", err)
	}
	return token, nil
}
