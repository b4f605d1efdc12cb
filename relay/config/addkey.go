package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/restreamd/restreamd/relay/secret"
)

// AddedKey is a stream key that AddKey made.
type AddedKey struct {
	Secret secret.String // for the encoder
	File   string        // where it is kept, for its owner to read alone
	Note   string        // what the one who asked has to know besides; may be empty
}

// AddKey makes a random key named name for stream. It keeps it in keys/<stream>-<name> beside the configuration at path
// and adds it to the stream's keys there; comments and order stay, spacing may not. Without a file at path one is made.
// When anything goes wrong, nothing has changed on disk.
//
// A stream without keys is opened by the one that is made at the first start, data/stream.key. That one counts no longer
// once the stream has keys: Note says so.
func AddKey(path, stream, name string) (added AddedKey, err error) {
	before, data, err := loadForEdit(path)
	if err != nil {
		return added, err
	}
	if err := mayAdd(before, stream, name); err != nil {
		return added, fmt.Errorf("add key: %w", err)
	}
	inConfig := "keys/" + stream + "-" + name
	after, err := insertKey(data, stream, name, inConfig)
	if err != nil {
		return added, fmt.Errorf("add key: %w", err)
	}

	key := secret.New(rand.Text())
	file := under(filepath.Dir(path), inConfig)
	undo, err := writeNewSecret(file, key)
	if err != nil {
		return added, fmt.Errorf("add key: keep it: %w", err)
	}
	if err := replaceIfRight(path, before, after, stream, key); err != nil {
		undo()
		return added, fmt.Errorf("add key: %w", err)
	}
	added = AddedKey{Secret: key, File: file}
	if len(before.stream(stream).Keys) == 0 {
		added.Note = "the key made at the first start, stream.key in the data folder, opens nothing any more: give every encoder the new one"
	}
	return added, nil
}

// KeepKey adds the key that stands in file to the keys of a stream, so that it opens the stream beside those that are
// added later. When anything goes wrong, nothing has changed on disk.
func KeepKey(path, stream, name, file string) error {
	before, data, err := loadForEdit(path)
	if err != nil {
		return err
	}
	if err := mayAdd(before, stream, name); err != nil {
		return fmt.Errorf("keep key: %w", err)
	}
	key, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("keep key: %w", err)
	}
	after, err := insertKey(data, stream, name, file)
	if err != nil {
		return fmt.Errorf("keep key: %w", err)
	}
	if err := replaceIfRight(path, before, after, stream, secret.New(strings.TrimSpace(string(key)))); err != nil {
		return fmt.Errorf("keep key: %w", err)
	}
	return nil
}

// loadForEdit loads the file at path and returns its text as well. A missing file is one without settings.
func loadForEdit(path string) (*Config, []byte, error) {
	data, err := readText(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	cfg, err := decode(path, data)
	return cfg, data, err
}

func mayAdd(c *Config, stream, name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("not a name for a key (%s)", nameHint)
	}
	s := c.stream(stream)
	if s == nil {
		return fmt.Errorf("no stream is named %q (%s)", stream, meantHint(stream, c.StreamNames()))
	}
	if slices.ContainsFunc(s.Keys, func(k Key) bool { return k.Name == name }) {
		return fmt.Errorf("stream %s has a key named %s already (choose another name)", stream, name)
	}
	return nil
}

// stream returns the stream called name; nil if there is none.
func (c *Config) stream(name string) *Stream {
	i := slices.IndexFunc(c.Streams, func(s Stream) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &c.Streams[i]
}

// replaceIfRight replaces the file at path if the new text loads and adds key to the stream, and nothing else.
func replaceIfRight(path string, before *Config, text []byte, stream string, key secret.String) error {
	after, err := decode(path, text)
	if err != nil {
		return err
	}
	rest := after.Clone()
	s := rest.stream(stream)
	last := len(s.Keys) - 1
	right := last >= 0 && s.Keys[last].Secret.Equal(key)
	if right {
		s.Keys = s.Keys[:last]
		if last == 0 {
			s.Keys = nil
		}
	}
	if !right || !rest.Equal(before) {
		return fmt.Errorf("%s cannot be edited without changing what it says (add the key to it by hand)", path)
	}
	return replaceFile(path, text)
}
