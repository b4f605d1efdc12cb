package hold_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// An encoder that is lost and comes back leaves no trace in an output's clocks, whoever it is when it returns.
func TestHoldBridgesALoss(t *testing.T) {
	for name, back := range map[string]func(*scene) *encoder{
		"same key":         func(s *scene) *encoder { return s.encoder("studio", 0) },
		"another key":      func(s *scene) *encoder { return s.encoder("guest", 77_777) },
		"clock near 2^31":  func(s *scene) *encoder { return s.encoder("studio", 1<<31-500) },
		"clock near 2^32":  func(s *scene) *encoder { return s.encoder("studio", math.MaxUint32-500) },
		"other headers":    func(s *scene) *encoder { return s.encoder("studio", 5, header("sps2")) },
		"in bursts":        func(s *scene) *encoder { return s.encoder("studio", 5, bursts(300*time.Millisecond)) },
		"GOP of 8 seconds": func(s *scene) *encoder { return s.encoder("studio", 5, gop(200)) },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(s *scene) {
				s.encoder("studio", 1000).run(5300 * time.Millisecond).lose()
				time.Sleep(7 * time.Second)
				s.wantFeeder("hold")
				e := back(s)
				e.run(4 * time.Second)
				e.pub.Close()
				k := s.read()
				k.steady(t, strict(s.set))
				k.onTime(t, 100*time.Millisecond+e.burst)
				s.wantAll(k)
				if k.repeats < 13 || k.repeats > 15 || k.silence < 320 || k.silence > 345 {
					t.Errorf("%d repeats and %d packets of silence in 7 s", k.repeats, k.silence)
				}
				want := []string{"sps", aac}
				if e.sps != "sps" {
					want = append(want, e.sps)
				}
				if !slices.Equal(k.headers, want) {
					t.Errorf("headers %q, want %q", k.headers, want)
				}
			})
		})
	}
}

// A hundred flaps of encoders of every kind: one session, whose time is the wall's at the end, and nothing that was sent
// is missing.
func TestHundredFlaps(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 5))
		seconds := func(from, to float64) time.Duration {
			return time.Duration((from + r.Float64()*(to-from)) * float64(time.Second))
		}
		play(t, nil, func(s *scene) {
			for range 100 {
				start := r.Uint32()
				switch r.IntN(4) {
				case 0:
					start = 1<<31 - r.Uint32N(3000)
				case 1:
					start = -r.Uint32N(3000)
				}
				e := s.encoder("studio", start, gop(25+r.IntN(200)), speed(1+(r.Float64()-0.5)*0.0004))
				if r.IntN(3) == 0 {
					e.burst = seconds(0.05, 0.4)
				}
				if r.IntN(3) == 0 {
					e.jitter = func() time.Duration { return seconds(0, 0.05) }
				}
				e.run(seconds(0.1, 6))
				if r.IntN(3) == 0 {
					e.jump([]time.Duration{time.Hour, -time.Hour, 5 * time.Second, -5 * time.Second}[r.IntN(4)])
					e.run(seconds(0.1, 3))
				}
				if r.IntN(5) > 0 {
					e.lose()
				} else { // it stalls, and the next one replaces it
					time.Sleep(s.set.Stall + picture)
				}
				time.Sleep(seconds(0.1, 20))
			}
			s.encoder("studio", 0).run(3 * time.Second)
			k := s.read()
			l := strict(s.set)
			l.video, l.skew = l.video+400*time.Millisecond, l.skew+400*time.Millisecond // bursts are holes
			l.audio += 400 * time.Millisecond
			k.steady(t, l)
			k.onTime(t, 100*time.Millisecond)
			s.wantAll(k)
			if n := len(slices.Compact(slices.Sorted(slices.Values(k.headers)))); n != 2 || len(k.headers) != 2 {
				t.Errorf("headers %q", k.headers)
			}
			if st := s.stream.Status(); st.Session == nil || !st.Session.Equal(s.sub.Session()) {
				t.Errorf("another session: %+v", st)
			}
		})
	}
}

// What an encoder sends decides what it is held with.
func TestHoldByKindOfEncoder(t *testing.T) {
	const lastPicture, none = 8, 0
	const second = 47 // packets of sound
	for name, c := range map[string]struct {
		how                []func(*encoder)
		repeats, silence   int
		audioGap, videoGap time.Duration
	}{
		"video only":           {[]func(*encoder){videoOnly}, lastPicture, none, 0, 600 * time.Millisecond},
		"audio only":           {[]func(*encoder){audioOnly}, none, 188 + second, sound + 100*time.Millisecond, 0},
		"no codec known":       {[]func(*encoder){noHeader}, lastPicture, none, 0, 600 * time.Millisecond},
		"no codec known, only": {[]func(*encoder){noHeader, audioOnly}, none, none, 0, 0},
		"Opus":                 {[]func(*encoder){voice(opus)}, lastPicture, 200, 120 * time.Millisecond, 600 * time.Millisecond},
		"Opus, 5.1":            {[]func(*encoder){voice(surround)}, lastPicture, none, 0, 600 * time.Millisecond},
		"a broken AAC":         {[]func(*encoder){voice("\xaf\x00")}, lastPicture, none, 0, 600 * time.Millisecond},
		"AAC and video":        {nil, lastPicture, 188, sound + 100*time.Millisecond, 600 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(s *scene) {
				s.encoder("studio", 4_000_000_000, c.how...).run(4 * time.Second).lose()
				time.Sleep(4 * time.Second)
				s.wantFeeder("hold")
				s.encoder("studio", 9, c.how...).run(4 * time.Second)
				k := s.read()
				k.steady(t, limits{video: c.videoGap, audio: c.audioGap})
				k.onTime(t, 200*time.Millisecond)
				s.wantAll(k)
				if k.repeats != c.repeats && k.repeats != c.repeats+1 || k.silence < c.silence-4 || k.silence > c.silence+4 {
					t.Errorf("%d repeats, %d packets of silence, want %d and about %d", k.repeats, k.silence, c.repeats, c.silence)
				}
				if st := s.stream.Status(); !st.Live {
					t.Error("nobody can join any more")
				}
			})
		})
	}
}
