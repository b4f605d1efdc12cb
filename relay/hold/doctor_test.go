package hold_test

import (
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/hold"
)

// Bitrates of an encoder by its padding, with a floor of 200 kb/s: 25 pictures and 47 packets of sound a second.
const (
	thick    = 500 // 294 kb/s
	between  = 370 // 219 kb/s: above the floor, but not well above it
	thin     = 10
	oneFloor = 200_000
)

func floored(set *hold.Settings) { set.Floor = oneFloor }

// fed counts how often somebody began to feed.
func (s *scene) fed() (n int) {
	for _, what := range s.told() {
		if len(what) > 7 && what[:7] == "feeding" {
			n++
		}
	}
	return n
}

// A publisher below the floor is not let in by its keyframes, nor when it is hardly better, but when it is well.
func TestFloorHasHysteresis(t *testing.T) {
	play(t, floored, func(s *scene) {
		e := s.encoder("studio", 0)
		e.pad(thick)
		e.run(20 * time.Second)
		e.pad(between)
		e.run(20 * time.Second)
		s.wantFeeder("studio")
		e.pad(thin)
		e.run(14 * time.Second)
		s.wantFeeder("hold")
		e.run(20 * time.Second)
		e.pad(between)
		e.run(20 * time.Second)
		s.wantFeeder("hold")
		e.pad(thick)
		e.run(9 * time.Second)
		s.wantFeeder("studio")
		e.run(time.Minute)
		s.wantFeeder("studio")
		s.wantTold("began", "published studio", "feeding studio", "feeding hold", "switch studio", "feeding studio")
		k := s.read()
		k.steady(t, strict(s.set))
		k.onTime(t, 100*time.Millisecond)
	})
}

// A still scene, or a moment without media, is no illness that is told of later.
func TestFloorForgivesAMoment(t *testing.T) {
	for name, moment := range map[string]func(*encoder){
		"thin": func(e *encoder) {
			e.pad(thin)
			e.run(3900 * time.Millisecond)
			e.pad(thick)
		},
		"silent": func(e *encoder) { e.pause(2900 * time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, floored, func(s *scene) {
				e := s.encoder("studio", 0)
				e.pad(thick)
				e.run(9 * time.Second)
				moment(e)
				e.run(3 * time.Second) // until its next keyframe
				before := s.fed()
				e.run(30 * time.Second)
				if n := s.fed(); n != before {
					t.Errorf("told %q", s.told())
				}
				s.wantFeeder("studio")
			})
		})
	}
}

// Where two are below the floor, neither takes turns with the hold.
func TestTwoBelowTheFloor(t *testing.T) {
	play(t, floored, func(s *scene) {
		primary, backup := s.encoder("studio", 0), s.encoder("field", 0)
		primary.pad(thick)
		backup.pad(thick)
		together(9*time.Second, primary, backup)
		primary.pad(thin)
		backup.pad(thin)
		together(20*time.Second, primary, backup)
		s.wantFeeder("hold")
		before := s.fed()
		together(40*time.Second, primary, backup)
		s.wantFeeder("hold")
		if n := s.fed(); n != before || n > 3 {
			t.Errorf("told %q", s.told())
		}
		backup.pad(thick)
		together(9*time.Second, primary, backup)
		s.wantFeeder("field")
		backup.lose() // the primary is still too thin
		primary.run(10 * time.Second)
		s.wantFeeder("hold")
		if n := s.fed(); n != before+2 {
			t.Errorf("told %q", s.told())
		}
	})
}

// A floor that is taken away bars nobody.
func TestFloorIsTakenAway(t *testing.T) {
	play(t, floored, func(s *scene) {
		e := s.encoder("studio", 0)
		e.pad(thin)
		e.run(30 * time.Second)
		s.wantFeeder("hold")
		s.change(func(set *hold.Settings) { set.Floor = 0 })
		e.run(3 * time.Second)
		s.wantFeeder("studio")
	})
}

