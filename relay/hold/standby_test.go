package hold_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/hold"
)

// turns are the encoders whose pictures an output got, in order.
func (k take) turns() (all []string) {
	for _, p := range k.packets {
		if name, _, ok := strings.Cut(string(p.Body), "-v"); ok && p.Kind == relay.Video && (len(all) == 0 || all[len(all)-1] != name) {
			all = append(all, name)
		}
	}
	return all
}

func (k take) wantTurns(t testing.TB, want ...string) {
	t.Helper()
	if got := k.turns(); !slices.Equal(got, want) {
		t.Errorf("pictures of %q, want %q", got, want)
	}
}

// pad makes an encoder's packets longer.
func (e *encoder) pad(n int) { e.padding = strings.Repeat("x", n) }

// A backup takes over at once, whatever is wrong with the primary, with the GOP it has.
func TestBackupTakesOver(t *testing.T) {
	const floor = 200_000
	for name, c := range map[string]struct {
		fail   func(primary *encoder, d time.Duration)
		within time.Duration
		why    string
	}{
		"lost":   {func(e *encoder, _ time.Duration) { e.lose() }, 0, "connection reset"},
		"left":   {func(e *encoder, _ time.Duration) { e.pub.Close() }, 0, "stream is closed"},
		"stalls": {func(e *encoder, d time.Duration) { e.pause(d) }, 1100 * time.Millisecond, ""},
		"stands still": {func(e *encoder, d time.Duration) {
			e.frozen = true
			e.run(d)
		}, 1100 * time.Millisecond, ""},
		"starves": {func(e *encoder, d time.Duration) {
			e.padding = ""
			e.run(d)
		}, 14 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(set *hold.Settings) { set.Floor = floor }, func(s *scene) {
				primary, backup := s.encoder("studio", 5), s.encoder("field", 3_000_000_000)
				primary.pad(500)
				backup.pad(500)
				together(8300*time.Millisecond, primary, backup)
				s.wantFeeder("studio")
				before := s.read()
				before.steady(t, strict(s.set))
				before.wantTurns(t, "studio1")
				failed := time.Now()
				done := make(chan struct{})
				go func() {
					defer close(done)
					c.fail(primary, c.within+300*time.Millisecond)
				}()
				backup.run(c.within + 300*time.Millisecond)
				<-done
				s.wantFeeder("field")
				k := s.read()
				k.packets = append(before.packets, k.packets...)
				k.wantTurns(t, "studio1", "field2")
				l := strict(s.set)
				l.skew, l.still = 1200*time.Millisecond, name == "stands still"
				k.steady(t, l)
				k.onTime(t, 200*time.Millisecond)
				if k.repeats > 0 || k.silence > 0 {
					t.Errorf("%d repeats, %d packets of silence", k.repeats, k.silence)
				}
				last := s.events[len(s.events)-1]
				if last.What != relay.Fed || last.Key != "field" || last.At.Sub(failed) > c.within {
					t.Errorf("told %+v after %v", last, last.At.Sub(failed))
				}
			})
		})
	}
}

// Between the last packet of a primary that fell silent and the GOP of the backup outputs see no hole, however old that
// GOP is: the last picture is repeated, with silence.
func TestTakeoverLeavesNoHole(t *testing.T) {
	for name, c := range map[string]struct {
		before  time.Duration // the backup's keyframes are 2 s apart
		backup  func(*encoder)
		repeats int
	}{
		"GOP begins just then": {7010 * time.Millisecond, gop(50), 2},
		"GOP is young":         {7300 * time.Millisecond, gop(50), 2},
		"GOP covers a half":    {7600 * time.Millisecond, gop(50), 1},
		"GOP covers it":        {8300 * time.Millisecond, gop(50), 0},
		"backup is ahead":      {7300 * time.Millisecond, bursts(300 * time.Millisecond), 2},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(s *scene) {
				primary, backup := s.encoder("studio", 5), s.encoder("field", 7, c.backup)
				together(c.before, primary, backup)
				s.wantFeeder("studio")
				backup.run(3 * time.Second) // while the primary hangs
				s.wantFeeder("field")
				k := s.read()
				k.wantTurns(t, "studio1", "field2")
				l := strict(s.set)
				if c.repeats == 0 {
					l.skew = 0 // pictures that nobody misses are hurried
				}
				k.steady(t, l)
				k.onTime(t, 400*time.Millisecond)
				if k.repeats != c.repeats {
					t.Errorf("%d repeats, want %d", k.repeats, c.repeats)
				}
				s.wantTold("began", "published studio", "feeding studio", "published field", "switch field", "feeding field")
			})
		})
	}
}

