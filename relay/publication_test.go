package relay_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/relay"
)

func TestStatusTellsOfThePublisher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := relay.NewStream("main")
		p := publish(t, s, "studio")
		p.Describe(relay.Media{Encoder: "obs"})
		body := make([]byte, 1000)
		for i := range int64(50) { // 5 s: 10 frames and 10 audio packets of 1000 bytes a second
			write(t, p, relay.Packet{Kind: relay.Video, DTS: i * 100, Keyframe: i%20 == 0, Body: body},
				relay.Packet{Kind: relay.Audio, DTS: i * 100, Body: body})
			time.Sleep(100 * time.Millisecond) // the bubble's time
		}
		got := s.Status().Publisher
		if got.Key != "studio" || got.Remote != "192.0.2.1:4000" || got.Media.Encoder != "obs" {
			t.Errorf("publisher %+v", got)
		}
		if got.Bytes != 100_000 || got.Frames != 50 || time.Since(got.LastPacket) != 100*time.Millisecond {
			t.Errorf("%d bytes, %d frames, last packet at %v", got.Bytes, got.Frames, got.LastPacket)
		}
		r := got.Rates
		if r.KeyframeInterval != 2 || r.FPS < 9.9 || r.FPS > 10.5 ||
			r.VideoBitrate < 79_000 || r.VideoBitrate > 84_000 || r.AudioBitrate < 79_000 || r.AudioBitrate > 84_000 {
			t.Errorf("rates %+v, want 10 frames and 80 kb/s twice", r)
		}
		p.Close()
	})
}

// Encoders put extra keyframes at changes of scene: what a platform minds is the longest distance, and one that never
// ends is the longest of all.
func TestLongestInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := relay.NewStream("main")
		p := publish(t, s, "studio")
		longest := func() float64 { return s.Status().Publisher.Rates.LongestInterval }
		write(t, p, videoHeader("sps"))
		if got := longest(); got != 0 {
			t.Errorf("before a keyframe: %v", got)
		}
		ms := int64(5000)
		keyAfter := func(gap int64) {
			time.Sleep(time.Duration(gap) * time.Millisecond) // the bubble's time
			ms += gap
			write(t, p, key(ms, "k"))
		}
		for _, gap := range []int64{0, 2000, 8000, 500} {
			keyAfter(gap)
		}
		if r := s.Status().Publisher.Rates; r.LongestInterval != 8 || r.KeyframeInterval != 0.5 {
			t.Errorf("rates %+v, want 8 s and 0.5 s", r)
		}
		time.Sleep(12 * time.Second)
		ms += 12_000
		if got := longest(); got != 12 {
			t.Errorf("without a keyframe for 12 s: %v", got)
		}
		for range 8 {
			keyAfter(1000)
		}
		if got := longest(); got != 13 {
			t.Errorf("eight keyframes after one of 13 s: %v", got)
		}
		keyAfter(1000)
		if got := longest(); got != 1 {
			t.Errorf("nine keyframes after one of 13 s: %v", got)
		}
		p.Close()
	})
}

// A publisher whose clock starts anew goes on where the session was; no interval is taken across the change.
func TestResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := relay.NewStream("main")
		sub := s.Subscribe(roomy)
		p := publish(t, s, "encoder")
		write(t, p, key(0, "k0"), delta(33, "d0"), key(1500, "k1")) // by itself, so little back is no jump
		time.Sleep(700 * time.Millisecond)                          // the bubble's time
		p.Resync()
		write(t, p, key(0, "k2"), delta(33, "d1"))
		var dts []int64
		for _, pkt := range read(t, sub) {
			dts = append(dts, pkt.DTS)
		}
		if want := []int64{0, 33, 1500, 2200, 2233}; !slices.Equal(dts, want) {
			t.Errorf("times %v, want %v", dts, want)
		}
		if got := s.Status().Publisher.Rates.KeyframeInterval; got != 1.5 {
			t.Errorf("keyframe interval %v, want that of before", got)
		}
		p.Close()
		p.Resync() // too late, and no harm
	})
}

// A packet is made once, whoever listens: one allocation, the packet itself. Queues are pointers in memory that is
// used again.
func TestWriteAllocatesThePacketOnly(t *testing.T) {
	for _, outputs := range []int{0, 10} {
		s, p, drain := show(t, outputs)
		body := make([]byte, 4000)
		i := int64(0)
		got := testing.AllocsPerRun(2000, func() {
			writeFrame(t, p, i, body)
			if i++; i%10 == 0 {
				drain()
			}
		})
		if got > 1 {
			t.Errorf("%d outputs: %v allocations a packet, want 1", outputs, got)
		}
		s.Close()
	}
}

// BenchmarkWrite is the cost of one packet, the outputs' reading in batches of 10 included.
func BenchmarkWrite(b *testing.B) {
	for _, outputs := range []int{0, 1, 10, 100} {
		b.Run(fmt.Sprint(outputs, "outputs"), func(b *testing.B) {
			s, p, drain := show(b, outputs)
			defer s.Close()
			body := make([]byte, 4000)
			b.ReportAllocs()
			i := int64(0)
			for b.Loop() {
				writeFrame(b, p, i, body)
				if i++; i%10 == 0 {
					drain()
				}
			}
		})
	}
}

// show is a stream on air with outputs, and a function that lets every one of them read.
func show(tb testing.TB, outputs int) (s *relay.Stream, p *relay.Publication, drain func()) {
	s = relay.NewStream("main")
	p = publish(tb, s, "studio")
	write(tb, p, key(0, "k0"))
	subs := make([]*relay.Subscription, outputs)
	batches := make([][]*relay.Packet, outputs)
	for i := range subs {
		subs[i] = s.Subscribe(roomy)
	}
	return s, p, func() {
		for i, sub := range subs {
			var err error
			if batches[i], err = sub.Read(tb.Context(), batches[i]); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

func writeFrame(tb testing.TB, p *relay.Publication, i int64, body []byte) {
	err := p.Write(relay.Packet{Kind: relay.Video, DTS: i * 33, Keyframe: i%60 == 0, Body: body})
	if err != nil {
		tb.Fatal(err)
	}
}
