package relay_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/relay"
)

var errReset = errors.New("connection reset")

func backup(t testing.TB, s *relay.Stream, key string) *relay.Publication {
	t.Helper()
	p, err := s.Publish(relay.Publisher{Key: key, Role: relay.Backup})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func feeder(s *relay.Stream) string {
	if p := s.Status().Publisher; p != nil {
		return p.Key
	}
	return ""
}

func wantFeeder(t testing.TB, s *relay.Stream, want string) {
	t.Helper()
	if got := feeder(s); got != want {
		t.Errorf("%q feeds, want %q", got, want)
	}
}

// placed are packets as "body@DTS".
func placed(packets []*relay.Packet) (all []string) {
	for _, p := range packets {
		if p.Slot == 0 {
			all = append(all, fmt.Sprintf("%s@%d", p.Body, p.DTS))
		}
	}
	return all
}

func wantPlaced(t testing.TB, sub *relay.Subscription, want ...string) {
	t.Helper()
	if got := placed(read(t, sub)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A stream has one publisher of each role; whoever holds a role's key may replace only itself.
func TestRoles(t *testing.T) {
	s := relay.NewStream("main")
	primary, spare := publish(t, s, "studio"), backup(t, s, "field")
	for _, who := range []relay.Publisher{{Key: "guest"}, {Key: "guest", Role: relay.Backup}, {Key: "studio", Holder: "another"}} {
		if _, err := s.Publish(who); !errors.Is(err, relay.ErrBusy) {
			t.Errorf("%+v: %v, want ErrBusy", who, err)
		}
	}
	again := backup(t, s, "field")
	if !errors.Is(spare.Err(), relay.ErrReplaced) || primary.Err() != nil || again.Err() != nil {
		t.Errorf("ended with %v, %v, %v", spare.Err(), primary.Err(), again.Err())
	}
	if err := spare.Write(key(0, "k")); !errors.Is(err, relay.ErrReplaced) {
		t.Errorf("write of one that was replaced: %v", err)
	}
	write(t, again, key(0, "b0"), delta(33, "b1"))
	if st := s.Status(); len(st.Standby) != 1 || st.Standby[0].Key != "field" || st.Standby[0].Role != relay.Backup || !st.Standby[0].Ready {
		t.Errorf("standby %+v", st.Standby)
	}
	s.Close()
	if !errors.Is(again.Err(), relay.ErrClosed) || !errors.Is(primary.Err(), relay.ErrClosed) {
		t.Errorf("ended with %v, %v", again.Err(), primary.Err())
	}
}

// Who stands by says nothing to outputs; nor does anybody who comes or goes beside the one that feeds.
func TestStandbyIsNotHeard(t *testing.T) {
	s := relay.NewStream("main")
	sub := s.Subscribe(roomy)
	primary, spare := publish(t, s, "studio"), backup(t, s, "field")
	write(t, primary, videoHeader("sps"), key(0, "k0"))
	write(t, spare, videoHeader("other"), metadata("m"), key(0, "x"), audio(5, "x"), data(0, "x"), delta(33, "x"))
	write(t, primary, delta(33, "d0"))
	spare.Close()
	backup(t, s, "field").Lose(errReset)
	write(t, primary, delta(66, "d1"))
	wantBodies(t, sub, "sps", "k0", "d0", "d1")
	primary.Close()
	wantEnd(t, sub, io.EOF)
}

// A switch at once sends the GOP that the other has: what outputs already have the sound of is left out, pictures are
// hurried, and nothing goes back in time, whatever the two clocks show.
func TestSwitchAtOnce(t *testing.T) {
	for _, start := range []uint32{0, 1<<31 - 500, 1<<32 - 500, 4_000_000_000} {
		synctest.Test(t, func(t *testing.T) {
			s := relay.NewStream("main")
			sub := s.Subscribe(roomy)
			primary, spare := publish(t, s, "studio"), backup(t, s, "field")
			write(t, primary, videoHeader("sps"))
			write(t, spare, videoHeader("sps2"), audioHeader("asc"))
			for i := range int64(30) { // 3 s
				write(t, primary, relay.Packet{Kind: relay.Video, DTS: i * 100, Keyframe: i == 0, Body: fmt.Appendf(nil, "p%d", i)},
					audio(i*100, "pa"))
				ts := func(ms int64) int64 { return int64(start + uint32(i*100+ms)) }
				write(t, spare, relay.Packet{Kind: relay.Video, DTS: ts(0), Keyframe: i == 10, Body: fmt.Appendf(nil, "b%d", i)},
					audio(ts(50), fmt.Sprint("ba", i)))
				if i > 10 {
					write(t, spare, data(0, "said"))
				}
				time.Sleep(100 * time.Millisecond) // the bubble's time
			}
			before := read(t, sub)
			if err := s.Switch("field", "", true); err != nil {
				t.Fatal(err)
			}
			wantFeeder(t, s, "field")
			write(t, spare, audio(int64(start+3050), "next"), delta(int64(start+3000), "next"))
			packets := read(t, sub)
			last := map[relay.Kind]int64{relay.Video: before[len(before)-2].DTS, relay.Audio: before[len(before)-1].DTS}
			pictures := 0
			for _, p := range packets {
				if p.Slot != 0 {
					continue
				}
				if p.Kind != relay.Script && (p.DTS <= last[p.Kind] || p.DTS > 3100) {
					t.Errorf("from %d on: %q at %d, the one before it at %d", start, p.Body, p.DTS, last[p.Kind])
				}
				if p.Kind == relay.Video {
					pictures++
				}
				last[p.Kind] = p.DTS
			}
			got := bodies(packets)
			if pictures != 21 || slices.Contains(got, "ba29") || !slices.Equal(got[:4], []string{"sps2", "asc", "b10", "b11"}) {
				t.Errorf("from %d on: got %q", start, got)
			}
			if last[relay.Audio] != 3000 || last[relay.Video] != 2950 {
				t.Errorf("from %d on: ends at %v, want the picture 50 ms before the sound, at 3 s", start, last)
			}
			s.Close()
		})
	}
}

// Sound that is left out does not push the clock.
func TestSoundLeftOutMovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := relay.NewStream("main")
		sub := s.Subscribe(roomy)
		primary, spare := publish(t, s, "studio"), backup(t, s, "field")
		write(t, primary, key(0, "p"))
		write(t, spare, key(0, "b"))
		for i := range int64(500) { // 10 s
			write(t, primary, audio(i*20, "pa"))
			write(t, spare, audio(i*20, "ba"))
			time.Sleep(20 * time.Millisecond) // the bubble's time
		}
		read(t, sub)
		if err := s.Switch("backup", "", true); err != nil {
			t.Fatal(err)
		}
		write(t, spare, audio(10_000, "next"), audio(10_020, "next"))
		wantPlaced(t, sub, "b@1", "next@10000", "next@10020")
		if got := s.Status().Publisher.Undecodable; got != 500 {
			t.Errorf("%d packets counted as of no use, want 500", got)
		}
		s.Close()
	})
}

