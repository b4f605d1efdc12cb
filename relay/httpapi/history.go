package httpapi

import (
	"net/http"
	"time"
)

// Historian remembers sessions that are over, a bounded number of them, the newest first.
type Historian interface {
	PastSessions() []PastSession
}

// PastSession is one line of history: what became of one show. It names keys and files and holds no key and no address.
type PastSession struct {
	Stream     string    `json:"stream"`
	Start      time.Time `json:"start"`
	End        time.Time `json:"end"`     // of what is known
	Seconds    float64   `json:"seconds"` // between the two
	Why        string    `json:"why"`     // it ended; "": nobody knows, its relay was killed
	Publishers []string  `json:"publishers"`
	Holds      int       `json:"holds"`        // how often nobody was there to feed it
	Held       float64   `json:"held_seconds"` // in all
	Switches   int       `json:"switches"`     // how often another publisher fed it than before
	Restarts   int       `json:"restarts"`     // of the relay
	Recordings []string  `json:"recordings"`   // files in the folder of recordings
	Summary    string    `json:"summary,omitempty"`
	Show       string    `json:"show,omitempty"` // path of its HLS playlist, while the whole show can be watched
	Playback   Playback  `json:"playback"`       // of the stream: on what terms
}

// sessions answers with what is known of past sessions.
func (s *Server) sessions(w http.ResponseWriter, _ *http.Request) {
	all := []PastSession{}
	if s.History != nil {
		all = append(all, s.History.PastSessions()...)
	}
	for i := range all {
		if all[i].Playback = s.Viewers.Terms(all[i].Stream).Playback; all[i].Playback == PlaybackNone {
			all[i].Show = ""
		}
	}
	answer(w, http.StatusOK, map[string][]PastSession{"sessions": all})
}
