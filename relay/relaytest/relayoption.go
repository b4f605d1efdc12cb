package relaytest

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

type relaySpec struct {
	binary       string
	under        []string // program that becomes the relay, with its arguments
	shipped      bool
	dir          string
	listen       struct{ rtmp, http string }
	noKey        bool
	debug        bool
	keys         []string // YAML, one item of streams.main.keys each
	stream       string   // YAML inside streams.main
	others       []string // YAML inside streams, one further stream each
	extra        string   // YAML at the top level
	env          []string
	destinations map[string]string
	files        map[string]string // by path in the relay's folder
}

// RelayOption changes what [StartRelay] starts.
type RelayOption func(*relaySpec)

// StreamConfig adds YAML to the section streams.main, for example "record: {segment: 4s}\nhls: {enabled: false}".
func StreamConfig(yaml string) RelayOption { return func(s *relaySpec) { s.stream = yaml } }

// Stream adds a stream beside main, for example "aux", "keys: [{name: aux, key: aux-4711}]".
func Stream(name, yaml string) RelayOption {
	return func(s *relaySpec) { s.others = append(s.others, "  "+name+":\n"+indent("    ", yaml)) }
}

// ExtraConfig adds YAML to the top level of restreamd.yml, for example "limits: {idle: 3s}".
func ExtraConfig(yaml string) RelayOption { return func(s *relaySpec) { s.extra = yaml } }

// NoKey configures no stream key: the relay makes one at its first start, and [Relay.Key] is that one. With StreamKey it
// makes none, and [Relay.Key] is empty.
func NoKey() RelayOption { return func(s *relaySpec) { s.noKey = true } }

// StreamKey adds a key to main beside [Relay.Key], for example "{name: field, key: field-4711}". With NoKey it is the
// only one.
func StreamKey(yaml string) RelayOption {
	return func(s *relaySpec) { s.keys = append(s.keys, yaml) }
}

// Listen sets what the relay listens on for RTMP. It defaults to 127.0.0.1:0.
func Listen(address string) RelayOption { return func(s *relaySpec) { s.listen.rtmp = address } }

// ListenHTTP sets what the relay listens on for HTTP. It defaults to 127.0.0.1:0.
func ListenHTTP(address string) RelayOption { return func(s *relaySpec) { s.listen.http = address } }

// File writes a file into the relay's folder before the relay starts, for its owner alone.
func File(path, content string) RelayOption {
	return func(s *relaySpec) {
		if s.files == nil {
			s.files = make(map[string]string)
		}
		s.files[path] = content
	}
}

// Shipped starts the relay as it is built for its users: without the race detector, whose memory is several times as
// much.
func Shipped() RelayOption { return func(s *relaySpec) { s.shipped = true } }

// Under starts the relay by a program that becomes it, such as "prlimit", "--nofile=64".
func Under(program ...string) RelayOption { return func(s *relaySpec) { s.under = program } }

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
	for path, content := range s.files {
		if err := putFile(filepath.Join(r.Dir, path), content); err != nil {
			return err
		}
	}
	return putFile(r.configPath(), s.config(r))
}

func (r *Relay) configPath() string { return filepath.Join(r.Dir, "restreamd.yml") }

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
	fmt.Fprintf(&b, "rtmp: {listen: %q}\nhttp: {listen: %q}\n", cmp.Or(s.listen.rtmp, "127.0.0.1:0"), cmp.Or(s.listen.http, "127.0.0.1:0"))
	fmt.Fprintf(&b, "data: %q\n", r.Data)
	b.WriteString("streams:\n  main:\n    app: live\n")
	keys := s.keys
	if !s.noKey {
		keys = append([]string{fmt.Sprintf("{name: studio, key_file: %q}", r.keyPath())}, keys...)
	}
	for i, key := range keys {
		if i == 0 {
			b.WriteString("    keys:\n")
		}
		b.WriteString("      - " + key + "\n")
	}
	b.WriteString(indent("    ", s.stream) + "\n" + strings.Join(s.others, "\n") + "\n" + s.extra + "\n")
	return b.String()
}

func indent(by, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(by + line)
	}
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
