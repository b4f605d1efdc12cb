package relay_test

import (
	"io"
	"testing"

	"github.com/restreamd/restreamd/relay"
)

// held returns a stream that was lost under header "own" and is fed by a stopgap.
func held(t *testing.T) (*relay.Stream, *relay.Publication) {
	t.Helper()
	s := relay.NewStream("main")
	t.Cleanup(s.Close)
	s.Hold(relay.Holds{Lost: true})
	p := publish(t, s, "studio")
	write(t, p, videoHeader("own"), key(0, "k"), delta(40, "d"))
	p.Lose(relay.ErrDisconnected)
	stopgap, freeze, ok := s.StandIn(relay.Publisher{Key: "hold"}, "", "lost")
	if !ok || string(freeze.Key.Body) != "k" {
		t.Fatalf("stood in: %v with %+v", ok, freeze)
	}
	return s, stopgap
}

func slate(p relay.Packet) relay.Packet {
	p.Variant = relay.SlateOnly
	return p
}

func freeze(p relay.Packet) relay.Packet {
	p.Variant = relay.FreezeOnly
	return p
}

// accepting subscribes as an output with fixed headers does.
func accepting(s *relay.Stream) *relay.Subscription {
	sub := s.Subscribe(roomy)
	sub.Accept(relay.FreezeOnly)
	return sub
}

// Outputs see the slate under its own header or the publisher's picture under the publisher's, from wherever they join,
// and the publisher's header again when it is back: those who saw another, and only those.
func TestVariants(t *testing.T) {
	t.Parallel()
	s, stopgap := held(t)
	change, fixed := s.Subscribe(roomy), accepting(s)
	wantBodies(t, change, "own", "k", "d")
	wantBodies(t, fixed, "own", "k", "d")

	write(t, stopgap, key(40, "k"), // to all: the slate is not ready
		slate(videoHeader("slate")), slate(key(80, "K")), freeze(key(80, "k")), slate(delta(120, "D")))
	wantBodies(t, change, "k", "slate", "K", "D")
	wantBodies(t, fixed, "k", "k")
	write(t, stopgap, slate(videoHeader("slate")), slate(key(160, "K")), audio(160, "hush"))
	wantBodies(t, change, "K", "hush") // the header says nothing new
	wantBodies(t, fixed, "hush")

	lateChange, lateFixed := s.Subscribe(roomy), accepting(s)
	wantBodies(t, lateChange, "slate", "K", "hush")
	wantBodies(t, lateFixed, "own", "k", "hush")

	back := publish(t, s, "studio")
	write(t, back, videoHeader("own"), key(0, "k2"), delta(40, "d2"))
	for _, sub := range []*relay.Subscription{change, lateChange} {
		wantBodies(t, sub, "own", "k2", "d2")
	}
	for _, sub := range []*relay.Subscription{fixed, lateFixed} {
		wantBodies(t, sub, "k2", "d2")
	}
	wantBodies(t, s.Subscribe(roomy), "own", "k2", "d2")
}

// A publisher that stalls and goes on sends no header again; who saw the slate's gets its own all the same.
func TestVariantsAfterAStall(t *testing.T) {
	t.Parallel()
	s := relay.NewStream("main")
	t.Cleanup(s.Close)
	p := publish(t, s, "studio")
	write(t, p, videoHeader("own"), key(0, "k"))
	change, fixed := s.Subscribe(roomy), accepting(s)
	stopgap, _, ok := s.StandIn(relay.Publisher{Key: "hold"}, relay.Primary, "stalled")
	if !ok {
		t.Fatal("did not stand in")
	}
	write(t, stopgap, slate(videoHeader("slate")), slate(key(40, "K")), freeze(key(40, "k")))
	write(t, p, delta(40, "d"), key(80, "k2"))
	wantBodies(t, change, "own", "k", "slate", "K", "own", "k2")
	wantBodies(t, fixed, "own", "k", "k", "k2")
}

// What a publisher's picture is repeated from is never the slate's.
func TestSlateIsNoFreeze(t *testing.T) {
	t.Parallel()
	s, stopgap := held(t)
	write(t, stopgap, slate(videoHeader("slate")), slate(key(80, "K")))
	stopgap.Lose(relay.ErrClosed)
	_, freeze, ok := s.StandIn(relay.Publisher{Key: "hold"}, "", "again")
	if !ok || string(freeze.Key.Body) != "k" || len(freeze.Inits) != 1 || string(freeze.Inits[0].Body) != "own" {
		t.Errorf("stood in: %v with %+v", ok, freeze)
	}
}

// To choose a variant neither opens a session anew nor brings back one that is over.
func TestAcceptOutsideOfASession(t *testing.T) {
	t.Parallel()
	s := relay.NewStream("main")
	t.Cleanup(s.Close)
	early := accepting(s)
	p := publish(t, s, "studio")
	write(t, p, videoHeader("own"), key(0, "k"))
	wantBodies(t, early, "own", "k")

	late := s.Subscribe(roomy)
	p.Close()
	next := publish(t, s, "studio")
	write(t, next, videoHeader("own"), key(0, "k2"))
	late.Accept(relay.FreezeOnly)
	wantEnd(t, late, io.EOF)
}

// A stream of sound alone can be joined in both variants, second after second.
func TestVariantsWithoutVideo(t *testing.T) {
	t.Parallel()
	s := relay.NewStream("main")
	t.Cleanup(s.Close)
	p := publish(t, s, "studio")
	write(t, p, audioHeader("own"))
	for ms := int64(0); ms < 5000; ms += 500 {
		write(t, p, audio(ms, "a"))
	}
	for name, sub := range map[string]*relay.Subscription{"slate": s.Subscribe(roomy), "freeze": accepting(s)} {
		if n := len(read(t, sub)); n < 2 || n > 4 {
			t.Errorf("%s: joined with %d packets, want the header and about a second", name, n)
		}
	}
}