// A clock that jumps within the GOP of one who stands by is bridged like one that feeds.
func TestSwitchToAGOPWithAJump(t *testing.T) {
	for name, jump := range map[string]int64{"forward": 3_600_000, "back": -3_600_000, "a little": 5000} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := relay.NewStream("main")
				sub := s.Subscribe(roomy)
				primary, spare := publish(t, s, "studio"), backup(t, s, "field")
				write(t, primary, key(0, "p0"))
				write(t, spare, key(5_000_000, "b0"))
				time.Sleep(time.Second) // the bubble's time
				write(t, spare, delta(5_001_000, "b1"))
				time.Sleep(time.Second)
				write(t, spare, delta(5_001_033+jump, "b2"))
				time.Sleep(500 * time.Millisecond)
				write(t, spare, delta(5_001_533+jump, "b3"), data(0, "said"), data(0, "so"))
				time.Sleep(500 * time.Millisecond)
				if err := s.Switch("field", "", true); err != nil {
					t.Fatal(err)
				}
				write(t, spare, delta(5_002_033+jump, "b4"))
				wantPlaced(t, sub, "p0@0", "b0@1", "b1@1000", "b2@2000", "b3@2500", "said@2500", "so@2500", "b4@3000")
				s.Close()
			})
		})
	}
}

