package main_test

import (
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/egress"
	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// An encoder that fell silent does not keep its stream from another valid key until its connection is given up.
func TestAnotherKeyRelievesASilentEncoder(t *testing.T) {
	t.Parallel()
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.StreamKey("{name: field, key: "+fieldKey+"}"), rt.Destination("platform", destination(sink, "k")),
		rt.StreamConfig("record: {enabled: false}\nhls: {enabled: false}"))
	media := rt.Media(t)
	first := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	awaitVideo(t, sink, 60)
	if _, err := rt.Dial(t, streamURL(r, fieldKey)); err == nil {
		t.Error("another key was let in beside an encoder that is well")
	}
	first.Freeze()
	rt.Eventually(t, soon, "the hold", func() bool { h := snapshot(t, r).Streams[0].Hold; return h != nil && h.Shown })
	if second := rt.Publish(t, streamURL(r, fieldKey), media); second.Wait() != 0 {
		t.Error("the other encoder was not let in")
	}
	awaitGoodbye(t, sink) // one session
	first.Kill()
}

// How a stream is held may be changed while it is on air.
func TestHoldSettingsCountAtOnce(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t, rt.StreamConfig(quiet+"hold: {for: 60s}"))
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	rt.Eventually(t, patient, "the stream to be on air", func() bool { return snapshot(t, r).Streams[0].Live })
	pub.Kill()
	rt.Eventually(t, soon, "the hold", func() bool { return snapshot(t, r).Streams[0].Hold != nil })
	held := time.Now()
	reconfigure(t, r, rt.StreamConfig(quiet+"hold: {for: 1s}"))
	rt.Eventually(t, soon, "the session to end", func() bool { return snapshot(t, r).Streams[0].Session == nil })
	t.Logf("over after %v", time.Since(held).Round(100*time.Millisecond))
}

// The gate and the engine know nothing of each other and speak of the same classes.
func TestClassesAgree(t *testing.T) {
	t.Parallel()
	for gate, engine := range map[egress.Class]output.Class{
		egress.ClassDNS: output.DNS, egress.ClassRefused: output.Refused, egress.ClassUnreachable: output.Unreachable,
		egress.ClassTimeout: output.Timeout, egress.ClassTLS: output.TLS, egress.ClassClosed: output.Closed, egress.ClassLoop: output.Loop,
	} {
		if string(gate) != string(engine) {
			t.Errorf("the gate says %q, the engine %q", gate, engine)
		}
	}
}
