package config

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/restreamd/restreamd/relay/push"
)

// Destination is one file of destinations.d, checked and ready to push to.
type Destination struct {
	Name     string // the file's stem, the destination's identity
	File     string // path of the file
	Platform string // "" for a URL of one's own
	Target   push.Target
	Streams  []string // never empty; default: every stream
	Enabled  bool     // default true
	Notes    []string // what was put right or should be, for the person who wrote the file

	// Fingerprint changes when what is pushed to changes, the content of a key_file included, and then only: a running
	// push must be restarted for a new one, and must not be for the same. Streams and Enabled are not in it, because
	// one more stream is no reason to restart the others. It means nothing outside of this process and reveals no key.
	Fingerprint string
}

// equal reports whether a and b would be treated and shown alike.
func (a Destination) equal(b Destination) bool {
	return a.Name == b.Name && a.File == b.File && a.Platform == b.Platform && a.Enabled == b.Enabled &&
		a.Fingerprint == b.Fingerprint && slices.Equal(a.Streams, b.Streams) && slices.Equal(a.Notes, b.Notes)
}

// DecodeDestination makes a destination of the content of file. It reads the key_file and the environment that the
// content names. streams are the names that exist; without any, every name is taken. Mistakes are *Error values joined
// into one.
func DecodeDestination(file string, data []byte, streams []string) (Destination, error) {
	doc := &document{file: file}
	root := doc.parse(data)
	if len(doc.problems) == 0 && (root == nil || isNull(root)) {
		doc.fail(0, "", "the file is empty", "remove it, or set enabled: false, to stop the destination")
	}
	if err := doc.err(); err != nil {
		return Destination{}, err
	}
	d := readDestination(doc.section("", root), streams)
	if err := doc.err(); err != nil {
		return Destination{}, err
	}
	d.Name, d.File = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), file
	return d, nil
}

func readDestination(s *section, streams []string) Destination {
	d := Destination{Enabled: true, Streams: slices.Clone(streams)}
	var url string
	s.text("platform", &d.Platform)
	s.text("url", &url)
	source, key := s.key("key", "key_file", "key_env")
	if s.has("streams") {
		d.Streams = readStreamNames(s, streams)
	}
	s.take("streams")
	s.flag("enabled", &d.Enabled)
	s.close()
	if len(s.doc.problems) > 0 {
		// A target made of half of what was meant would be explained wrongly.
		return d
	}

	target, notes, err := push.Parse(d.Platform, url, key)
	if mistake := (*push.Error)(nil); errors.As(err, &mistake) {
		field := string(mistake.Field)
		if mistake.Field == push.FieldKey && source != "" {
			field = source
		}
		s.fail(field, mistake.Problem, mistake.Hint)
		return d
	}
	if source == "" {
		s.doc.noteExposed(s.doc.file) // the key stands in the URL
	}
	d.Target, d.Notes = target, slices.Concat(notes, s.doc.notes)
	d.Fingerprint = fingerprint(target)
	return d
}

func readStreamNames(s *section, known []string) []string {
	var names []string
	for _, node := range s.list("streams", "write streams: [main], or remove the line for every stream") {
		name, problem := scalarText(node)
		switch {
		case problem != "" || !validName.MatchString(name):
			s.doc.fail(node.Line, s.path("streams"), "not a name of a stream", nameHint)
		case len(known) > 0 && !slices.Contains(known, name):
			hint := "known are " + strings.Join(known, ", ")
			if near := nearest(name, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			s.doc.fail(node.Line, s.path("streams"), fmt.Sprintf("no stream is named %q", name), hint)
		case !slices.Contains(names, name):
			names = append(names, name)
		}
	}
	return names
}

// The salt keeps a fingerprint that was logged or shown from being tried against guessed keys.
var fingerprintSalt = sync.OnceValue(func() []byte {
	salt := make([]byte, sha256.Size)
	rand.Read(salt) // never fails, by its documentation
	return salt
})

func fingerprint(t push.Target) string {
	mac := hmac.New(sha256.New, fingerprintSalt())
	fmt.Fprintf(mac, "%q %q", t.TCURL(), t.Key.Reveal())
	return hex.EncodeToString(mac.Sum(nil))
}
