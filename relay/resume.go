package relay

import "time"

// Resume opens a session again that an earlier run of the relay left without an end: it began at start, and nobody has
// fed it since. Who publishes next goes on with it; until then it is held. It reports false where a session is on.
func (s *Stream) Resume(start, since time.Time, why string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil || s.closed {
		return false
	}
	s.newest = start.UTC().Truncate(time.Second).Add(-time.Second) // begin takes the second after it at least
	s.begin(start)
	s.orphan, s.session.aired = orphan{since: since, why: why}, true
	return true
}
