package main_test

import (
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// A destination that names a rendition gets it, whatever fit says; and fit may be changed in mid-show.
func TestFitChangesInMidShow(t *testing.T) {
	t.Parallel()
	const contract = "contract: {max_gop: 2s, gop: 1s}\n"
	chosen, changed, rescued := rt.NewSink(t), rt.NewSink(t), rt.NewSink(t)
	r := rt.StartRelay(t, rt.ExtraConfig("encoders: {budget: 8}\nrenditions:\n  small: {height: 96, preset: ultrafast}"),
		rt.StreamConfig("record: {enabled: false}\nhls: {enabled: false}"),
		rt.Destination("chosen", destination(chosen, "k1")+contract+"rendition: small\nfit: strict\n"),
		rt.Destination("changed", destination(changed, "k2")+contract),
		rt.Destination("rescued", destination(rescued, "k3")+contract+"fit: strict\n"))
	media := rt.Media(t, rt.GOP(6*time.Second), rt.Duration(12*time.Second), rt.Size(256, 144), rt.Bitrate(300))
	pub := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	awaitVideo(t, chosen, 30)
	awaitVideo(t, changed, 30)
	if o := outputStatus(t, r, "push", "chosen"); o.From != "main@small" {
		t.Errorf("chosen: %+v", o)
	}
	if o := awaitState(t, r, "push", "rescued", output.Off); !strings.Contains(o.Reason, "strict") {
		t.Errorf("rescued, before: %q", o.Reason)
	}
	r.PutDestination(t, "rescued", destination(rescued, "k3")+contract)
	awaitVideo(t, rescued, 10)
	r.PutDestination(t, "changed", destination(changed, "k2")+contract+"fit: auto\n")
	rt.Eventually(t, patient, "the change to auto to count", func() bool {
		o := outputStatus(t, r, "push", "changed")
		return o.From != "" && o.State == output.Running
	})
	r.PutDestination(t, "changed", destination(changed, "k2")+contract+"fit: off\n")
	rt.Eventually(t, patient, "the change to off to count", func() bool {
		o := outputStatus(t, r, "push", "changed")
		return o.From == "" && o.State == output.Running
	})
	pub.Stop()
}

// Silence that was added stays when the encoder comes back.
func TestAddedSilenceStays(t *testing.T) {
	t.Parallel()
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {enabled: false}"),
		rt.Destination("silent", destination(sink, "k")+"contract: {audio_required: true}\nfit: auto\n"))
	media := rt.Media(t, rt.VideoOnly(), rt.Duration(12*time.Second))
	first := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	audible := func(s rt.Session, n int) bool { return len(s.AudioHashes()) > n }
	sink.Wait(t, patient, func(s []rt.Session) bool { return len(s) == 1 && audible(s[0], 50) })
	again := rt.Publish(t, r.PublishURL(), media) // takes over
	if code := again.Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	first.Kill()
	all := sink.Wait(t, patient, func(s []rt.Session) bool { return s[len(s)-1].Clean })
	if len(all) != 1 || !audible(all[0], 400) {
		t.Errorf("%d sessions, %d packets of silence in the first", len(all), len(all[0].AudioHashes()))
	}
}
