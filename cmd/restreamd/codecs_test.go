package main_test

import (
	"fmt"
	"testing"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// What the installed ffmpeg cannot carry ends the publish, with the codec and the version it takes.
func TestCodecsNotCarried(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t, rt.StreamConfig(quiet))
	var major, minor int
	if _, err := fmt.Sscanf(snapshot(t, r).FFmpeg, "%d.%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		kind         uint8
		body         string
		major, minor int
	}{
		"HEVC": {rt.KindVideo, "\x90hvc1\x01", 6, 1},
		"AV1":  {rt.KindVideo, "\x90av01\x81", 6, 1},
		"VP9":  {rt.KindVideo, "\x90vp09\x01", 6, 1},
		"Opus": {rt.KindAudio, "\x90OpusOpusHead", 8, 0},
		"FLAC": {rt.KindAudio, "\x90fLaCfLaC", 8, 0},
		"AC-3": {rt.KindAudio, "\x90ac-3\x0b\x77", 8, 0},
	} {
		if major > tc.major || major == tc.major && minor >= tc.minor {
			continue // this ffmpeg carries it
		}
		e := dial(t, r.PublishURL())
		if err := e.Send(tc.kind, 0, []byte(tc.body)); err != nil {
			t.Fatal(err)
		}
		awaitLog(t, r, "publisher refused", `"code":"codec"`, `"key":"studio"`,
			fmt.Sprintf("codec %s needs ffmpeg %d.%d", name, tc.major, tc.minor))
		rt.Eventually(t, soon, "the publisher to be gone", func() bool { return publisherKey(t, r) == "" })
	}
}
