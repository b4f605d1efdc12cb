package relaytest

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

type relaySpec struct {
	binary       string
	dir          string
	noKey        bool
	debug        bool
	stream       string // YAML inside streams.main
	extra        string // YAML at the top level
	env          []string
	destinations map[string]string
}

// RelayOption changes what [StartRelay] starts.
type RelayOption func(*relaySpec)

// StreamConfig adds YAML to the section streams.main, for example "record: {segment: 4s}\nhls: {enabled: false}".
func StreamConfig(yaml string) RelayOption { return func(s *relaySpec) { s.stream = yaml } }

// ExtraConfig adds YAML to the top level of restreamd.yml, for example "limits: {idle: 3s}".
func ExtraConfig(yaml string) RelayOption { return func(s *relaySpec) { s.extra = yaml } }

// NoKey configures no stream key: the relay makes one at its first start, and [Relay.Key] is that one.
func NoKey() RelayOption { return func(s *relaySpec) { s.noKey = true } }

// Debug has the relay log all it can.
func Debug() RelayOption { return func(s *relaySpec) { s.debug = true } }

// InDir starts the relay in a folder that exists, for example that of a relay which was killed. Its stream key is
// kept; its destination files stay.
func InDir(dir string) RelayOption { return func(s *relaySpec) { s.dir = dir } }

// Binary starts another program in place of the relay built from this checkout.
func Binary(path string) RelayOption { return func(s *relaySpec) { s.binary = path } }

// Env adds NAME=value pairs to the relay's environment.
func Env(pairs ...string) RelayOption {
	return func(s *relaySpec) { s.env = append(s.env, pairs...) }
}

// Destination writes destinations.d/<name>.yml before the relay starts.
func Destination(name, yaml string) RelayOption {
	return func(s *relaySpec) {
		if s.destinations == nil {
			s.destinations = make(map[string]string)
		}
		s.destinations[name] = yaml
	}
}

// write lays out the relay's folder: restreamd.yml, keys/studio and destinations.d.
func (s relaySpec) write(r *Relay) error {
	for _, dir := range []string{r.Data, r.Destinations, filepath.Join(r.Dir, "keys")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	if !s.noKey {
		if err := r.keepKey(); err != nil {
			return err
		}
	}
	for name, yaml := range s.destinations {
		if err := putFile(filepath.Join(r.Destinations, name+".yml"), yaml); err != nil {
			return err
		}
	}
	return putFile(filepath.Join(r.Dir, "restreamd.yml"), s.config(r))
}

func (r *Relay) keyPath() string { return filepath.Join(r.Dir, "keys", "studio") }

// keepKey makes a stream key nobody could mistake for anything else in a log, unless the folder has one.
func (r *Relay) keepKey() error {
	key, err := os.ReadFile(r.keyPath())
	if err == nil {
		r.Key = string(key)
		return nil
	}
	r.Key = "studio-" + rand.Text()
	return putFile(r.keyPath(), r.Key)
}

func (s relaySpec) config(r *Relay) string {
	var b strings.Builder
	b.WriteString("rtmp: {listen: \"127.0.0.1:0\"}\nhttp: {listen: \"127.0.0.1:0\"}\n")
	fmt.Fprintf(&b, "data: %q\n", r.Data)
	b.WriteString("streams:\n  main:\n    app: live\n")
	if !s.noKey {
		fmt.Fprintf(&b, "    keys:\n      - {name: studio, key_file: %q}\n", r.keyPath())
	}
	for line := range strings.Lines(s.stream) {
		b.WriteString("    " + line)
	}
	b.WriteString("\n" + s.extra + "\n")
	return b.String()
}

// putFile replaces a file in one step. Its mode is that of a secret: keys are often in it.
func putFile(path, content string) error {
	draft := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".draft")
	if err := os.WriteFile(draft, []byte(content), 0o600); err != nil {
		return fmt.Errorf("write draft: %w", err)
	}
	if err := os.Rename(draft, path); err != nil {
		return fmt.Errorf("put in place: %w", err)
	}
	return nil
}
