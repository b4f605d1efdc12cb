package output_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// copies is a rendition that changes nothing, so that what comes out can be told by its bytes.
type copies struct{}

func (copies) Job(ffmpeg.Attempt) (ffmpeg.Job, error) {
	return ffmpeg.Job{
		Input: ffmpeg.FLVInput(),
		Outputs: []ffmpeg.Output{{
			URL:     "pipe:1",
			Options: ffmpeg.Options{"c": "copy", "f": "flv", "flush_packets": "1"},
		}},
		DieWithParent: true,
	}, nil
}

// derives is a stage with a stream main@copy, and the output that makes it of main.
func derives(t *testing.T) (s *stage, derived *relay.Stream, rendition output.Spec) {
	s = open(t, "ffmpeg")
	derived = s.hub.Derive("main@copy")
	rendition = s.spec("copy", copies{})
	rendition.ID.Kind, rendition.Derived = "rendition", derived
	return s.serve(), derived, rendition
}

// ear is a listener to one session of a stream.
type ear struct {
	mu   sync.Mutex
	all  []relay.Packet
	over chan struct{}
}

// listen hears the session that is on, or the next.
func listen(t *testing.T, stream *relay.Stream) *ear {
	t.Helper()
	e := &ear{over: make(chan struct{})}
	sub := stream.Subscribe(1 << 30)
	t.Cleanup(func() {
		sub.Close()
		<-e.over
	})
	go func() {
		defer close(e.over)
		for {
			packets, err := sub.Read(context.Background(), nil)
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, relay.ErrClosed) {
					t.Errorf("listen: %v", err)
				}
				return
			}
			e.hear(packets)
		}
	}()
	return e
}

func (e *ear) hear(packets []*relay.Packet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range packets {
		e.all = append(e.all, *p)
	}
}

func (e *ear) recording() recording {
	e.mu.Lock()
	defer e.mu.Unlock()
	return recording{all: slices.Clone(e.all)}
}

// of is the media of one kind. The mark that ffmpeg puts behind the last picture is none.
func (r recording) of(kind relay.Kind) (all []relay.Packet) {
	for _, p := range r.all {
		if p.Kind == kind && p.Slot == 0 && !bytes.HasPrefix(p.Body, []byte{0x17, 2}) {
			all = append(all, p)
		}
	}
	return all
}

func (r recording) bodies(kind relay.Kind) (all [][]byte) {
	for _, p := range r.of(kind) {
		all = append(all, p.Body)
	}
	return all
}

func (e *ear) awaitVideo(t *testing.T, packets int) {
	t.Helper()
	relaytest.Eventually(t, patient, "the rendition's pictures", func() bool {
		return len(e.recording().bodies(relay.Video)) >= packets
	})
}

func (e *ear) awaitEnd(t *testing.T) recording {
	t.Helper()
	select {
	case <-e.over:
	case <-time.After(patient):
		t.Fatal("the derived session did not end with its source's")
	}
	return e.recording()
}

func running(o output.Status) bool { return o.State == output.Running }

// What a rendition's child writes is a stream like any other: every packet arrives, and its session is the source's.
func TestDerived(t *testing.T) {
	t.Parallel()
	media := relaytest.Media(t)
	want := parse(t, media)
	s, derived, rendition := derives(t)
	s.Apply([]output.Spec{rendition})
	for range 2 { // shows
		e := listen(t, derived)
		pub := playInto(t, s.stream, media, "studio")
		s.await("copy", "running", running)
		if p := derived.Status().Publisher; p == nil || p.Key != "rendition of main" {
			t.Errorf("the derived stream's publisher is %+v", p)
		}
		pub.Close()
		got := e.awaitEnd(t)
		got.check(t, "derived")
		same(t, "video", got.bodies(relay.Video), want.bodies(relay.Video))
		same(t, "audio", got.bodies(relay.Audio), want.bodies(relay.Audio))
		if o := s.awaitState("copy", output.Waiting); o.Failures != 0 || o.Delivery != nil {
			t.Errorf("after the show: %s", text(o))
		}
	}
}

