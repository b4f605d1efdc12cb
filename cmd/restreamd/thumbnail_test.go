package main_test

import (
	"bytes"
	"image/jpeg"
	"net/http"
	"strings"
	"testing"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// Whoever asks sees what is on, of the stream and of its renditions, and is told in words when nothing is. Nothing is
// left running.
func TestThumbnail(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {renditions: [180p]}"),
		rt.ExtraConfig("renditions: {180p: {height: 180, video_bitrate: 300k}}"))
	picture := func(stream string) (int, []byte) { return r.Get(t, "/api/v1/streams/"+stream+"/thumbnail.jpg") }
	if code, why := picture("main"); code != http.StatusNotFound || !strings.Contains(string(why), "off air") {
		t.Errorf("off air: %d %s", code, why)
	}
	if code, _ := picture("nothing"); code != http.StatusNotFound {
		t.Errorf("a stream that is not there: %d", code)
	}
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t, rt.Size(960, 540)), rt.Loop())
	for stream, width := range map[string]int{"main": 640, "main@180p": 320} {
		var text []byte
		rt.Eventually(t, patient, "a picture of "+stream, func() bool {
			code, body := picture(stream)
			text = body
			return code == http.StatusOK
		})
		if img, err := jpeg.Decode(bytes.NewReader(text)); err != nil || img.Bounds().Dx() != width {
			t.Errorf("%s: %v, want %d pixels", stream, err, width)
		}
	}
	for _, p := range rt.Children(r.Pid()) {
		if strings.Contains(strings.Join(p.Args, " "), "mjpeg") {
			t.Errorf("still there: %v", p)
		}
	}
	pub.Stop()
	rt.Eventually(t, patient, "the show to be over", func() bool {
		code, _ := picture("main")
		return code == http.StatusNotFound
	})
}
