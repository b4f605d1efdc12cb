package config

import (
	"errors"
	"strings"
	"time"

	"github.com/restreamd/restreamd/relay/naming"
)

// RecordForm is what a stream's finished recordings are like.
type RecordForm struct {
	Container string          // "mp4", "mkv" or "ts"; default "mp4"
	Segment   time.Duration   // a new file begins at the first keyframe after it; 2 s to 24 h; default 0: one file
	Name      naming.Template // below the folder of recordings; default naming.Default
}

func defaultRecordForm() RecordForm { return RecordForm{Container: "mp4"} }

const (
	shortestSegment = 2 * time.Second // each costs a child's start
	longestSegment  = 24 * time.Hour
)

// leastSecret is how long a key must be to be looked for in other settings: a short one is part of many words.
const leastSecret = 8

func (f *RecordForm) read(s *section, keys []Key) {
	s.choice("container", &f.Container, "mp4", "mkv", "ts")
	s.duration("segment", &f.Segment, 0, longestSegment)
	if f.Segment > 0 && f.Segment < shortestSegment {
		s.fail("segment", "not a duration in range", "write 1h, or 0 for one file")
	}
	text, found := s.scalar("name")
	if !found {
		return
	}
	name, err := naming.Parse(text)
	var wrong *naming.Error
	switch {
	case errors.As(err, &wrong):
		s.fail("name", wrong.Problem, wrong.Hint)
	case holdsKey(text, keys):
		s.fail("name", "a stream key stands in it", "names are seen by everybody: choose another word, and a new key")
	default:
		f.Name = name
	}
}

func holdsKey(text string, keys []Key) bool {
	for _, k := range keys {
		if key := k.Secret.Reveal(); len(key) >= leastSecret && strings.Contains(text, key) {
			return true
		}
	}
	return false
}
