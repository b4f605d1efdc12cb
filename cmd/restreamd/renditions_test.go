package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// Six destinations that want two things, and a playlist that wants one of them, cost two encoders. They run while
// somebody needs them, and no longer.
func TestSixDestinationsTwoEncoders(t *testing.T) {
	t.Parallel()
	const fast = "{width: 256, height: 144, video_bitrate: 200kbps, preset: ultrafast}"
	r := rt.StartRelay(t, rt.ExtraConfig("encoders: {budget: 8}\nrenditions:\n  small: "+fast+"\n  tiny: "+strings.Replace(fast, "144", "96", 1)),
		rt.StreamConfig("record: {enabled: false}\nhls: {segment: 1s, renditions: [small]}"))
	var sinks []*rt.Sink
	for n := range 6 {
		sink := rt.NewSink(t)
		sinks = append(sinks, sink)
		r.PutDestination(t, fmt.Sprintf("d%d", n), destination(sink, "k")+"rendition: "+[]string{"small", "tiny"}[n%2]+"\n")
	}
	media := rt.Media(t)
	pub := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	for _, sink := range sinks {
		awaitVideo(t, sink, 30)
	}
	s := snapshot(t, r)
	if n := len(s.Encoders.Running); n != 2 {
		t.Errorf("%d encoders are planned: %+v, want 2", n, s.Encoders.Running)
	}
	if n := encoders(t, r); n != 2 {
		t.Errorf("%d children encode, want 2", n)
	}
	rt.Eventually(t, patient, "the rendition's playlist", func() bool {
		code, _ := r.Get(t, "/hls/main@small/index.m3u8")
		return code == 200
	})
	for n, sink := range sinks {
		if got := sink.Sessions()[0]; len(got.VideoHashes()) == 0 || got.MonotonicDTS() != nil {
			t.Errorf("destination %d: %d packets, %v", n, len(got.VideoHashes()), got.MonotonicDTS())
		}
	}

	for n := 1; n < 6; n += 2 { // nobody needs tiny any more
		r.RemoveDestination(t, fmt.Sprintf("d%d", n))
	}
	rt.Eventually(t, soon, "one encoder to end", func() bool { return encoders(t, r) == 1 })
	if o := outputStatus(t, r, "push", "d0"); o.State != output.Running || o.From != "main@small" || o.Starts != 1 {
		t.Errorf("the others were touched: %+v", o)
	}
	pub.Stop()
	rt.Eventually(t, soon, "no encoder to be left", func() bool { return encoders(t, r) == 0 })
}

// encoders counts the relay's children that encode.
func encoders(t *testing.T, r *rt.Relay) int {
	t.Helper()
	n := 0
	for _, o := range snapshot(t, r).Streams[0].Outputs {
		if o.Kind == "rendition" && o.Pid != 0 {
			n++
		}
	}
	return n
}

// A stream that breaks a contract is named, refused or put right, as the file says; only what breaks is encoded.
func TestFit(t *testing.T) {
	t.Parallel()
	const contract = "contract: {max_gop: 2s, gop: 1s}\n"
	asIs, auto, strict := rt.NewSink(t), rt.NewSink(t), rt.NewSink(t)
	r := rt.StartRelay(t, rt.ExtraConfig("encoders: {budget: 8}"), rt.StreamConfig("record: {enabled: false}\nhls: {enabled: false}"),
		rt.Destination("asis", destination(asIs, "k1")+contract),
		rt.Destination("auto", destination(auto, "k2")+contract+"fit: auto\n"),
		rt.Destination("strict", destination(strict, "k3")+contract+"fit: strict\n"))
	media := rt.Media(t, rt.GOP(6*time.Second), rt.Duration(12*time.Second), rt.Size(256, 144), rt.Bitrate(300))
	pub := rt.Publish(t, r.PublishURL(), media, rt.Loop())

	awaitVideo(t, asIs, 30)
	rt.Eventually(t, patient, "the finding", func() bool {
		for _, o := range snapshot(t, r).Streams[0].Outputs {
			if o.Name == "asis" && len(o.Findings) == 1 {
				f := o.Findings[0]
				return f.Code == "gop_too_long" && f.Breaks && strings.Contains(f.Fix, "Keyframe")
			}
		}
		return false
	})
	o := awaitState(t, r, "push", "strict", output.Off)
	if !strings.Contains(o.Reason, "keyframe") || o.Starts != 0 || len(strict.Sessions()) != 0 {
		t.Errorf("strict: %+v, %d sessions", o, len(strict.Sessions()))
	}
	fixed := awaitVideo(t, auto, 150)
	last := time.Duration(0)
	for _, tag := range fixed.Tags {
		if tag.Kind == rt.KindVideo && tag.Keyframe && !tag.Init {
			if at := time.Duration(tag.DTS) * time.Millisecond; at-last > 1100*time.Millisecond {
				t.Errorf("auto: %v without a keyframe, want 1 s at most", at-last)
			} else {
				last = at
			}
		}
	}
	if o := outputStatus(t, r, "push", "asis"); o.Starts != 1 || o.From != "" {
		t.Errorf("fit: off was touched: %+v", o)
	}
	pub.Stop()
	// What only repackages sound keeps every packet of it: the audio was within the contract.
	all := auto.Wait(t, patient, func(s []rt.Session) bool { return !s[0].Closed.IsZero() })
	want := map[string]bool{}
	for _, h := range rt.AudioHashes(t, media) {
		want[h] = true
	}
	for _, h := range all[0].AudioHashes() {
		if !want[h] {
			t.Fatal("auto: audio was encoded again, though it broke nothing")
		}
	}
}

