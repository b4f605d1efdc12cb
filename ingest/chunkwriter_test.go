package ingest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib/pkg/bytecounter"
	"github.com/bluenviron/gortmplib/pkg/rawmessage"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay"
)

// readAll reads chunks as other servers and players do.
func readAll(t *testing.T, b []byte) (all []*rawmessage.Message) {
	t.Helper()
	counter := bytecounter.NewReader(bytes.NewReader(b))
	r := rawmessage.NewReader(counter, counter, func(uint32) error { return nil })
	if err := r.SetChunkSize(ingest.OurChunkSize); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("after %d messages: %v", len(all), err)
		}
		all = append(all, m)
	}
}

func wantMessages(t *testing.T, b []byte, packets []relay.Packet) {
	t.Helper()
	all := readAll(t, b)
	if len(all) != len(packets) {
		t.Fatalf("%d messages of %d", len(all), len(packets))
	}
	for i, m := range all {
		p := packets[i]
		if m.Type != byte(p.Kind) || m.MessageStreamID != 1<<24 || m.Timestamp != time.Duration(p.DTS)*time.Millisecond || !bytes.Equal(m.Body, p.Body) {
			t.Errorf("message %d: type %d at %v with %d bytes, want %v at %d ms with %d", i, m.Type, m.Timestamp, len(m.Body), p.Kind, p.DTS, len(p.Body))
		}
	}
}

func noise(n int) []byte {
	random := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)})
	b := make([]byte, n)
	_, _ = random.Read(b)
	return b
}

func TestChunksForPlayers(t *testing.T) {
	const size = ingest.OurChunkSize
	lengths := []int{0, 1, 127, 128, 1000, size - 1, size, size + 1, 2*size - 1, 2 * size, 2*size + 1, 3 * size, 200 << 10}
	for _, ms := range []int64{0, 1, 0xFFFFFE, 0xFFFFFF, 0x1000000, 1<<31 - 1, 1 << 31, 1<<32 - 2, 1<<32 - 1} {
		t.Run(fmt.Sprint(ms), func(t *testing.T) {
			var packets []relay.Packet
			for i, n := range lengths {
				kind := []relay.Kind{relay.Video, relay.Audio, relay.Script}[i%3]
				packets = append(packets, relay.Packet{Kind: kind, DTS: ms, Body: noise(n)})
			}
			wantMessages(t, ingest.Chunks(packets...), packets)
		})
	}
}

// A show that runs over the two boundaries of timestamps, in one batch.
func TestChunksForPlayersAcrossTheBoundaries(t *testing.T) {
	for _, boundary := range []int64{0xFFFFFF, 1 << 31, 1 << 32} {
		var packets []relay.Packet
		for ms := boundary - 200; ms < boundary+200; ms += 20 {
			packets = append(packets, relay.Packet{Kind: relay.Video, DTS: ms & 0xFFFFFFFF, Body: noise(70_000)},
				relay.Packet{Kind: relay.Audio, DTS: ms & 0xFFFFFFFF, Body: noise(300)})
		}
		wantMessages(t, ingest.Chunks(packets...), packets)
	}
}

// The bytes themselves: gortmplib's reader could be as wrong as our writer.
func TestExtendedTimestampsInEveryChunk(t *testing.T) {
	body := noise(ingest.OurChunkSize + 2)
	got := ingest.Chunks(relay.Packet{Kind: relay.Audio, DTS: 0x01020304, Body: body})
	want := append([]byte{4, 0xFF, 0xFF, 0xFF, 1, 0, 2, 8, 1, 0, 0, 0, 1, 2, 3, 4}, body[:ingest.OurChunkSize]...)
	want = append(append(want, 0xC4, 1, 2, 3, 4), body[ingest.OurChunkSize:]...)
	if !bytes.Equal(got, want) {
		t.Errorf("wrote %x… with %d bytes, want %x… with %d", got[:24], len(got), want[:24], len(want))
	}
}
