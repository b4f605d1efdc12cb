package relay_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/relay"
)

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
	for name, start := range map[string]uint32{"plain": 0, "over the wrap": 1<<32 - 20_000, "over the half": 1<<31 - 20_000, "back": 5_000_000} {
		t.Run(name, func(t *testing.T) {
			s := relay.NewStream("radio")
			sub := s.Subscribe(roomy)
			primary, spare := publish(t, s, "studio"), backup(t, s, "field")
			for i := range uint32(20_000) {
				if name == "back" && i == 15_000 {
					start = 0
				}
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

// Sound alone that returns is what outputs may join at, second by second.
func TestSoundAloneReturns(t *testing.T) {
	s := relay.NewStream("radio")
	p := publish(t, s, "studio")
	write(t, p, audio(0, "a"), audio(1000, "a"))
	p = publish(t, s, "studio")
	for i := range int64(2000) {
		write(t, p, audio(i*20, "b"))
	}
	if n := len(read(t, s.Subscribe(roomy))); n == 0 || n > 60 {
		t.Errorf("joined with %d packets", n)
	}
	for range relay.MaxGOPPackets + 1 { // more than the cache holds
		write(t, p, data(0, "said"))
	}
	for i := range int64(100) {
		write(t, p, audio(40_000+i*20, "c"))
	}
	if n := len(read(t, s.Subscribe(roomy))); n == 0 || n > 60 {
		t.Errorf("joined with %d packets after a flood", n)
	}
	s.Close()
}