// A rendition the machine has no room for is refused by name; what runs goes on.
func TestEncoderBudget(t *testing.T) {
	t.Parallel()
	first, second := rt.NewSink(t), rt.NewSink(t)
	r := rt.StartRelay(t, rt.ExtraConfig("encoders: {budget: 0.6}\nrenditions:\n  small: {height: 144, preset: ultrafast}\n  big: {height: 1080, fps: 60}"),
		rt.StreamConfig("record: {enabled: false}\nhls: {enabled: false}"),
		rt.Destination("first", destination(first, "k1")+"rendition: small\n"))
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t, rt.Size(1280, 720)), rt.Loop())
	pid := awaitState(t, r, "push", "first", output.Running).Pid
	r.PutDestination(t, "second", destination(second, "k2")+"rendition: big\n")
	o := awaitState(t, r, "push", "second", output.Off)
	if !strings.Contains(o.Reason, "budget") {
		t.Errorf("reason %q", o.Reason)
	}
	if s := snapshot(t, r); len(s.Encoders.Refused) != 1 || len(s.Encoders.Running) != 1 {
		t.Errorf("encoders: %+v", s.Encoders)
	}
	if o := outputStatus(t, r, "push", "first"); o.Pid != pid {
		t.Errorf("the first one was touched: %+v", o)
	}
	pub.Stop()
}

// Silence is added where a destination asks for it, to a stream that has no sound.
func TestSilenceIfMissing(t *testing.T) {
	t.Parallel()
	with, without := rt.NewSink(t), rt.NewSink(t)
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {enabled: false}"),
		rt.Destination("with", destination(with, "k1")+"audio: {silence_if_missing: true}\n"), rt.Destination("without", destination(without, "k2")))
	media := rt.Media(t, rt.VideoOnly())
	if code := rt.Publish(t, r.PublishURL(), media).Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	want := rt.VideoHashes(t, media)
	silent := awaitGoodbye(t, with)
	sameHashes(t, "with", silent.VideoHashes(), want)
	sameHashes(t, "without", awaitGoodbye(t, without).VideoHashes(), want)
	if n := len(silent.AudioHashes()); n < 300 { // 8 s at 47 a second
		t.Errorf("%d packets of silence", n)
	}
}

// A schedule and a delay are kept.
func TestScheduleAndDelay(t *testing.T) {
	t.Parallel()
	later, late, now := rt.NewSink(t), rt.NewSink(t), rt.NewSink(t)
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {enabled: false}"),
		rt.Destination("now", destination(now, "k1")), rt.Destination("late", destination(late, "k2")+"delay: 3s\n"))
	soonAt := time.Now().Add(6 * time.Second).UTC().Truncate(time.Second)
	r.PutDestination(t, "later", destination(later, "k3")+"schedule: {from: "+soonAt.Format(time.RFC3339)+"}\n")
	media := rt.Media(t)
	pub := rt.Publish(t, r.PublishURL(), media)
	if o := awaitState(t, r, "push", "later", output.Waiting); !strings.Contains(o.Reason, "schedule") {
		t.Errorf("before its time: %q", o.Reason)
	}
	if s := awaitVideo(t, later, 1); s.Connected.Before(soonAt) {
		t.Errorf("the scheduled push began at %v, want %v", s.Connected, soonAt)
	}
	if code := pub.Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	want := rt.VideoHashes(t, media)
	prompt, held := awaitGoodbye(t, now), awaitGoodbye(t, late)
	sameHashes(t, "now", prompt.VideoHashes(), want)
	sameHashes(t, "late", held.VideoHashes(), want)
	if lag := held.Connected.Sub(prompt.Connected); lag < 2500*time.Millisecond || lag > 8*time.Second {
		t.Errorf("the delayed push began %v later, want 3 s", lag)
	}
}

// A push into the relay's own ingest would feed itself.
func TestLoopIsRefused(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t)
	r.PutDestination(t, "loop", "url: "+strings.TrimSuffix(r.PublishURL(), "/"+r.Key)+"\nkey: "+r.Key+"\n")
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	o := awaitState(t, r, "push", "loop", output.Retrying)
	if o.Class != output.Loop || o.Starts != 0 || o.NextTry == nil {
		t.Errorf("status %+v", o)
	}
	pub.Stop()
}
