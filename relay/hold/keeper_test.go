package hold_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/hold"
)

// wantEnd checks that the output's session ends now.
func (s *scene) wantEnd() {
	s.Helper()
	s.read()
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	if _, err := s.sub.Read(ctx, nil); !errors.Is(err, io.EOF) {
		s.Errorf("the output reads on: %v", err)
	}
}

func TestGoodbyeEndsTheSession(t *testing.T) {
	play(t, nil, func(s *scene) {
		s.encoder("studio", 0).run(3 * time.Second).pub.Close()
		s.wantFeeder("off air")
		s.wantEnd()
		s.wantTold("began", "published studio", "feeding studio", "left studio", "ended")
	})
}

func TestGoodbyeIsHeldWhereAskedFor(t *testing.T) {
	play(t, func(set *hold.Settings) { set.AfterStop = 5 * time.Second }, func(s *scene) {
		s.encoder("studio", 0).run(3 * time.Second).pub.Close()
		time.Sleep(2 * time.Second)
		s.wantFeeder("hold")
		if st := s.stream.Status(); !st.Hold.Stopped {
			t.Errorf("held as if it was lost: %+v", st.Hold)
		}
		e := s.encoder("studio", 0).run(3 * time.Second) // changed their mind
		s.wantFeeder("studio")
		e.pub.Close()
		time.Sleep(4900 * time.Millisecond)
		s.wantFeeder("hold")
		time.Sleep(200 * time.Millisecond)
		s.wantEnd()
	})
}

// A hold has an end, which publishers that never send a picture do not put off.
func TestHoldEnds(t *testing.T) {
	for name, meanwhile := range map[string]func(*scene){
		"nobody comes": func(s *scene) { time.Sleep(10 * time.Second) },
		"some come and go without a picture": func(s *scene) {
			for range 20 {
				e := s.encoder("studio", 0)
				time.Sleep(500 * time.Millisecond)
				e.lose()
			}
		},
		"one stays without a picture": func(s *scene) {
			e := s.encoder("studio", 0)
			for range 250 {
				e.write(relay.Packet{Kind: relay.Video, Body: []byte("delta")})
				time.Sleep(picture)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(set *hold.Settings) { set.For = 10*time.Second + 100*time.Millisecond }, func(s *scene) {
				s.encoder("studio", 0).run(3 * time.Second).lose()
				meanwhile(s)
				s.wantFeeder("hold")
				time.Sleep(200 * time.Millisecond)
				if _, on := s.stream.Session(); on {
					t.Error("the session goes on")
				}
				s.wantEnd()
				last := s.events[len(s.events)-1]
				if last.What != relay.Ended || !strings.Contains(last.Why, "held for 10.1s") {
					t.Errorf("told %+v", last)
				}
			})
		})
	}
}

// A session that nobody could see is not worth a hold.
func TestNothingToHold(t *testing.T) {
	play(t, nil, func(s *scene) {
		e := s.encoder("studio", 0)
		e.write(relay.Packet{Kind: relay.Video, Body: []byte("delta")})
		time.Sleep(3 * time.Second) // it stalls, too
		if st := s.stream.Status(); st.Publisher == nil || st.Hold != nil {
			t.Errorf("status %+v", st)
		}
		e.lose()
		s.wantFeeder("off air")
		s.wantTold("began", "published studio", "feeding studio", "lost studio", "ended")
	})
}

func TestNoHold(t *testing.T) {
	play(t, func(set *hold.Settings) { set.For = 0 }, func(s *scene) {
		first := s.encoder("studio", 0).run(3 * time.Second)
		time.Sleep(3 * time.Second)
		s.wantFeeder("studio") // it stalls, and nobody is there to help
		second := s.encoder("studio", 0)
		second.pause(3 * time.Second).run(3 * time.Second)
		if !errors.Is(first.pub.Err(), relay.ErrReplaced) {
			t.Errorf("the first ended with %v", first.pub.Err())
		}
		s.wantAll(s.read())
		second.lose()
		s.wantEnd()
	})
}

