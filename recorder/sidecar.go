package recorder

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"time"
)

// sidecarExtension is added to a finished file's whole name.
const sidecarExtension = ".json"

// Sidecar is what stands beside a finished file, as JSON, for programs that take it from here. Times are in UTC,
// lengths in seconds of the file.
type Sidecar struct {
	Stream    string      `json:"stream"`
	Session   time.Time   `json:"session"` // when that began
	Ended     time.Time   `json:"ended"`   // when it ended; of one that nobody saw end, when its last packet came
	From      time.Time   `json:"from"`    // when the first packet of this file came, to a second or so
	To        time.Time   `json:"to"`      // and the last
	File      string      `json:"file"`    // its name, without its folder
	Container Container   `json:"container"`
	Duration  float64     `json:"duration"`
	Bytes     int64       `json:"bytes"`
	SHA256    string      `json:"sha256"`
	Tracks    []TrackInfo `json:"tracks"`
	Gaps      []Gap       `json:"gaps"`     // where something is missing
	Chapters  []Chapter   `json:"chapters"` // what is what; empty where all of it is the publisher's
	Parts     []string    `json:"parts"`    // the files it was made of, which are gone
}

// Gap is a place in a file where time is missing. It takes no time there.
type Gap struct {
	At    float64 `json:"at"`
	Lasts float64 `json:"lasts"`
	Why   string  `json:"why"`
}

// Chapter is a stretch of a file, as a player shows it: On air, Backup, Hold or Interruption.
type Chapter struct {
	Start float64 `json:"start"`
	End   float64 `json:"end"`
	Title string  `json:"title"`
}

// ReadSidecar reads what stands beside a finished file. One that has none is fs.ErrNotExist.
func ReadSidecar(file string) (s Sidecar, err error) {
	text, err := os.ReadFile(file + sidecarExtension)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("read what is known of %s: %w", filepath.Base(file), err)
	}
	return s, nil
}

// text is what the sidecar of a file holds.
func (s Sidecar) text(file string) ([]byte, error) {
	s.File = path.Base(file)
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

// sidecar tells of a file that was made and is whole.
func (w work) sidecar(made *index, session *story) Sidecar {
	first, last := w.parts[0], w.parts[len(w.parts)-1]
	s := Sidecar{
		Stream: w.stream(), Session: w.start(), Ended: last.until().UTC(), From: first.begin().UTC(), To: last.until().UTC(),
		Container: w.container, Duration: seconds(made.duration()), Bytes: made.size,
		Tracks: []TrackInfo{}, Gaps: w.gaps(session), Chapters: []Chapter{},
	}
	if session != nil && session.over {
		s.Ended = session.last.UTC()
	}
	for i, t := range made.tracks {
		s.Tracks = append(s.Tracks, first.tracks[i].info(t))
	}
	for _, c := range chapters(w.indexes(), session.stretch()) {
		s.Chapters = append(s.Chapters, Chapter{seconds(c.start), seconds(c.end), c.title})
	}
	for _, p := range w.parts {
		s.Parts = append(s.Parts, filepath.Base(partName(w.base, p.number)))
	}
	return s
}

// gaps are where parts do not follow each other at once, and those of parts which were finished before.
func (w work) gaps(session *story) []Gap {
	all := []Gap{}
	var offset time.Duration
	for i, p := range w.parts {
		if i > 0 {
			before := w.parts[i-1].until()
			if missing := p.begin().Sub(before); missing >= gap {
				all = append(all, Gap{seconds(offset), seconds(missing), session.without(before, p.begin())})
			}
		}
		if !p.fragmented {
			earlier, _ := ReadSidecar(partName(w.base, p.number)) // there may be none
			for _, g := range earlier.Gaps {
				g.At += seconds(offset)
				all = append(all, g)
			}
		}
		offset += p.lasts
	}
	return all
}

// without says why nothing was recorded between two moments.
func (s *story) without(from, to time.Time) string {
	for _, st := range s.stretch() {
		if st.why != "" && (st.who == down || st.who == nobody) && st.from.Before(to) && st.to.After(from) {
			return st.why
		}
	}
	return "nothing was recorded"
}

// stretch is who fed the stream when; nothing where nobody kept a black box.
func (s *story) stretch() []stretch {
	if s == nil {
		return nil
	}
	return s.stretches
}

// seconds are exact to a millisecond.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }
