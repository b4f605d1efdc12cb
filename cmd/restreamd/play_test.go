package main_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// streams is what ffprobe finds at a URL: the codecs, track by track; else what it complains of.
func streams(t *testing.T, url string) (codecs, complaint string) {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command("ffprobe", "-hide_banner", "-show_entries", "stream=codec_name", "-of", "csv=p=0", url)
	cmd.Stderr = &stderr
	out, _ := cmd.Output() // a complaint says more than the exit code
	return strings.Join(strings.Fields(string(out)), " "), stderr.String()
}

// A stream that is live is played by its key, by a token for playing, and where that is permitted by its name.
func TestPlay(t *testing.T) {
	t.Parallel()
	const byName = quiet + "play: {loopback: true}"
	opts := append(withTokens(), rt.StreamConfig(byName))
	r := rt.StartRelay(t, opts...)
	guest, publishOnly := newToken(t, r, "--action", "play"), newToken(t, r)
	for name, url := range map[string]string{
		"by key": r.PublishURL(), "by token": streamURL(r, guest), "by name": streamURL(r, "main"),
	} {
		begun := time.Now()
		if codecs, why := streams(t, url); codecs != "" || !contains(why, "this stream is not live") {
			t.Errorf("%s, off air: found %q and said %q", name, codecs, why)
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("%s, off air: told after %v, want at once", name, took)
		}
	}

	pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	awaitLog(t, r, "publisher accepted")
	rt.Eventually(t, soon, "the stream to be live", func() bool { return snapshot(t, r).Streams[0].Live })
	for name, url := range map[string]string{
		"by key": r.PublishURL(), "by token": r.PublishURL() + "?token=" + guest, "by name": streamURL(r, "main"),
	} {
		if codecs, why := streams(t, url); codecs != "h264 aac" {
			t.Errorf("%s: found %q\n%s", name, codecs, why)
		}
	}
	for name, tc := range map[string]struct{ url, why string }{
		"token for publishing": {streamURL(r, publishOnly), "another stream, action or address"},
		"unknown key":          {streamURL(r, "guess"), "unknown stream key"},
	} {
		if codecs, why := streams(t, tc.url); codecs != "" || !contains(why, tc.why) {
			t.Errorf("%s: found %q and said %q, want %q", name, codecs, why, tc.why)
		}
	}

	reconfigure(t, r, append(withTokens(), rt.StreamConfig(quiet+"play: {keys: false}"))...)
	for name, tc := range map[string]struct{ url, why string }{
		"by name": {streamURL(r, "main"), "unknown stream key"},
		"by key":  {r.PublishURL(), "for publishing only"},
	} {
		if codecs, why := streams(t, tc.url); codecs != "" || !contains(why, tc.why) {
			t.Errorf("%s, not permitted: found %q and said %q, want %q", name, codecs, why, tc.why)
		}
	}
	pub.Stop()
}

// A player gets everything from its keyframe to the end, and nobody is slowed by it.
func TestPlayIsWhole(t *testing.T) {
	t.Parallel()
	media := rt.Media(t)
	want := rt.VideoHashes(t, media)
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.StreamConfig(quiet), rt.Destination("sink", destination(sink, "k")))
	pub := rt.Publish(t, r.PublishURL(), media)
	awaitVideo(t, sink, 30)
	played := filepath.Join(t.TempDir(), "played.flv")
	out, err := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-i", r.PublishURL(), "-c", "copy", "-f", "flv", played).CombinedOutput()
	if err != nil {
		t.Errorf("the player ended with %v\n%s", err, out)
	}
	tailOf(t, "played", rt.VideoHashes(t, played), want, gop)
	if code := pub.Wait(); code != 0 {
		t.Errorf("the encoder ended with %d", code)
	}
	sameHashes(t, "delivered", awaitGoodbye(t, sink).VideoHashes(), want)
	awaitLog(t, r, "player gone", `"code":"session_over"`)
}