// The same where a connection replaces one that fell silent, and where one is lost that fell silent before.
func TestSilenceBeforeALossLeavesNoHole(t *testing.T) {
	play(t, nil, func(s *scene) {
		first := s.encoder("studio", 5).run(3 * time.Second)
		first.pause(800 * time.Millisecond)
		s.encoder("studio", 9).run(3 * time.Second)
		k := s.read()
		k.steady(t, strict(s.set))
		s.wantAll(k)
		if k.repeats != 2 || k.silence < 33 {
			t.Errorf("%d repeats, %d packets of silence", k.repeats, k.silence)
		}
	})
	play(t, nil, func(s *scene) {
		primary, backup := s.encoder("studio", 5), s.encoder("field", 7)
		together(3300*time.Millisecond, primary, backup)
		backup.run(800 * time.Millisecond)
		primary.lose() // its pictures are missed since before the backup's GOP began
		k := s.read()
		k.wantTurns(t, "studio1", "field2")
		k.steady(t, strict(s.set))
		s.wantTold("began", "published studio", "feeding studio", "published field", "lost studio", "feeding field")
	})
}

// The primary feeds again after it was well for as long as asked, from its keyframe on, and nothing is missing.
func TestFailBack(t *testing.T) {
	play(t, func(set *hold.Settings) { set.FailBack = 5 * time.Second }, func(s *scene) {
		primary, backup := s.encoder("studio", 5), s.encoder("field", 7)
		together(3*time.Second, primary, backup)
		primary.lose()
		backup.run(3 * time.Second)
		s.wantFeeder("field")
		back := s.encoder("studio", 9)
		together(4900*time.Millisecond, back, backup)
		s.wantFeeder("field")
		together(1300*time.Millisecond, back, backup) // its keyframes are 2 s apart: 6 s
		s.wantFeeder("studio")
		together(time.Second, back, backup)
		k := s.read()
		k.wantTurns(t, "studio1", "field2", "studio3")
		k.steady(t, strict(s.set))
		k.onTime(t, 100*time.Millisecond)
		if i := slices.IndexFunc(k.media, func(b string) bool { return strings.HasPrefix(b, "studio3-v") }); k.media[i] != "studio3-v150" {
			t.Errorf("it fed from %q on", k.media[i])
		}
		s.wantTold("began", "published studio", "feeding studio", "published field", "lost studio", "feeding field",
			"published studio", "switch studio", "feeding studio")
	})
}

func TestFailBackByHandOnly(t *testing.T) {
	play(t, func(set *hold.Settings) { set.FailBack = 0 }, func(s *scene) {
		backup := s.encoder("field", 7).run(3 * time.Second)
		primary := s.encoder("studio", 5)
		together(time.Minute, primary, backup)
		s.wantFeeder("field")
		if err := s.stream.Switch("studio", "", false); err != nil {
			t.Fatal(err)
		}
		together(2*time.Second, primary, backup)
		s.wantFeeder("studio")
	})
}

// The backup that was first makes way for the primary.
func TestPrimaryComesSecond(t *testing.T) {
	play(t, nil, func(s *scene) {
		backup := s.encoder("field", 7).run(3 * time.Second)
		primary := s.encoder("studio", 5)
		together(9900*time.Millisecond, primary, backup)
		s.wantFeeder("field")
		together(2200*time.Millisecond, primary, backup)
		s.wantFeeder("studio")
		s.read().steady(t, strict(s.set))
	})
}

// A switch by hand stays, although the primary is well.
func TestSwitchByHandStays(t *testing.T) {
	play(t, func(set *hold.Settings) { set.FailBack = time.Second }, func(s *scene) {
		primary, backup := s.encoder("studio", 5), s.encoder("field", 7)
		together(5*time.Second, primary, backup)
		if err := s.stream.Switch("backup", "", false); err != nil {
			t.Fatal(err)
		}
		together(time.Minute, primary, backup)
		s.wantFeeder("field")
		k := s.read()
		k.wantTurns(t, "studio1", "field2")
		k.steady(t, strict(s.set))
		backup.run(2 * time.Second) // while the primary hangs
		primary.paused(2 * time.Second)
		together(4*time.Second, primary, backup)
		s.wantFeeder("studio")
	})
}

// A primary that is to feed again and fails before its keyframe comes must be well for as long once more.
func TestFailBackIsTakenBack(t *testing.T) {
	play(t, func(set *hold.Settings) { set.FailBack = 3 * time.Second }, func(s *scene) {
		backup := s.encoder("field", 7).run(time.Second)
		primary := s.encoder("studio", 5, gop(125)) // 5 s
		together(4*time.Second, primary, backup)    // it is to feed from the next second on
		backup.run(3 * time.Second)                 // but hangs
		primary.paused(3 * time.Second)
		together(2*time.Second, primary, backup)
		s.wantFeeder("field")
		together(5*time.Second, primary, backup)
		s.wantFeeder("studio")
		s.read().steady(t, strict(s.set))
	})
}