// A switch that may wait happens at the keyframe, and one to who feeds takes it back.
func TestSwitchAtTheNextKeyframe(t *testing.T) {
	s := relay.NewStream("main")
	sub := s.Subscribe(roomy)
	primary, spare := publish(t, s, "studio"), backup(t, s, "field")
	for _, to := range []string{"nobody", "stopgap", "", "hold"} {
		if err := s.Switch(to, "", true); !errors.Is(err, relay.ErrNoPublisher) {
			t.Errorf("to %q: %v", to, err)
		}
	}
	write(t, primary, key(0, "p0"))
	write(t, spare, key(0, "b0"), delta(33, "b1"))
	for _, to := range []string{"field", "primary", "backup", "studio"} {
		if err := s.Switch(to, "", false); err != nil {
			t.Fatal(err)
		}
	}
	write(t, spare, key(66, "b2"))
	wantFeeder(t, s, "studio")
	if err := s.Switch("field", "", false); err != nil {
		t.Fatal(err)
	}
	write(t, spare, delta(99, "b3"), audio(100, "ba"))
	wantFeeder(t, s, "studio")
	write(t, spare, key(133, "b4"), delta(166, "b5"))
	wantFeeder(t, s, "field")
	write(t, primary, delta(33, "late"))
	wantBodies(t, sub, "p0", "b4", "b5")
	if err := s.Switch("field", "", true); err != nil {
		t.Errorf("to the one that feeds: %v", err)
	}
	if err := s.Switch("primary", "", true); err != nil { // it has no GOP now: at its next keyframe
		t.Fatal(err)
	}
	wantFeeder(t, s, "field")
	write(t, primary, delta(66, "p1"), key(99, "p2"))
	write(t, spare, key(200, "b6")) // the switch to it is over and done with
	wantFeeder(t, s, "studio")
	wantBodies(t, sub, "p2")
	s.Close()
}

// A switch that is done by other means is done.
func TestSwitchIsDoneOnce(t *testing.T) {
	s := relay.NewStream("main")
	primary, spare := publish(t, s, "studio"), backup(t, s, "field")
	write(t, primary, key(0, "p0"))
	write(t, spare, key(0, "b0"))
	if err := s.Switch("field", "", false); err != nil {
		t.Fatal(err)
	}
	primary.Lose(errReset)
	wantFeeder(t, s, "field")
	primary = publish(t, s, "studio")
	write(t, primary, key(0, "p1"))
	if err := s.Switch("studio", "", true); err != nil {
		t.Fatal(err)
	}
	write(t, spare, key(40, "b1"))
	wantFeeder(t, s, "studio")
	s.Close()
}

// A GOP does not outlive the header it was sent under, in one who stands by no more than in one who feeds.
func TestSwitchAfterAChangeOfHeader(t *testing.T) {
	s := relay.NewStream("main")
	sub := s.Subscribe(roomy)
	primary, spare := publish(t, s, "studio"), backup(t, s, "field")
	write(t, primary, videoHeader("sps"), key(0, "p0"))
	write(t, spare, videoHeader("sps2"), key(0, "b0"), delta(40, "b1"), videoHeader("sps2"), videoHeader("sps3"))
	if err := s.Switch("field", "", true); err != nil {
		t.Fatal(err)
	}
	wantFeeder(t, s, "studio")
	write(t, spare, key(80, "b2"))
	wantBodies(t, sub, "sps", "p0", "sps3", "b2")
	s.Close()
}

// One to whom a switch is to happen keeps nobody else from feeding when there is no one.
func TestSwitchToOneThatNeverBegins(t *testing.T) {
	s := relay.NewStream("main")
	sub := s.Subscribe(roomy)
	primary, spare := publish(t, s, "studio"), backup(t, s, "field")
	write(t, primary, key(0, "p0"))
	if err := s.Switch("field", "", false); err != nil {
		t.Fatal(err)
	}
	primary.Lose(errReset)
	again := publish(t, s, "studio")
	write(t, again, key(0, "p1"))
	wantBodies(t, sub, "p0", "p1")
	wantFeeder(t, s, "studio")
	spare.Close()
	s.Close()
}

