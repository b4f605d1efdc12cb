package relay_test

import (
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// kept returns a stream whose sessions are kept, and what its publisher sent as an output sees it.
func kept(t testing.TB) (*relay.Stream, *relay.Publication, *relay.Subscription) {
	t.Helper()
	s := relay.NewStream("main")
	s.Hold(relay.Holds{Lost: true})
	sub := s.Subscribe(roomy)
	p := publish(t, s, "studio")
	write(t, p, videoHeader("sps"), audioHeader("asc"), key(0, "k0"), audio(10, "a0"), delta(40, "d0"))
	return s, p, sub
}

func standIn(t testing.TB, s *relay.Stream, instead relay.Role) (*relay.Publication, relay.Freeze) {
	t.Helper()
	stopgap, f, ok := s.StandIn(relay.Publisher{Key: "hold"}, instead, "why")
	if !ok {
		t.Fatal("nobody stood in")
	}
	return stopgap, f
}

func wantNoStandIn(t testing.TB, s *relay.Stream, instead relay.Role) {
	t.Helper()
	if stopgap, _, ok := s.StandIn(relay.Publisher{Key: "hold"}, instead, "why"); ok {
		t.Errorf("a stopgap feeds instead of %q", instead)
		stopgap.Close()
	}
}

// Whether the publisher's keyframe comes before the stopgap or after it, the publisher feeds and the stopgap is over.
func TestStandInAndKeyframeRace(t *testing.T) {
	t.Run("keyframe first", func(t *testing.T) {
		s, p, sub := kept(t)
		p.Lose(errReset)
		p = publish(t, s, "studio")
		write(t, p, key(0, "k1"))
		wantNoStandIn(t, s, "")
		write(t, p, delta(40, "d1"))
		wantFeeder(t, s, "studio")
		wantBodies(t, sub, "sps", "asc", "k0", "a0", "d0", "k1", "d1")
		s.Close()
	})
	t.Run("stopgap first", func(t *testing.T) {
		s, p, sub := kept(t)
		p.Lose(errReset)
		p = publish(t, s, "studio")
		stopgap, _ := standIn(t, s, "")
		wantNoStandIn(t, s, "")
		wantNoStandIn(t, s, relay.Stopgap)
		write(t, stopgap, key(40, "k0"))
		write(t, p, key(0, "k1"))
		if err := stopgap.Write(key(540, "k0")); !errors.Is(err, relay.ErrReplaced) {
			t.Errorf("the stopgap writes on: %v", err)
		}
		stopgap.Lose(errReset)
		write(t, p, delta(40, "d1"))
		wantFeeder(t, s, "studio")
		wantBodies(t, sub, "sps", "asc", "k0", "a0", "d0", "k0", "k1", "d1")
		s.Close()
	})
	t.Run("instead of one that was relieved by another", func(t *testing.T) {
		s, p, _ := kept(t)
		spare := backup(t, s, "field")
		write(t, spare, key(0, "b"))
		p.Lose(errReset)
		wantNoStandIn(t, s, relay.Primary)
		wantFeeder(t, s, "field")
		s.Close()
	})
}

func TestNothingToStandInFor(t *testing.T) {
	s := relay.NewStream("main")
	wantNoStandIn(t, s, "")
	p := publish(t, s, "studio")
	write(t, p, videoHeader("sps"), audio(0, "a"), delta(0, "lost"))
	wantNoStandIn(t, s, relay.Primary) // nothing was seen yet
	wantNoStandIn(t, s, "")
	write(t, p, key(0, "k0"))
	wantNoStandIn(t, s, "")
	wantNoStandIn(t, s, relay.Backup)
	s.Close()
	wantNoStandIn(t, s, relay.Primary)
}

// The session ends when its time is over and nobody feeds, not when somebody does.
func TestEnd(t *testing.T) {
	s, p, sub := kept(t)
	if s.End("too soon") {
		t.Error("ended under its publisher")
	}
	p.Lose(errReset)
	stopgap, _ := standIn(t, s, "")
	p = publish(t, s, "studio")
	write(t, p, delta(0, "lost"))
	if !s.End("enough") || s.End("again") {
		t.Error("ended not once")
	}
	if !errors.Is(stopgap.Err(), relay.ErrClosed) || p.Err() != nil {
		t.Errorf("the stopgap ended with %v, the publisher with %v", stopgap.Err(), p.Err())
	}
	wantBodies(t, sub, "sps", "asc", "k0", "a0", "d0")
	wantEnd(t, sub, io.EOF)

	next := s.Subscribe(roomy)
	write(t, p, videoHeader("sps2"), key(40, "k1")) // it was there all the time: a session of its own
	wantPlaced(t, next, "k1@0")
	wantFeeder(t, s, "studio")
	s.Close()
}

// A publisher without a session is sent away like any other.
func TestDisconnectWithoutASession(t *testing.T) {
	s, p, _ := kept(t)
	stopgap, _ := standIn(t, s, relay.Primary)
	s.End("enough")
	if !s.Disconnect() || !errors.Is(p.Err(), relay.ErrDisconnected) || s.Disconnect() {
		t.Errorf("ended with %v", p.Err())
	}
	stopgap.Lose(errReset)

	s, p, _ = kept(t)
	standIn(t, s, relay.Primary)
	s.End("enough")
	s.Finish()
	if !errors.Is(p.Err(), relay.ErrClosed) {
		t.Errorf("ended with %v", p.Err())
	}
}

// Losses are held and goodbyes are not, where that is what is asked for.
func TestHolds(t *testing.T) {
	for _, c := range []struct {
		holds      relay.Holds
		lost, left bool // held after it
	}{
		{relay.Holds{}, false, false},
		{relay.Holds{Lost: true}, true, false},
		{relay.Holds{Stopped: true}, false, true},
		{relay.Holds{Lost: true, Stopped: true}, true, true},
	} {
		for _, goodbye := range []bool{false, true} {
			s, p, _ := kept(t)
			s.Hold(c.holds)
			want := c.lost
			if goodbye {
				want = c.left
				p.Close()
			} else {
				p.Lose(errReset)
			}
			st := s.Status()
			if held := st.Hold != nil; held != want || held && (st.Hold.Stopped != goodbye || st.Hold.Shown || !st.Live) {
				t.Errorf("%+v, goodbye %t: %+v", c.holds, goodbye, st.Hold)
			}
			s.Close()
		}
	}
}

// The picture that is repeated goes with the header it was sent under, although a newer one was announced.
func TestFreezeGoesWithItsHeader(t *testing.T) {
	s, p, sub := kept(t)
	write(t, p, videoHeader("sps2"), audio(50, "a1"))
	p.Lose(errReset)
	stopgap, f := standIn(t, s, "")
	write(t, stopgap, key(40, string(f.Key.Body)))
	wantBodies(t, sub, "sps", "asc", "k0", "a0", "d0", "sps2", "a1", "sps", "k0")
	wantBodies(t, s.Subscribe(roomy), "sps", "asc", "k0")
	if !slices.ContainsFunc(f.Inits, func(p *relay.Packet) bool { return string(p.Body) == "sps" }) || len(f.Inits) != 2 {
		t.Errorf("frozen with %q", bodies(f.Inits))
	}
	p = publish(t, s, "studio")
	write(t, p, videoHeader("sps2"), audioHeader("asc"), key(0, "k1"))
	wantBodies(t, sub, "sps2", "k1")
	s.Close()
}

// One that was relieved in mid-GOP brings its own headers again, though another's were sent since.
func TestReturnBringsItsHeaders(t *testing.T) {
	s, p, sub := kept(t)
	spare := backup(t, s, "field")
	write(t, spare, videoHeader("sps-b"), key(0, "b0"))
	if err := s.Switch("field", "", true); err != nil {
		t.Fatal(err)
	}
	write(t, p, key(80, "k1"))
	spare.Lose(errReset)
	wantBodies(t, sub, "sps", "asc", "k0", "a0", "d0", "sps-b", "b0", "sps", "k1")
	s.Close()
}

// A GOP that is too large to be kept is held like any other: its keyframe is known.
func TestHoldAfterAGOPThatIsTooLarge(t *testing.T) {
	s, p, _ := kept(t)
	for i := range int64(relay.MaxGOPPackets) {
		write(t, p, delta(40*i, "d"))
	}
	if s.Status().Live {
		t.Fatal("the GOP was kept")
	}
	p.Lose(errReset)
	stopgap, f := standIn(t, s, "")
	if string(f.Key.Body) != "k0" {
		t.Errorf("frozen with %q", f.Key.Body)
	}
	write(t, stopgap, key(40, "k0"))
	wantBodies(t, s.Subscribe(roomy), "sps", "asc", "k0")
	s.Close()
}

// A stopgap goes on where outputs are: after the newest of each track, and as late as the wall is.
func TestFreezeKnowsTheTime(t *testing.T) {
	for name, c := range map[string]struct {
		media []relay.Packet
		wait  time.Duration // after them
		since time.Duration // before now
		audio int64
		video int64
	}{
		"on time":         {[]relay.Packet{delta(1000, "d"), audio(990, "a")}, 0, 10 * time.Millisecond, 0, 10},
		"sound behind":    {[]relay.Packet{audio(400, "a"), delta(1000, "d")}, 0, 0, -600, 0},
		"late by 400 ms":  {[]relay.Packet{delta(600, "d")}, 0, 400 * time.Millisecond, -590, 0},
		"late by an hour": {[]relay.Packet{delta(600, "d")}, time.Hour, 10*time.Second + time.Hour, -590, 0},
		"ahead by 300 ms": {[]relay.Packet{delta(1300, "d")}, 0, -300 * time.Millisecond, -1290, 0},
		"ahead by 2 s":    {[]relay.Packet{delta(1500, "d"), delta(3000, "d")}, 0, -500 * time.Millisecond, -2990, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, p, _ := kept(t)
				time.Sleep(time.Second) // the bubble's time
				if name == "late by an hour" {
					time.Sleep(time.Hour)
				}
				write(t, p, c.media...)
				time.Sleep(c.wait)
				_, f := standIn(t, s, relay.Primary)
				if age := time.Since(f.Since); age != c.since || f.Audio != c.audio || f.Video != c.video {
					t.Errorf("time 0 was %v ago, sound ended at %d, the picture at %d", age, f.Audio, f.Video)
				}
				s.Close()
			})
		})
	}
}