// A primary that comes back while it stands by is another one: it must be well for as long as any.
func TestAnotherPrimaryHasToBeWellItself(t *testing.T) {
	play(t, func(set *hold.Settings) { set.FailBack = 4 * time.Second }, func(s *scene) {
		backup := s.encoder("field", 7).run(time.Second)
		first := s.encoder("studio", 5)
		together(3*time.Second, first, backup)
		second := s.encoder("studio", 5) // within one look of the keeper
		if first.pub.Err() == nil {
			t.Error("the first still stands by")
		}
		together(3*time.Second, second, backup)
		s.wantFeeder("field")
		together(3200*time.Millisecond, second, backup)
		s.wantFeeder("studio")
	})
}

// A connection that sends nothing is not well, however long it lasts.
func TestConnectionAloneIsNotWell(t *testing.T) {
	play(t, func(set *hold.Settings) { set.FailBack = 2 * time.Second }, func(s *scene) {
		backup := s.encoder("field", 7).run(time.Second)
		p, err := s.stream.Publish(relay.Publisher{Key: "studio"})
		if err != nil {
			t.Fatal(err)
		}
		backup.run(10 * time.Second)
		if err := p.Write(relay.Packet{Kind: relay.Video, Keyframe: true, Body: []byte("k")}); err != nil {
			t.Fatal(err)
		}
		s.wantFeeder("field")
	})
}

// A primary that has yet to send anything keeps the backup waiting no longer than a stall.
func TestBackupDoesNotWaitForSilence(t *testing.T) {
	play(t, nil, func(s *scene) {
		if _, err := s.stream.Publish(relay.Publisher{Key: "studio"}); err != nil {
			t.Fatal(err)
		}
		backup := s.encoder("field", 7).run(900 * time.Millisecond)
		s.wantFeeder("studio")
		backup.run(300 * time.Millisecond)
		s.wantFeeder("field")
		k := s.read()
		k.steady(t, strict(s.set))
		s.wantAll(k)
	})
}

// Where the backup cannot begin at once, there is a hold until it can.
func TestBackupWithoutAKeyframeIsWaitedFor(t *testing.T) {
	play(t, nil, func(s *scene) {
		primary, backup := s.encoder("studio", 5), s.encoder("field", 7, gop(10_000))
		backup.pictures = 1 // its keyframe was before it came
		together(3*time.Second, primary, backup)
		primary.lose()
		backup.run(2 * time.Second)
		s.wantFeeder("hold")
		backup.gop = backup.pictures + 50
		backup.run(3 * time.Second)
		s.wantFeeder("field")
		k := s.read()
		k.wantTurns(t, "studio1", "field2")
		k.steady(t, strict(s.set))
	})
}

// The show of two ends with the goodbye of the last one. One who only stood by has no say in it.
func TestGoodbyesOfTwo(t *testing.T) {
	play(t, nil, func(s *scene) {
		primary, backup := s.encoder("studio", 5), s.encoder("field", 7)
		together(3*time.Second, primary, backup)
		primary.pub.Close()
		backup.run(3 * time.Second)
		s.wantFeeder("field")
		backup.pub.Close()
		s.wantEnd()
	})
	play(t, nil, func(s *scene) {
		primary := s.encoder("studio", 5).run(3 * time.Second)
		primary.lose()
		time.Sleep(time.Second)
		backup := s.encoder("field", 5)
		time.Sleep(time.Second)
		backup.pub.Close()
		time.Sleep(time.Second)
		s.wantFeeder("hold")
	})
	play(t, nil, func(s *scene) { // the backup's goodbye while the primary hangs
		primary, backup := s.encoder("studio", 5), s.encoder("field", 7)
		together(3*time.Second, primary, backup)
		backup.run(2 * time.Second)
		s.wantFeeder("field")
		backup.pub.Close()
		time.Sleep(5 * time.Second)
		s.wantFeeder("hold")
		primary.lose()
		time.Sleep(5 * time.Second)
		s.wantFeeder("hold")
		s.encoder("studio", 5).run(time.Second).pub.Close()
		s.wantEnd()
	})
	play(t, nil, func(s *scene) { // the primary's, while the backup has nothing to show
		primary, backup := s.encoder("studio", 5).run(3*time.Second), s.encoder("field", 7)
		primary.pub.Close()
		time.Sleep(5 * time.Second)
		s.wantFeeder("hold")
		backup.lose()
		s.wantEnd()
	})
}
