package recorder

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"
)

// Session is one line of history: what became of one show.
type Session struct {
	Stream     string
	Start      time.Time
	End        time.Time // of what is known
	Why        string    // it ended; "": nobody knows, its relay was killed
	Publishers []string  // names of their keys, never the keys, in the order in which they came
	Holds      int       // how often outputs got what was made up
	Held       time.Duration
	Switches   int      // how often another publisher fed than before
	Restarts   int      // of the relay
	Recordings []string // files in Dir, one part after the other
	Summary    string   // file in Dir, "" if there is none
}

// session is what a story comes to.
func (s *story) session() Session {
	one := Session{Stream: s.stream, Start: s.began, End: s.last, Why: s.why, Restarts: max(s.opened-1, 0)}
	for _, v := range s.visits {
		if !slices.Contains(one.Publishers, v.key) {
			one.Publishers = append(one.Publishers, v.key)
		}
	}
	fed := ""
	for _, st := range s.stretches {
		switch st.who {
		case held:
			one.Holds++
			one.Held += st.lasted()
		case publisher, backup:
			if fed != "" && fed != st.key {
				one.Switches++
			}
			fed = st.key
		}
	}
	return one
}

// files are those that stand beside a session's box: they have its start in their names.
func (s *Session) files(start string, beside []string) {
	s.Recordings, s.Summary = nil, ""
	for _, name := range beside {
		if !strings.HasPrefix(name, start+".") {
			continue
		}
		switch path.Ext(name) {
		case ".mp4", ".mkv", ".ts":
			s.Recordings = append(s.Recordings, path.Join(s.Stream, name))
		case summaryExtension:
			s.Summary = path.Join(s.Stream, name)
		}
	}
	slices.SortFunc(s.Recordings, func(a, b string) int { // part10 comes after part2
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}
