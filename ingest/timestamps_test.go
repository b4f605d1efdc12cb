package ingest_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/restreamd/restreamd/relay"
)

// chunked is a message by hand, as encoders send it: a whole header and an absolute timestamp (format 0), or the
// difference to the one before (format 1), with four more bytes in every chunk where a value does not fit into three.
func chunked(stream, format byte, ms uint32, p relay.Packet) []byte {
	const size = 128
	short := min(ms, 0xFFFFFF)
	out := []byte{format<<6 | stream, byte(short >> 16), byte(short >> 8), byte(short), 0, byte(len(p.Body) >> 8), byte(len(p.Body)), byte(p.Kind)}
	if format == 0 {
		out = append(out, 1, 0, 0, 0)
	}
	extended := func() {
		if short == 0xFFFFFF {
			out = binary.BigEndian.AppendUint32(out, ms)
		}
	}
	extended()
	for body := p.Body; ; {
		n := min(len(body), size)
		out = append(out, body[:n]...)
		if body = body[n:]; len(body) == 0 {
			return out
		}
		out = append(out, 3<<6|stream)
		extended()
	}
}

// Shows that run over the places where timestamps change their form or their sign lose nothing, and outputs see a clock
// that starts at 0 and never goes back.
func TestTimestampsOverTheirBoundaries(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]uint32{"0xFFFFFF - 5 s": 0xFFFFFF - 5000, "2^31 - 10 s": 1<<31 - 10_000, "2^32 - 10 s": 1<<32 - 10_000} {
		for format := range byte(2) {
			t.Run(fmt.Sprintf("%s, format %d", name, format), func(t *testing.T) {
				t.Parallel()
				h := serve(t)
				v := h.watch(t, "main")
				c := publisher(t, h, studioKey)
				const n, step = 600, 33 // 20 s
				var before [2]uint32    // by kind: video, audio
				for i := range n {
					video, audio := large(i, 300), relay.Packet{Kind: relay.Audio, Body: fmt.Appendf([]byte{0xAF, 1}, "sound %d", i)}
					for j, p := range []relay.Packet{video, audio} {
						ms, form := begin+uint32(i*step), byte(0)
						if i > 0 && format == 1 {
							ms, form = ms-before[j], 1
						}
						before[j] = begin + uint32(i*step)
						sendAll(c, chunked(byte(8+j), form, ms, p))
					}
				}
				c.goodbye()
				got := map[relay.Kind]int64{}
				for _, p := range v.wait(t) {
					if want := got[p.Kind] * step; p.DTS != want {
						t.Fatalf("%v packet %d at %d ms, want %d", p.Kind, got[p.Kind], p.DTS, want)
					}
					got[p.Kind]++
				}
				if got[relay.Video] != n || got[relay.Audio] != n {
					t.Errorf("%d video and %d audio packets of %d each", got[relay.Video], got[relay.Audio], n)
				}
				h.wantReason(t, "publisher gone", c.name(), "stopped streaming")
			})
		}
	}
}
