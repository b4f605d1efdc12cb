package main

import (
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/httpapi"
)

// remember makes the list of past sessions, of their black boxes. Those that are on have no place in it.
func (c *chronicle) remember(dir string) {
	c.past = &recorder.History{
		Dir: dir,
		On: func(stream string, start time.Time) bool {
			s := c.hub.Stream(stream)
			if s == nil {
				return false
			}
			now, on := s.Session()
			return on && now.Equal(start)
		},
		Report: func(file string, err error) {
			c.log.Warn("a past session is not known", zap.String("file", file), zap.Error(err))
		},
	}
}

// PastSessions are the sessions that are over, the newest first.
func (c *chronicle) PastSessions() []httpapi.PastSession {
	var all []httpapi.PastSession
	for _, s := range c.past.Sessions() {
		show := c.shows.Show(s.Stream, s.Start)
		if show != "" {
			show = "/hls/" + show
		}
		all = append(all, httpapi.PastSession{
			Stream: s.Stream, Start: s.Start, End: s.End, Seconds: s.End.Sub(s.Start).Seconds(), Why: s.Why,
			Publishers: append([]string{}, s.Publishers...), Holds: s.Holds, Held: s.Held.Seconds(), Switches: s.Switches,
			Restarts: s.Restarts, Recordings: append([]string{}, s.Recordings...), Summary: s.Summary, Show: show,
		})
	}
	return all
}