// Outputs of a rendition live through the death of its encoder: the derived session and its clock go on.
func TestDerivedOutlivesItsChild(t *testing.T) {
	t.Parallel()
	media := relaytest.Media(t, relaytest.Duration(1500*time.Millisecond)) // a clock that goes back by less is believed
	show := parse(t, media).bodies(relay.Video)
	const held = 30 // pictures that ffmpeg may hold back until more comes or its stdin ends
	s, derived, rendition := derives(t)
	s.Apply([]output.Spec{rendition})
	e := listen(t, derived)
	pub := playInto(t, s.stream, media, "studio")
	e.awaitVideo(t, len(show)-held)
	before, _ := derived.Session()
	kill(t, s.await("copy", "running", running).Pid)
	s.await("copy", "running again", func(o output.Status) bool { return o.Starts == 2 && running(o) })
	pub.Resync()
	write(t, pub, media)
	pub.Close()
	if after, on := derived.Session(); on && !after.Equal(before) {
		t.Errorf("the derived session began at %v, and again at %v", before, after)
	}
	got := e.awaitEnd(t)
	got.check(t, "derived")
	video := got.bodies(relay.Video)
	if len(video) < 2*len(show)-held {
		t.Fatalf("%d pictures came of two times %d", len(video), len(show))
	}
	same(t, "before the kill", video[:len(show)-held], show[:len(show)-held])
	same(t, "after the kill", video[len(video)-len(show):], show)
	last := int64(-1)
	for _, p := range got.of(relay.Video) {
		if p.DTS <= last {
			t.Fatalf("the clock stands still at %d ms", last)
		}
		last = p.DTS
	}
}

// A derived publication that somebody ended is followed by another.
func TestDerivedAfterADisconnect(t *testing.T) {
	t.Parallel()
	media := relaytest.Media(t)
	s, derived, rendition := derives(t)
	s.Apply([]output.Spec{rendition})
	pub := playInto(t, s.stream, media, "studio")
	s.await("copy", "running", running)
	if !derived.Disconnect() {
		t.Fatal("nobody published the rendition")
	}
	write(t, pub, media)
	o := s.await("copy", "failed", func(o output.Status) bool { return o.Failures == 1 })
	if o.Class != output.Program || o.Reason != "read stdout: publish the rendition: disconnected by the operator" {
		t.Errorf("after the disconnect: %s", text(o))
	}
	e := listen(t, derived)
	s.await("copy", "running again", func(o output.Status) bool { return o.Starts == 2 && running(o) })
	pub.Close()
	if got := e.awaitEnd(t); len(got.bodies(relay.Video)) == 0 {
		t.Error("nothing came of the second child")
	}
}

// A relay that stops delivers what is still being encoded, to the outputs of the rendition too.
func TestHubCloseDeliversTheDerived(t *testing.T) {
	t.Parallel()
	media := relaytest.Media(t)
	s, derived, rendition := derives(t)
	recipe := files{dir: t.TempDir(), name: "take"}
	take := s.spec("take", recipe)
	take.From = "main@copy"
	s.Apply([]output.Spec{rendition, take})
	relaytest.Eventually(t, soon, "the take to wait for the rendition", func() bool { return derived.Status().Outputs == 1 })
	pub := playInto(t, s.stream, media, "studio")
	s.await("take", "started", func(o output.Status) bool { return o.Pid != 0 })
	write(t, pub, media)
	s.hub.Close()

	patience, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	s.Drain(patience)
	once := relaytest.VideoHashes(t, media)
	want := slices.Concat(once, once)
	if got := relaytest.VideoHashes(t, recipe.path(0)); !slices.Equal(got, want) {
		t.Errorf("%d pictures arrived, want the same %d", len(got), len(want))
	}
	for _, o := range s.Snapshot() {
		if o.Failures != 0 || o.Starts != 1 || o.Drops != (relay.Drops{}) {
			t.Errorf("after the close: %s", text(o))
		}
	}
}
