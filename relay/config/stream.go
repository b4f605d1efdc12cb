package config

import (
	"fmt"
	"regexp"
	"time"

	"github.com/restreamd/restreamd/relay/secret"
)

// Stream is one programme: how it is published and what is made of it.
type Stream struct {
	Name   string
	App    string // what encoders put behind the host: rtmp://host/app; default "live"
	Keys   []Key  // who may publish. Empty only for a stream that is alone; the caller then makes a key
	Record Record
	HLS    HLS
}

// Key opens a stream for publishing.
type Key struct {
	Name   string // for people and logs; default "key1", "key2", … by position
	Secret secret.String
}

// Record is the recording of a stream.
type Record struct {
	Enabled bool // default true
}

// HLS is the packaging of a stream for browsers.
type HLS struct {
	Enabled bool          // default true
	Segment time.Duration // wished length of a segment, cut at the next keyframe; default 2s
	Window  int           // segments in the playlist; default 6
}

func defaultStream(name string) Stream {
	return Stream{
		Name:   name,
		App:    "live",
		Record: Record{Enabled: true},
		HLS:    HLS{Enabled: true, Segment: 2 * time.Second, Window: 6},
	}
}

// readStreams reads the mapping of names to streams.
func readStreams(all *section) []Stream {
	var streams []Stream
	known := keyring{}
	for _, e := range all.entries {
		if !validName.MatchString(e.key) {
			all.doc.fail(e.line, all.field, "not a name of a stream", nameHint)
			continue
		}
		streams = append(streams, readStream(e.key, all.section(e.key), known))
	}
	for _, stream := range streams {
		if len(stream.Keys) == 0 && len(streams) > 1 && !all.doc.failedIn(all.path(stream.Name)) {
			all.fail(stream.Name, "no keys", "of several streams each needs its own: keys: [{key_file: keys/"+stream.Name+"}]")
		}
	}
	return streams
}

func readStream(name string, s *section, known keyring) Stream {
	stream := defaultStream(name)
	s.name("app", &stream.App)
	for i, node := range s.list("keys", "write one key a line, as in - {name: studio, key_file: keys/studio}") {
		key := s.doc.section(fmt.Sprintf("%s[%d]", s.path("keys"), i), node)
		stream.Keys = append(stream.Keys, readKey(i, key, stream.App, known))
	}

	record := s.section("record")
	record.flag("enabled", &stream.Record.Enabled)
	record.close()

	hls := s.section("hls")
	hls.flag("enabled", &stream.HLS.Enabled)
	hls.duration("segment", &stream.HLS.Segment, 500*time.Millisecond, time.Minute)
	hls.count("window", &stream.HLS.Window, 2, 1000)
	hls.close()

	s.close()
	return stream
}

// keyring tells which field gave which key to which app: an app and a key must name one stream.
type keyring map[keyPlace]string

type keyPlace struct {
	app    string
	digest [32]byte
}

// streamKey is what every encoder can send and no log can be confused by.
var streamKey = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

const maxStreamKey = 1024

func readKey(i int, s *section, app string, known keyring) Key {
	key := Key{Name: fmt.Sprintf("key%d", i+1)}
	s.name("name", &key.Name)
	source, text := s.key("key", "key_file")
	s.close()
	switch {
	case s.broken || text.IsZero() && source != "":
		return key // reported already
	case source == "":
		s.fail("key", "missing", "set key or key_file")
		return key
	case !streamKey.MatchString(text.Reveal()) || len(text.Reveal()) > maxStreamKey:
		s.fail(source, "not a stream key", "use 1 to 1024 of the characters A-Z a-z 0-9 . _ ~ -")
		return key
	}
	place := keyPlace{app, text.Digest()}
	if owner, taken := known[place]; taken {
		s.fail(source, fmt.Sprintf("the same key as %s in app %s", owner, app), "give each its own")
	}
	known[place] = s.field
	key.Secret = text
	return key
}
