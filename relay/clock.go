package relay

import "time"

// Clock places a session in the programme it carries. A rendition's session begins later than its source's, but shows the
// same programme: both tell the same moment of it by the same time.
type Clock struct {
	Zero  time.Time     // when the programme's time was 0, by the wall clock
	Shift time.Duration // the programme's time when the session's was 0; 0 but for renditions
}

// moment is where a session stands in the world.
type moment struct {
	start time.Time
	clock Clock
}

// clock is the session's; its Zero is unknown before there was media.
func (ses *session) clock() Clock {
	if ses.made != (Clock{}) {
		return ses.made
	}
	return Clock{Zero: ses.timeline.epoch}
}

// Clock returns that of the session this subscription joined, the zero value before it did.
func (s *Subscription) Clock() Clock {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of.clock
}
