package main_test

import (
	"net/http"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// A viewer's browser plays on while the encoder is lost and comes back, as it was and with a picture of another size. It
// never stands still for longer than a segment.
func TestBrowserPlaysThroughALoss(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	const segment = 2 * time.Second
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {segment: 2s}"))
	media, larger := rt.Media(t), rt.Media(t, rt.Size(960, 540))
	pub := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	rt.Eventually(t, patient, "a playlist", func() bool {
		code, _ := r.Get(t, "/hls/main/index.m3u8")
		return code == http.StatusOK
	})
	v := watch(t, "http://"+r.HTTP+"/watch/main")
	rt.Eventually(t, patient, "the browser to play", func() bool { return v.look(t).Time > 1 })

	v.play(t, 6*time.Second)
	for _, next := range []string{media, larger, media} {
		pub.Kill()
		awaitHold(t, r)
		v.play(t, 8*time.Second)
		pub = rt.Publish(t, r.PublishURL(), next, rt.Loop())
		v.play(t, 12*time.Second)
		if now, want := v.look(t).Width, map[string]int{media: 640, larger: 960}[next]; now != want {
			t.Errorf("the browser shows a picture of %d pixels, want %d", now, want)
		}
	}
	pub.Stop()
	t.Logf("played for %v, %.1f s of it, stood still for %v at most", v.watched.Round(time.Second), v.played, v.still.Round(10*time.Millisecond))
	if v.still > segment {
		t.Errorf("the browser stood still for %v, want a segment of %v at most", v.still, segment)
	}
	if missed := v.watched.Seconds() - v.played; missed > 3*segment.Seconds() { // one for each loss
		t.Errorf("of %v the browser played %.1f s", v.watched, v.played)
	}
}
