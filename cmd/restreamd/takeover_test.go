package main_test

import (
	"slices"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// The same key publishing again takes the place of the first, whose socket is dead. What is behind the relay sees one
// show; another key has to wait.
func TestTakeover(t *testing.T) {
	t.Parallel()
	media := rt.Media(t, rt.Duration(4*time.Second))
	want := rt.VideoHashes(t, media)
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.StreamKey("{name: field, key: field-4711}"), rt.Destination("sink", destination(sink, "k")))
	first := dial(t, r.PublishURL())
	first.SendFile(t, read(t, media), 0)
	refused(t, streamURL(r, "field-4711"), "another publisher is live")
	awaitLog(t, r, "publisher refused", `"key":"field"`, `"code":"busy"`)

	begun := time.Now()
	second := dial(t, r.PublishURL())
	awaitLog(t, r, "publisher gone", `"code":"replaced"`)
	took := time.Since(begun)
	t.Logf("replaced after %v", took.Round(time.Millisecond))
	if took > time.Second {
		t.Errorf("the first publisher was replaced after %v, want 1 s at most", took)
	}
	second.SendFile(t, read(t, media), 0)
	if err := second.Goodbye(); err != nil {
		t.Fatal(err)
	}
	s := awaitGoodbye(t, sink)
	both := slices.Concat(want, want)
	sameHashes(t, "delivered", withoutRepeats(s.VideoHashes(), both), both)
	if err := s.MonotonicDTS(); err != nil {
		t.Error(err)
	}
	sameHashes(t, "recorded", withoutRepeats(rt.VideoHashes(t, awaitFinished(t, r)), both), both)
}

// withoutRepeats leaves out the repeats of a keyframe that fill the time between two encoders, where that was long.
func withoutRepeats(got, want []string) (all []string) {
	for _, hash := range got {
		if n := len(all); n > 0 && n < len(want) && hash != want[n] && hash == all[(n-1)/gop*gop] {
			continue
		}
		all = append(all, hash)
	}
	return all
}

// An encoder whose network is lost still holds its connection; when it is back it gets its stream back.
func TestTakeoverFromFrozenEncoder(t *testing.T) {
	t.Parallel()
	media := rt.Media(t)
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.Destination("sink", destination(sink, "k")))
	lost := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	awaitVideo(t, sink, 45)
	lost.Freeze()
	back := rt.Publish(t, r.PublishURL(), media)
	awaitLog(t, r, "publisher gone", `"code":"replaced"`)
	if code := back.Wait(); code != 0 {
		t.Errorf("the encoder that came back ended with %d", code)
	}
	s := awaitGoodbye(t, sink)
	if err := s.MonotonicDTS(); err != nil {
		t.Error(err)
	}
	want := rt.VideoHashes(t, media)
	got := s.VideoHashes()
	if len(got) < len(want) {
		t.Fatalf("delivered %d packets, want %d and those before", len(got), len(want))
	}
	sameHashes(t, "delivered after the loss", got[len(got)-len(want):], want)
	sameHashes(t, "recorded", rt.VideoHashes(t, awaitFinished(t, r)), got)
}
