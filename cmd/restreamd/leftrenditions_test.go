package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// After a relay was killed a rendition goes on with its session, however long the encoder took to return and however often
// the relay was killed meanwhile, as its source does: one playlist, of one show.
func TestRenditionOutlivesTheRelay(t *testing.T) {
	t.Parallel()
	opts := []rt.RelayOption{
		rt.ExtraConfig("encoders: {budget: 8}\nrenditions: {small: {width: 256, height: 144, video_bitrate: 200kbps, preset: ultrafast}}"),
		rt.StreamConfig("record: {enabled: false}\nhls: {segment: 1s, dvr: 1h, vod_keep: 1h, renditions: [small]}\nhold: {for: 5m}"),
	}
	const playlist = "/hls/main@small/index.m3u8"
	listed := func(r *rt.Relay) int {
		_, text := r.Get(t, playlist)
		return strings.Count(string(text), "#EXTINF")
	}
	r := rt.StartRelay(t, opts...)
	media := rt.Media(t)
	pub := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	rt.Eventually(t, patient, "the rendition's playlist", func() bool { return listed(r) > 1 })
	rt.Eventually(t, soon, "its session to be saved", func() bool { return savesRendition(t, r.Data) })
	before := listed(r)
	r.Kill()
	pub.Kill()

	again := append(opts, rt.InDir(r.Dir))
	r = rt.StartRelay(t, again...)
	begun := time.Now()
	rt.Eventually(t, patient, "the time after which a playlist that nobody writes is ended", func() bool { return time.Since(begun) > 12*time.Second })
	if !savesRendition(t, r.Data) {
		t.Error("the session is not saved while its encoder is gone")
	}
	r.Kill()

	r = rt.StartRelay(t, again...)
	pub = rt.Publish(t, r.PublishURL(), media, rt.Loop())
	rt.Eventually(t, patient, "the playlist to go on", func() bool { return listed(r) > before+2 })
	if text := get(t, r, playlist).body; strings.Count(text, "#EXT-X-DISCONTINUITY\n") != 1 || strings.Contains(text, "ENDLIST") {
		t.Errorf("the rendition's playlist:\n%s", text)
	}
	pub.Stop()
	if sessions, _ := filepath.Glob(filepath.Join(r.Data, "hls", "main@small", "*Z")); len(sessions) != 1 {
		t.Errorf("sessions %q, want one", sessions)
	}
}

func savesRendition(t *testing.T, data string) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "state", "sessions.json"))
	var all map[string]struct{ Renditions map[string]time.Time }
	return err == nil && json.Unmarshal(text, &all) == nil && !all["main"].Renditions["main@small"].IsZero()
}
