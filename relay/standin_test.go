package relay_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
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
	write(t, p, videoHeader("sps"), delta(0, "lost"))
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

// A publisher of sound alone takes a session with a picture on, but only when no picture can be expected any more.
func TestSoundAloneAfterAPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p, sub := kept(t)
		p.Lose(errReset)
		p = publish(t, s, "studio")
		for i := range int64(400) {
			write(t, p, audio(i*20, fmt.Sprint("b", i)))
			time.Sleep(20 * time.Millisecond) // the bubble's time
			if now := feeder(s) != ""; now && i*20 < 5000 || !now && i*20 > 6100 {
				t.Fatalf("after %d ms it feeds: %t", i*20, now)
			}
		}
		got := read(t, sub)
		if n := len(got); string(got[n-1].Body) != "b399" || got[n-1].DTS < 7900 || got[n-1].DTS > 8050 {
			t.Errorf("ends with %q at %d", got[n-1].Body, got[n-1].DTS)
		}
		late := read(t, s.Subscribe(roomy))
		if n := len(late); n < 3 || !late[2].Keyframe || late[2].Kind != relay.Audio {
			t.Errorf("a late output got %q", bodies(late))
		}
		standIn(t, s, relay.Primary)
		write(t, p, audio(8000, "c"))
		for i := range int64(60) {
			write(t, p, audio(8020+i*20, "c"))
		}
		wantFeeder(t, s, "studio") // it has no picture, and none is waited for
		s.Close()
	})
}

// Sound alone stands by with a second or two of it, for as long as it likes and whatever its clock does.
func TestSoundAloneStandsBy(t *testing.T) {
	for name, start := range map[string]uint32{"plain": 0, "over the wrap": 1<<32 - 20_000, "over the half": 1<<31 - 20_000} {
		t.Run(name, func(t *testing.T) {
			s := relay.NewStream("radio")
			sub := s.Subscribe(roomy)
			primary, spare := publish(t, s, "studio"), backup(t, s, "field")
			for i := range uint32(20_000) {
				write(t, spare, relay.Packet{Kind: relay.Audio, DTS: int64(start + i*20), Body: []byte("b")})
				if i > 100 && !s.Status().Standby[0].Ready {
					t.Fatalf("not ready after %d packets", i)
				}
			}
			write(t, primary, audio(0, "a"), audio(1000, "a"))
			read(t, sub)
			primary.Lose(errReset)
			if n := len(read(t, sub)); n == 0 || n > 101 {
				t.Errorf("took over with %d packets", n)
			}
			wantFeeder(t, s, "field")
			s.Close()
		})
	}
}

// A keyframe that fills the cache to the brim is none that somebody could begin with, and no crash.
func TestStandbyWithACacheThatIsFull(t *testing.T) {
	s := relay.NewStream("main")
	primary := publish(t, s, "studio")
	write(t, primary, key(0, "k"))
	primary = publish(t, s, "studio")
	write(t, primary, videoHeader("sps"))
	for i := range int64(relay.MaxGOPPackets) {
		write(t, primary, audio(i, "a"))
	}
	write(t, primary, key(0, "k1"))
	huge := make([]byte, relay.MaxGOPBytes+1)
	write(t, primary, relay.Packet{Kind: relay.Video, Keyframe: true, Body: huge})
	write(t, primary, key(80, "k2"))
	wantFeeder(t, s, "studio")
	s.Close()
}

// What stands by holds no more memory than one GOP.
func TestStandbyIsBounded(t *testing.T) {
	s := relay.NewStream("main")
	spare := backup(t, s, "field")
	primary := publish(t, s, "studio")
	write(t, spare, key(0, "b"))
	write(t, primary, key(0, "k"))
	if err := s.Switch("studio", "", true); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range int64(300) { // 300 MiB, a GOP of 100 and then one that never ends
		write(t, spare, relay.Packet{Kind: relay.Video, DTS: i * 40, Keyframe: i == 0 || i == 100, Body: make([]byte, 1<<20)})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > relay.MaxGOPBytes+(4<<20) {
		t.Errorf("grew by %d MiB", grown>>20)
	}
	if s.Status().Standby[0].Ready {
		t.Error("ready with a GOP that does not fit")
	}
	write(t, spare, key(20_000, "k1"))
	if !s.Status().Standby[0].Ready {
		t.Error("not ready with one that does")
	}
	s.Close()
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
	standIn(t, s, relay.Primary)
	write(t, p, key(80_000, "old"), audio(80_010, "old"))
	wantFeeder(t, s, "studio") // a keyframe is a return
	standIn(t, s, relay.Primary)
	s.Hold(relay.Holds{Prove: true})
	write(t, p, key(90_000, "old2"), audio(90_010, "old2"))
	p.Resync()
	write(t, p, delta(40, "lost"), audio(40, "a"), key(80, "k1"), delta(120, "d1"), key(160, "k2"))
	wantFeeder(t, s, "studio")
	got := read(t, sub)
	if tail := bodies(got[len(got)-1:]); tail[0] != "k2" {
		t.Errorf("ends with %q", tail)
	}
	for _, p := range got {
		if p.DTS > 10_000 || string(p.Body) == "old2" {
			t.Errorf("%q at %d", p.Body, p.DTS)
		}
	}
	s.Close()
}
