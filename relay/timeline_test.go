package relay_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// raw is a packet with a publisher's 32-bit timestamp.
func raw(kind relay.Kind, ts uint32) relay.Packet {
	return relay.Packet{Kind: kind, DTS: int64(ts), Keyframe: kind == relay.Video, Body: []byte{1}}
}

// times returns the session's time of packets that came 10 ms apart.
func times(t *testing.T, packets ...relay.Packet) []int64 {
	t.Helper()
	var dts []int64
	synctest.Test(t, func(t *testing.T) {
		s := relay.NewStream("main")
		sub := s.Subscribe(roomy)
		p := publish(t, s, "studio")
		for _, pkt := range packets {
			write(t, p, pkt)
			time.Sleep(10 * time.Millisecond) // the bubble's time
		}
		for _, pkt := range read(t, sub) {
			dts = append(dts, pkt.DTS)
		}
		p.Close()
	})
	return dts
}

func TestTimelineStartsAtZeroWhereverThePublisherDoes(t *testing.T) {
	for _, start := range []uint32{0, 1, 0xFFFFFF - 20, 0xFFFFFF, 1<<31 - 20, 1 << 31, math.MaxUint32 - 20, math.MaxUint32} {
		got := times(t, raw(relay.Video, start), raw(relay.Audio, start+5), raw(relay.Video, start+33),
			raw(relay.Audio, start+26), raw(relay.Video, start+66))
		if want := []int64{0, 5, 33, 26, 66}; !slices.Equal(got, want) {
			t.Errorf("from %d on: %v, want %v", start, got, want)
		}
	}
}

func TestTimelineOutlivesTheWrap(t *testing.T) {
	var packets []relay.Packet
	var want []int64
	for i := range uint32(9000) { // 2 s a step: 5 hours
		packets = append(packets, raw(relay.Video, math.MaxUint32-9_000_000+i*2000))
		want = append(want, int64(i)*2000)
	}
	if got := times(t, packets...); !slices.Equal(got, want) {
		t.Errorf("ends with %v, want %v", got[len(got)-1], want[len(want)-1])
	}
}

func TestTimelineIgnoresTimestampsOfInitPackets(t *testing.T) {
	got := times(t, raw(relay.Video, 5000), raw(relay.Audio, 5000), raw(relay.Video, 5100),
		metadata("timestamp 0"), audioHeader("timestamp 0"), videoHeader("timestamp 0"), data(0, "timestamp 0"),
		raw(relay.Audio, 5021), raw(relay.Video, 5133))
	// Each has the time of its own track's newest packet, data that of the newest of all; no track is pushed ahead.
	if want := []int64{0, 0, 100, 100, 0, 100, 100, 21, 133}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTimelineToleratesInterleaving(t *testing.T) {
	got := times(t, raw(relay.Video, 1000), raw(relay.Video, 1900), raw(relay.Audio, 1000), raw(relay.Audio, 1021),
		raw(relay.Video, 1933), raw(relay.Audio, 1042))
	if want := []int64{0, 900, 0, 21, 933, 42}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTimelineBridgesJumpsByTheWallClock(t *testing.T) {
	for name, to := range map[string]uint32{"forward": 10_000_000, "a little": 105_000, "back": 7, "far back": 3_000_000_000} {
		t.Run(name, func(t *testing.T) {
			got := times(t, raw(relay.Video, 100_000), raw(relay.Video, 100_033),
				raw(relay.Video, to), raw(relay.Audio, to+3), raw(relay.Video, to+33))
			if want := []int64{0, 33, 43, 46, 76}; !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// Muxers want each packet of a track to be later than the one before. Tracks of the same kind share their times.
func TestTimelineNeverGoesBackOnATrack(t *testing.T) {
	got := times(t, raw(relay.Video, 1000), raw(relay.Video, 1500), raw(relay.Video, 1200), raw(relay.Video, 1233),
		raw(relay.Video, 1600), raw(relay.Video, 1600))
	if want := []int64{0, 500, 501, 502, 600, 600}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Pictures that a congested encoder left out are a step forward, to where the wall is.
func TestTimelineTakesAStepThatTheWallTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := relay.NewStream("main")
		sub := s.Subscribe(roomy)
		p := publish(t, s, "studio")
		write(t, p, raw(relay.Video, 1000))
		time.Sleep(7 * time.Second) // the bubble's time
		write(t, p, raw(relay.Video, 1033), raw(relay.Video, 8000), raw(relay.Video, 15_000))
		time.Sleep(time.Hour)
		write(t, p, raw(relay.Video, 15_033), raw(relay.Video, 1_800_000)) // as if half of the hour was not
		var got []int64
		for _, pkt := range read(t, sub) {
			got = append(got, pkt.DTS)
		}
		if want := []int64{0, 33, 7000, 7001, 7034, 7035}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		p.Close()
	})
}

func TestTimelineGoesOnAcrossPublishers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := relay.NewStream("main")
		sub := s.Subscribe(roomy)
		p := publish(t, s, "studio")
		write(t, p, raw(relay.Video, 70_000), raw(relay.Video, 71_000))
		time.Sleep(4 * time.Second) // the bubble's time
		p = publish(t, s, "studio")
		// A clock of its own, even if it could be taken for the old one's.
		write(t, p, audioHeader("asc"), raw(relay.Video, 71_500), raw(relay.Video, 71_533))
		p.Close()
		var got []int64
		for _, pkt := range read(t, sub) {
			got = append(got, pkt.DTS)
		}
		// The second packet ran a second ahead; who comes after it is placed by the wall clock.
		if want := []int64{0, 1000, 0, 4000, 4033}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// FuzzTimeline reads packets and takeovers from its input, five bytes each, and wants of every track that its time
// never goes back and never runs ahead of what clocks allow.
func FuzzTimeline(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 21, 2, 0, 0, 0, 33, 3, 255, 255, 255, 255, 0, 127, 255, 255, 255})
	f.Add([]byte{0, 255, 255, 255, 240, 0, 0, 0, 0, 10, 4, 0, 0, 0, 0, 1, 128, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, input []byte) {
		s := relay.NewStream("main")
		sub := s.Subscribe(roomy)
		p := publish(t, s, "studio")
		steps := int64(0)
		for ; len(input) >= 5; input = input[5:] {
			steps++
			ts := binary.BigEndian.Uint32(input[1:])
			switch input[0] % 5 {
			case 0:
				write(t, p, raw(relay.Video, ts))
			case 1:
				write(t, p, raw(relay.Audio, ts))
			case 2:
				write(t, p, data(int64(ts), "data"))
			case 3:
				write(t, p, audioHeader(string(input[1:5])))
			case 4:
				p = publish(t, s, "studio")
			}
		}
		p.Close()
		packets := read(t, sub)
		for len(packets) > 0 && packets[0].Slot != 0 {
			packets = packets[1:] // an output joins with these, whenever they came
		}
		last := map[relay.Kind]int64{}
		for _, pkt := range packets {
			if pkt.DTS < last[pkt.Kind] {
				t.Fatalf("%v goes back from %d to %d", pkt.Kind, last[pkt.Kind], pkt.DTS)
			}
			if pkt.DTS > steps*10_000 {
				t.Fatalf("%d ms after %d packets", pkt.DTS, steps)
			}
			last[pkt.Kind] = pkt.DTS
		}
	})
}
