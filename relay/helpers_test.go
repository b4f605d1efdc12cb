package relay_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/restreamd/restreamd/relay"
)

// roomy is a limit that no test reaches.
const roomy = 1 << 30

// Packets by the words of the tests. The text is the body, so what came out can be read in a failure.

func key(ms int64, body string) relay.Packet {
	return relay.Packet{Kind: relay.Video, DTS: ms, Keyframe: true, Body: []byte(body)}
}

func delta(ms int64, body string) relay.Packet {
	return relay.Packet{Kind: relay.Video, DTS: ms, Body: []byte(body)}
}

func audio(ms int64, body string) relay.Packet {
	return relay.Packet{Kind: relay.Audio, DTS: ms, Body: []byte(body)}
}

func data(ms int64, body string) relay.Packet {
	return relay.Packet{Kind: relay.Script, DTS: ms, Body: []byte(body)}
}

func videoHeader(body string) relay.Packet {
	return relay.Packet{Kind: relay.Video, Slot: relay.HeaderSlot(relay.Video, 0), Body: []byte(body)}
}

func audioHeader(body string) relay.Packet {
	return relay.Packet{Kind: relay.Audio, Slot: relay.HeaderSlot(relay.Audio, 0), Body: []byte(body)}
}

func metadata(body string) relay.Packet {
	return relay.Packet{Kind: relay.Script, Slot: relay.MetadataSlot(relay.Script, 0), Body: []byte(body)}
}

func publish(t testing.TB, s *relay.Stream, key string) *relay.Publication {
	t.Helper()
	p, err := s.Publish(relay.Publisher{Key: key, Remote: "192.0.2.1:4000"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func write(t testing.TB, p *relay.Publication, packets ...relay.Packet) {
	t.Helper()
	for _, pkt := range packets {
		if err := p.Write(pkt); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns what is there now; it does not wait.
func read(t testing.TB, s *relay.Subscription) []*relay.Packet {
	t.Helper()
	now, cancel := context.WithCancel(context.Background())
	cancel()
	packets, err := s.Read(now, nil)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return packets
}

func bodies(packets []*relay.Packet) []string {
	var all []string
	for _, p := range packets {
		all = append(all, string(p.Body))
	}
	return all
}

func wantBodies(t testing.TB, s *relay.Subscription, want ...string) {
	t.Helper()
	if got := bodies(read(t, s)); !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func wantEnd(t testing.TB, s *relay.Subscription, want error) {
	t.Helper()
	if packets, err := s.Read(t.Context(), nil); !errors.Is(err, want) || packets != nil {
		t.Errorf("read %q and %v, want the end: %v", bodies(packets), err, want)
	}
}