// Without a hold a session waits for the backup that is there, and for nobody else.
func TestNoHoldWaitsForTheBackup(t *testing.T) {
	play(t, func(set *hold.Settings) { set.For = 0 }, func(s *scene) {
		primary, backup := s.encoder("studio", 0), s.encoder("field", 0, gop(500))
		backup.pictures = 1 // its keyframe was before it came
		together(3*time.Second, primary, backup)
		primary.lose()
		backup.run(3 * time.Second)
		s.wantFeeder("nobody")
		backup.gop = backup.pictures + 25
		backup.run(3 * time.Second)
		s.wantFeeder("field")
		s.wantTold("began", "published studio", "feeding studio", "published field", "lost studio", "feeding field")
		backup.lose()
		s.wantEnd()
	})
}

// A connection that takes the place of another and sends nothing is a loss, too.
func TestReplacedByOneThatSendsNothing(t *testing.T) {
	play(t, nil, func(s *scene) {
		first := s.encoder("studio", 0).run(3 * time.Second)
		second := s.encoder("studio", 0)
		first.run(200 * time.Millisecond)
		s.wantFeeder("nobody")
		second.begun = time.Now()
		second.pause(5 * time.Second)
		s.wantFeeder("hold")
		second.run(3 * time.Second)
		s.wantFeeder("studio")
		k := s.read()
		k.steady(t, strict(s.set))
		k.onTime(t, 100*time.Millisecond)
		s.wantTold("began", "published studio", "feeding studio", "published studio", "feeding hold", "feeding studio")
	})
}

// While held, sound that comes before the first keyframe gives way to silence, and nothing of what follows is missing.
func TestReturnBeginsAtAKeyframe(t *testing.T) {
	play(t, nil, func(s *scene) {
		s.encoder("studio", 0).run(3 * time.Second).lose()
		time.Sleep(2 * time.Second)
		e := s.encoder("studio", 0)
		e.pictures = 20 // in the middle of a GOP
		e.run(3 * time.Second)
		k := s.read()
		k.steady(t, strict(s.set))
		k.onTime(t, 100*time.Millisecond)
		s.wantAll(k, func(body string) bool { return strings.HasPrefix(body, "studio2-a") && !slices.Contains(s.sent, body) })
		if first := slices.IndexFunc(k.media, func(body string) bool { return strings.HasPrefix(body, "studio2-v") }); k.media[first] != "studio2-v50" {
			t.Errorf("its first picture is %q", k.media[first])
		}
		e.lose()
	})
}

// An encoder that returns may have to prove itself by a whole GOP.
func TestReturnAfterAWholeGOP(t *testing.T) {
	for name, how := range map[string][]func(*encoder){"video": {gop(25)}, "sound alone": {audioOnly}} {
		proving := map[string]time.Duration{"video": 1800, "sound alone": 900}[name] * time.Millisecond // after the stall
		t.Run(name, func(t *testing.T) {
			play(t, func(set *hold.Settings) { set.Prove = true }, func(s *scene) {
				first := s.encoder("studio", 0, how...).run(3 * time.Second)
				first.lose()
				time.Sleep(2 * time.Second)
				e := s.encoder("studio", 0, how...).run(900 * time.Millisecond)
				s.wantFeeder("hold")
				e.run(1200 * time.Millisecond)
				s.wantFeeder("studio")
				e.pause(3 * time.Second) // and again, after a stall
				s.wantFeeder("hold")
				e.run(proving)
				s.wantFeeder("hold")
				e.run(500 * time.Millisecond)
				s.wantFeeder("studio")
				s.read().steady(t, limits{video: 600 * time.Millisecond, audio: 200 * time.Millisecond})
			})
		})
	}
}

// One who stalls stands by, until a decoder could begin with what it sends.
func TestStallIsHeld(t *testing.T) {
	play(t, nil, func(s *scene) {
		e := s.encoder("studio", 0).run(4900 * time.Millisecond)
		e.pause(900 * time.Millisecond)
		s.wantFeeder("studio")
		e.pause(250 * time.Millisecond)
		s.wantFeeder("hold")
		e.pause(850 * time.Millisecond).run(time.Second)
		s.wantFeeder("hold") // in the middle of a GOP
		if st := s.stream.Status(); len(st.Standby) != 1 || st.Standby[0].Ready || st.Hold.Why != "studio: no media for 1s" {
			t.Errorf("status %+v, %+v", st.Standby, st.Hold)
		}
		e.run(2 * time.Second)
		s.wantFeeder("studio")
		k := s.read()
		k.steady(t, strict(s.set))
		k.onTime(t, 100*time.Millisecond)
		if i := slices.Index(k.media, "studio1-v122"); k.media[i+1][:9] != "studio1-a" && k.media[i+1] != "studio1-v150" {
			t.Errorf("after the stall it goes on with %q", k.media[i+1])
		}
		if slices.Contains(k.media, "studio1-v140") {
			t.Error("a picture that cannot be decoded was sent")
		}
		e.pub.Close()
		s.wantFeeder("off air")
	})
}