// FPS is a publisher's, also while a stopgap sends two pictures a second.
func TestFPSWhileHeld(t *testing.T) {
	s, p, _ := kept(t)
	p.Describe(relay.Media{Video: relay.VideoTrack{FPS: 25}})
	standIn(t, s, relay.Primary)
	if got := s.FPS(); got != 25 {
		t.Errorf("%v frames a second", got)
	}
	s.Close()
}

// A derived stream's next encoder begins at its keyframe: nothing that the one before it left is mixed with that.
func TestResyncWhileStandingBy(t *testing.T) {
	s, p, sub := kept(t)
	spare := backup(t, s, "field")
	write(t, spare, key(90_000, "old"), delta(90_040, "old"))
	spare.Resync()
	write(t, spare, delta(40, "lost"), audio(40, "a"))
	if err := s.Switch("field", "", true); err != nil {
		t.Fatal(err)
	}
	wantFeeder(t, s, "studio")
	write(t, spare, key(80, "k1"), delta(120, "d1"))
	wantFeeder(t, s, "field")
	wantBodies(t, sub, "sps", "asc", "k0", "a0", "d0", "k1", "d1")
	p.Close()
	s.Close()
}

// However an end, a return and a stopgap fall together, everybody is told and nobody is left.
func TestEndsAtTheSameTime(t *testing.T) {
	for range 200 {
		s, p, sub := kept(t)
		spare := backup(t, s, "field")
		acts := []func(){
			func() { p.Lose(errReset) },
			func() { p.Close() },
			func() { spare.Close() },
			func() { s.End("enough") },
			func() { s.Disconnect() },
			func() { s.Finish() },
			func() { s.Close() },
			func() { sub.Close() },
			func() { _ = spare.Write(key(0, "b0")) }, // it may be over
			func() { _, _ = s.Publish(relay.Publisher{Key: "studio"}) },
			func() {
				if stopgap, _, ok := s.StandIn(relay.Publisher{Key: "hold"}, "", "why"); ok {
					_ = stopgap.Write(key(40, "k0"))
				}
			},
		}
		var all sync.WaitGroup
		for _, act := range acts {
			all.Go(act)
		}
		all.Wait()
		if p.Err() == nil || spare.Err() == nil {
			t.Errorf("ended with %v, %v", p.Err(), spare.Err())
		}
		if st := s.Status(); st.Publisher != nil || len(st.Standby) > 0 || st.Session != nil || st.Hold != nil || st.Outputs > 0 {
			t.Fatalf("left over: %+v", st)
		}
	}
}
