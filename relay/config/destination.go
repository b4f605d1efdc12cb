package config

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/restreamd/restreamd/relay/push"
)

// Destination is one file of destinations.d, checked and ready to push to.
type Destination struct {
	Name     string // the file's stem, the destination's identity
	File     string // path of the file
	Platform string // "" for a URL of one's own
	Target   push.Target
	Backup   bool     // push to the platform's backup ingest as well; default false
	Streams  []string // never empty; default: every stream
	Enabled  bool     // default true
	Shape    Shape
	Audio    Audio
	Wire     Wire
	Schedule Schedule
	Notes    []string // what was put right or should be, for the person who wrote the file

	// Fingerprint changes when what a running push depends on changes, the content of a key_file or ca_file included,
	// and then only: the push must be restarted for a new one, and must not be for the same. It covers Target, Audio and
	// Wire. The rest decides whether there is a push, of what, and where else: one more stream is no reason to restart
	// the others. It means nothing outside of this process and reveals no key.
	Fingerprint string
}

// equal reports whether a and b would be treated and shown alike.
func (a Destination) equal(b Destination) bool {
	// A comparison written out would miss the next field somebody adds, and its changes with it.
	return reflect.DeepEqual(a, b)
}

// decodeDestination makes a destination of the content of doc's file. It reads the key_file, the ca_file and the
// environment that the content names. Mistakes are *Error values joined into one.
func decodeDestination(doc *document, data []byte, known Known) (Destination, error) {
	root := doc.parse(data)
	if len(doc.problems) == 0 && (root == nil || isNull(root)) {
		doc.fail(0, "", "the file is empty", "remove it, or set enabled: false, to stop the destination")
	}
	if err := doc.err(); err != nil {
		return Destination{}, err
	}
	d := readDestination(doc.section("", root), known)
	if err := doc.err(); err != nil {
		return Destination{}, err
	}
	d.Name, d.File = strings.TrimSuffix(filepath.Base(doc.file), filepath.Ext(doc.file)), doc.file
	d.Notes = append(d.Notes, doc.notes...)
	d.Fingerprint = fingerprint(d)
	return d, nil
}

func readDestination(s *section, known Known) Destination {
	d := Destination{Enabled: true, Streams: slices.Clone(known.Streams)}
	var url string
	s.text("platform", &d.Platform)
	s.text("url", &url)
	source, key := s.key("key", "key_file", "key_env")
	if s.has("streams") {
		d.Streams = readStreamNames(s, known.Streams)
	}
	s.take("streams")
	s.flag("enabled", &d.Enabled)
	d.Shape.read(s, d.Platform, known.Renditions)
	s.flag("backup", &d.Backup)
	d.Audio.read(s.section("audio"))
	d.Schedule.read(s)
	d.Wire.read(s)
	s.close()
	if len(s.doc.problems) > 0 {
		// A target made of half of what was meant would be explained wrongly.
		return d
	}

	var err error
	d.Target, d.Notes, err = push.Parse(d.Platform, url, key)
	if err != nil {
		failPush(s, err, source)
		return d
	}
	if d.Backup {
		checkBackup(s, d.Platform)
	}
	d.Wire.checkTLS(s, d.Target.TLS())
	if source == "" {
		s.doc.noteExposed(s.doc.file) // the key stands in the URL
	}
	return d
}

// failPush reports what package push said, at the line of the setting it is about; key is the one that gave the key, if
// any did.
func failPush(s *section, err error, key string) {
	mistake := &push.Error{Field: push.FieldContract, Problem: "not understood"} // what others say may quote a key
	_ = errors.As(err, &mistake)
	field := string(mistake.Field)
	if mistake.Field == push.FieldKey {
		field = cmp.Or(key, field)
	}
	s.doc.fail(cmp.Or(mistake.Line, s.lineOf(field)), s.path(field), mistake.Problem, mistake.Hint)
}

// checkBackup refuses a backup ingest that nobody knows.
func checkBackup(s *section, platform string) {
	if s.has("url") {
		s.fail("backup", "url is set as well: where its backup is, nobody knows", "remove url, or give the backup a file of its own")
		return
	}
	if known, _ := push.Lookup(platform); known.BackupURL != "" {
		return
	}
	var names []string
	for _, p := range push.Platforms() {
		if p.BackupURL != "" {
			names = append(names, p.Name)
		}
	}
	s.fail("backup", fmt.Sprintf("no backup ingest of %s is known", platform),
		"remove the line; known are those of "+strings.Join(names, ", "))
}

func readStreamNames(s *section, known []string) []string {
	var names []string
	for _, node := range s.list("streams", "write streams: [main], or remove the line for every stream") {
		name, problem := scalarText(node)
		switch {
		case problem != "" || !validName.MatchString(name):
			s.doc.fail(node.Line, s.path("streams"), "not a name of a stream", nameHint)
		case len(known) > 0 && !slices.Contains(known, name):
			s.doc.fail(node.Line, s.path("streams"), fmt.Sprintf("no stream is named %q", showWord(name, known)), meantHint(name, known))
		case !slices.Contains(names, name):
			names = append(names, name)
		}
	}
	return names
}