// A clock that drifts, or was ahead of the wall's or behind when its encoder was lost, leaves no hole, and the hold brings
// the session's time back.
func TestHoldMakesUpForDrift(t *testing.T) {
	for name, rate := range map[string]float64{"slow": 0.98, "a little slow": 0.9998, "a little fast": 1.0002, "fast": 1.005} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(s *scene) {
				s.encoder("studio", 0, speed(rate)).run(time.Minute).lose()
				time.Sleep(3 * time.Second)
				s.encoder("studio", 0).run(3 * time.Second)
				k := s.read()
				k.steady(t, strict(s.set))
				k.onTime(t, 100*time.Millisecond)
				s.wantAll(k)
			})
		})
	}
}

// What was sent at once, a file, is far ahead of the wall: the hold does not wait for that.
func TestHoldAfterABurst(t *testing.T) {
	play(t, nil, func(s *scene) {
		s.encoder("studio", 0, speed(60)).run(time.Second).lose()
		time.Sleep(2 * time.Second)
		k := s.read()
		k.steady(t, strict(s.set))
		if k.repeats < 3 || k.silence < 60 {
			t.Errorf("%d repeats and %d packets of silence in 2 s", k.repeats, k.silence)
		}
	})
}

// Sound that was behind the picture is filled up, and a picture that was ahead is followed a picture later.
func TestHoldBeginsWhereEachTrackEnded(t *testing.T) {
	play(t, nil, func(s *scene) {
		e := s.encoder("studio", 0).run(3 * time.Second)
		e.silent = true
		e.run(600 * time.Millisecond).lose()
		time.Sleep(3 * time.Second)
		k := s.read()
		k.steady(t, strict(s.set))
		if k.silence < 165 || k.silence > 172 {
			t.Errorf("%d packets of silence in 3.6 s", k.silence)
		}
	})
	play(t, nil, func(s *scene) {
		e := s.encoder("studio", 0).run(3 * time.Second)
		e.write(relay.Packet{Kind: relay.Video, DTS: 3300, Body: []byte("ahead")})
		e.write(relay.Packet{Kind: relay.Audio, DTS: 3000, Body: []byte("on time")})
		e.lose()
		time.Sleep(time.Second)
		var pictures []int64
		for _, p := range s.read().packets {
			if p.Kind == relay.Video && p.Slot == 0 {
				pictures = append(pictures, p.DTS)
			}
		}
		if n := len(pictures); !slices.Equal(pictures[n-3:], []int64{3300, 3340, 3840}) {
			t.Errorf("pictures at %v", pictures[n-3:])
		}
	})
}

// Sound that was off for long before its encoder was lost is not filled up.
func TestHoldDoesNotFillUpSilence(t *testing.T) {
	play(t, nil, func(s *scene) {
		e := s.encoder("studio", 0).run(3 * time.Second)
		e.silent = true
		e.run(time.Minute).lose()
		time.Sleep(3 * time.Second)
		k := s.read()
		if k.silence > 200 {
			t.Errorf("%d packets of silence in 3 s", k.silence)
		}
		k.steady(t, limits{video: 600 * time.Millisecond})
	})
}

// Settings may change at any time.
func TestSettingsChangeWhileHeld(t *testing.T) {
	play(t, nil, func(s *scene) {
		s.encoder("studio", 0).run(3 * time.Second).lose()
		time.Sleep(5 * time.Second)
		s.wantFeeder("hold")
		s.change(func(set *hold.Settings) { set.For = 2 * time.Second })
		time.Sleep(100 * time.Millisecond)
		s.wantEnd()
	})
}

// A pace of nothing would be an endless one.
func TestRepeatsAreBounded(t *testing.T) {
	play(t, func(set *hold.Settings) { set.Every = 0 }, func(s *scene) {
		s.encoder("studio", 0).run(3 * time.Second).lose()
		time.Sleep(2 * time.Second)
		if k := s.read(); k.repeats < 40 || k.repeats > 60 {
			t.Errorf("%d repeats in 2 s, want one a picture", k.repeats)
		}
	})
}
