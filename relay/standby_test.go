package relay_test

import (
	"runtime"
	"testing"

	"github.com/restreamd/restreamd/relay"
)

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