// A publisher that was ill for longer than a session is held begins the next one when it is well.
func TestWellAfterTheSession(t *testing.T) {
	play(t, func(set *hold.Settings) { set.Floor, set.For = oneFloor, 10*time.Second }, func(s *scene) {
		e := s.encoder("studio", 0)
		e.pad(thick)
		e.run(5 * time.Second)
		e.pad(thin)
		e.run(time.Minute)
		s.wantFeeder("off air")
		e.pad(thick)
		e.run(12 * time.Second)
		s.wantFeeder("studio")
		s.wantTold("began", "published studio", "feeding studio", "feeding hold", "ended", "began", "feeding studio")
	})
}

// A new connection is judged by itself.
func TestNewConnectionBelowTheFloorBefore(t *testing.T) {
	play(t, floored, func(s *scene) {
		e := s.encoder("studio", 0)
		e.pad(thin)
		e.run(30 * time.Second)
		s.wantFeeder("hold")
		e.lose()
		again := s.encoder("studio", 0)
		again.pad(thick)
		again.run(200 * time.Millisecond)
		s.wantFeeder("studio")
	})
}

// Keyframes of one whose clock stands still do not end a hold; its clock does when it goes on.
func TestFrozenClockIsHeld(t *testing.T) {
	for name, apart := range map[string]bool{"both at one time": false, "sound and picture apart": true} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(s *scene) {
				e := s.encoder("studio", 0).run(5 * time.Second)
				e.frozen, e.apart = true, apart
				e.run(20 * time.Second)
				s.wantFeeder("hold")
				if n := s.fed(); n != 2 {
					t.Errorf("told %q", s.told())
				}
				e.frozen = false
				e.run(3 * time.Second)
				s.wantFeeder("studio")
				l := strict(s.set)
				l.still = true
				l.video, l.audio, l.skew = 1200*time.Millisecond, 1200*time.Millisecond, 1200*time.Millisecond
				k := s.read()
				k.steady(t, l)
				k.onTime(t, 100*time.Millisecond)
			})
		})
	}
}

// One track whose clock stands still beside the other is no less of a failure: viewers would see a still, or hear nothing.
func TestOneFrozenTrackIsHeld(t *testing.T) {
	for _, track := range []relay.Kind{relay.Video, relay.Audio} {
		t.Run(track.String(), func(t *testing.T) {
			play(t, nil, func(s *scene) {
				e := s.encoder("studio", 0).run(5 * time.Second)
				e.stuck, e.stuckAt = track, 4960
				e.run(900 * time.Millisecond)
				s.wantFeeder("studio")
				e.run(10 * time.Second)
				s.wantFeeder("hold")
				if st := s.stream.Status(); st.Hold == nil || st.Hold.Why != "studio: its timestamps stand still" {
					t.Errorf("held: %+v", st.Hold)
				}
				if n := s.fed(); n != 2 {
					t.Errorf("told %q", s.told())
				}
				e.stuck = 0
				e.run(3 * time.Second)
				s.wantFeeder("studio")
			})
		})
	}
}

// A track that ends with a clock that stood still leaves the other one on air.
func TestFrozenTrackThatEnds(t *testing.T) {
	play(t, nil, func(s *scene) {
		e := s.encoder("studio", 0).run(5 * time.Second)
		e.stuck, e.stuckAt = relay.Video, 4960
		e.run(480 * time.Millisecond)
		e.blind = true
		e.run(5 * time.Second)
		s.wantFeeder("studio")
	})
}

// A track of which hardly anything comes, such as commands to the player, may keep one time.
func TestAFewPacketsOfOneTimeAreNoFailure(t *testing.T) {
	play(t, nil, func(s *scene) {
		e := s.encoder("studio", 0, audioOnly).run(3 * time.Second)
		for range 5 {
			e.write(relay.Packet{Kind: relay.Video, Body: []byte("command")})
			e.run(2 * time.Second)
		}
		s.wantFeeder("studio")
	})
}