// Of two, the other goes on at once; without a GOP it is waited for; when both are gone the session ends.
func TestOneOfTwoLeaves(t *testing.T) {
	s := relay.NewStream("main")
	sub := s.Subscribe(roomy)
	primary, spare := publish(t, s, "studio"), backup(t, s, "field")
	write(t, primary, videoHeader("sps"), key(0, "p0"))
	write(t, spare, videoHeader("sps2"), key(0, "b0"), delta(33, "b1"))
	primary.Close()
	wantBodies(t, sub, "sps", "p0", "sps2", "b0", "b1")
	primary = publish(t, s, "studio")
	write(t, primary, delta(0, "lost"))
	spare.Lose(errReset)
	if st := s.Status(); st.Publisher != nil || st.Hold == nil || st.Hold.Stopped || st.Hold.Shown || st.Hold.Why != errReset.Error() {
		t.Errorf("status %+v", st)
	}
	wantBodies(t, sub)
	primary.Lose(errReset)
	wantEnd(t, sub, io.EOF)
}

// One whose role is barred feeds by hand only.
func TestBarred(t *testing.T) {
	s := relay.NewStream("main")
	sub := s.Subscribe(roomy)
	primary, spare := publish(t, s, "studio"), backup(t, s, "field")
	write(t, primary, key(0, "p0"))
	write(t, spare, key(0, "b0"))
	s.Hold(relay.Holds{Barred: []relay.Role{relay.Backup}})
	primary.Lose(errReset)
	write(t, spare, key(33, "b1"))
	wantBodies(t, sub, "p0")
	if err := s.Switch("backup", "", false); err != nil {
		t.Fatal(err)
	}
	write(t, spare, key(66, "b2"))
	wantBodies(t, sub, "b2")
	s.Close()
}

// Switching back and forth between two that send all the time loses no order on any track, and joins begin at a keyframe
// under the header of who feeds.
func TestSwitchBackAndForth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := relay.NewStream("main")
		sub := s.Subscribe(roomy)
		primary, spare := publish(t, s, "studio"), backup(t, s, "field")
		write(t, primary, videoHeader("sps-p"))
		write(t, spare, videoHeader("sps-b"))
		for i := range int64(2000) {
			for name, p := range map[string]*relay.Publication{"p": primary, "b": spare} {
				ts := int64(uint32(1<<32 - 9000 + i*40))
				write(t, p, relay.Packet{Kind: relay.Video, DTS: ts, Keyframe: i%25 == 0, Body: []byte(name)}, audio(ts, name+"a"))
			}
			time.Sleep(40 * time.Millisecond) // the bubble's time
			if i%7 == 0 {
				if err := s.Switch([]string{"studio", "field"}[i%2], "", i%3 == 0); err != nil {
					t.Fatal(err)
				}
			}
			late := s.Subscribe(roomy)
			if got := bodies(read(t, late)); len(got) > 1 && got[0] != "sps-"+got[1] {
				t.Fatalf("joined with %q", got[:2])
			}
			late.Close()
		}
		last, header := map[relay.Kind]int64{}, ""
		for _, p := range read(t, sub) {
			switch {
			case p.Slot != 0:
				header = string(p.Body)
				continue
			case p.DTS <= last[p.Kind] && last[p.Kind] > 0:
				t.Fatalf("%v %q at %d after %d", p.Kind, p.Body, p.DTS, last[p.Kind])
			case p.Kind == relay.Video && header != "sps-"+string(p.Body):
				t.Fatalf("%q under %q", p.Body, header)
			}
			last[p.Kind] = p.DTS
		}
		if end := last[relay.Video]; end < 79_800 || end > 80_200 {
			t.Errorf("ends at %d ms after 80 s", end)
		}
		s.Close()
	})
}
