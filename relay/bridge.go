package relay

import "time"

// worthFilling is the shortest time without media between two publishers that is filled: less is jitter.
const worthFilling = 100 * time.Millisecond

// bridge fills the time between the last media outputs got and the GOP of one that is about to feed: its predecessor was
// silent for a while before anybody knew that it had failed.
func (s *Stream) bridge(p *Publication) {
	t, now := &s.session.timeline, time.Now()
	if s.holds.Fill == nil || !s.session.aired || !t.started {
		return
	}
	sound, picture := p.gop.begin(t.clock(p.gop.newest().Arrived))
	if max(t.hole(Audio, sound), t.hole(Video, picture)) < worthFilling {
		return
	}
	f, end := s.freeze(now), t.now
	f.NextAudio, f.NextVideo = sound-end, picture-end
	for _, fill := range s.holds.Fill(f) {
		fill.Arrived = now
		s.write(&fill)
	}
}

// hole is how long outputs get nothing of a kind if it goes on at dts. A track that was off for long has none.
func (t *timeline) hole(kind Kind, dts int64) time.Duration {
	missing := time.Duration(dts-t.last[kind&31]) * time.Millisecond
	if !t.begun[kind&31] || missing > maxLate {
		return 0
	}
	return missing
}
