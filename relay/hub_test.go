package relay_test

import (
	"errors"
	"io"
	"testing"

	"github.com/restreamd/restreamd/relay"
)

func names(h *relay.Hub) (all []string) {
	for _, s := range h.Streams() {
		all = append(all, s.Name())
	}
	return all
}

// A derived stream is there while it is wanted, and the same one for all who ask.
func TestDerive(t *testing.T) {
	h := relay.NewHub("main", "aux")
	small := h.Derive("main@480p")
	if h.Derive("main@480p") != small || h.Stream("main@480p") != small || h.Derive("main") != h.Stream("main") {
		t.Error("a stream was made twice")
	}
	h.Derive("aux@720p")
	if got := names(h); len(got) != 4 || got[0] != "main" || got[1] != "aux" || got[2] != "main@480p" || got[3] != "aux@720p" {
		t.Errorf("streams %q, want those of the hub first", got)
	}
	p := publish(t, small, "encoder")
	write(t, p, key(0, "k0"))
	sub, on := h.Listen("main@480p", roomy)
	if !on {
		t.Fatal("no session to listen to")
	}

	h.Retire("main@480p")
	h.Retire("main@480p")
	h.Retire("main") // is not derived
	if h.Stream("main@480p") != nil || h.Stream("main") == nil || len(names(h)) != 3 {
		t.Errorf("streams %q", names(h))
	}
	wantBodies(t, sub, "k0")
	wantEnd(t, sub, io.EOF)
	if err := p.Write(key(1, "k1")); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("write to a stream that is retired: %v", err)
	}
	if again := h.Derive("main@480p"); again == small {
		t.Error("a stream that was retired came back")
	} else {
		publish(t, again, "encoder").Close()
	}
}

// A hub that closes lets derived streams finish: an encoder has media left when its source is over.
func TestHubCloseFinishesDerivedStreams(t *testing.T) {
	h := relay.NewHub("main")
	source := publish(t, h.Stream("main"), "studio")
	busy, idle := h.Derive("main@720p"), h.Derive("main@480p")
	p := publish(t, busy, "encoder")
	write(t, p, key(0, "k0"))
	joined := busy.Subscribe(roomy)
	waiting := idle.Subscribe(roomy)
	h.Close()
	if !errors.Is(source.Err(), relay.ErrClosed) {
		t.Errorf("the source's publisher ended with %v", source.Err())
	}
	wantEnd(t, waiting, relay.ErrClosed)
	if _, err := idle.Publish(relay.Publisher{}); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("publish to an idle derived stream: %v", err)
	}

	write(t, p, delta(33, "d0"), key(66, "k1"))
	p = publish(t, busy, "encoder") // takes over
	write(t, p, key(0, "k2"))
	p.Close()
	wantBodies(t, joined, "k0", "d0", "k1", "k2")
	wantEnd(t, joined, io.EOF)
	wantEnd(t, busy.Subscribe(roomy), relay.ErrClosed)
	if _, err := busy.Publish(relay.Publisher{}); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("publish after the last session: %v", err)
	}
	wantEnd(t, h.Derive("late@720p").Subscribe(roomy), relay.ErrClosed)
}
