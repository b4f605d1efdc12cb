package relaytest_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/relaytest"
)

func TestMediaIsWhatItSays(t *testing.T) {
	for name, tc := range map[string]struct {
		opts         []relaytest.MediaOption
		video, audio int // packets: 30 frames a second, 1024 samples a frame of 48 kHz
	}{
		"default":    {nil, 240, 376},
		"short":      {[]relaytest.MediaOption{relaytest.Duration(2 * time.Second)}, 60, 95},
		"audio only": {[]relaytest.MediaOption{relaytest.AudioOnly()}, 0, 376},
		"video only": {[]relaytest.MediaOption{relaytest.VideoOnly()}, 240, 0},
	} {
		t.Run(name, func(t *testing.T) {
			path := relaytest.Media(t, tc.opts...)
			if got := len(relaytest.VideoHashes(t, path)); got != tc.video {
				t.Errorf("%d video packets, want %d", got, tc.video)
			}
			if got := len(relaytest.AudioHashes(t, path)); got < tc.audio-1 || got > tc.audio+1 {
				t.Errorf("%d audio packets, want about %d", got, tc.audio)
			}
		})
	}
}

func TestHashesSurviveRemuxing(t *testing.T) {
	source := relaytest.Media(t)
	for _, container := range []string{"mp4", "mkv"} {
		copied := remux(t, source, "copy."+container)
		if !slices.Equal(relaytest.VideoHashes(t, source), relaytest.VideoHashes(t, copied)) {
			t.Errorf("video in %s hashes differently", container)
		}
		if !slices.Equal(relaytest.AudioHashes(t, source), relaytest.AudioHashes(t, copied)) {
			t.Errorf("audio in %s hashes differently", container)
		}
	}
}

func TestAnnexBHashesSurviveRemuxing(t *testing.T) {
	source := relaytest.Media(t)
	want := relaytest.VideoHashesAnnexB(t, source)
	if len(want) != 240 {
		t.Fatalf("%d hashes, want one for each of 240 frames", len(want))
	}
	for _, name := range []string{"copy.mp4", "copy.ts", "index.m3u8"} {
		if !slices.Equal(want, relaytest.VideoHashesAnnexB(t, remux(t, source, name))) {
			t.Errorf("%s hashes differently", name)
		}
	}
}

func TestHashesTellMediaApart(t *testing.T) {
	a := relaytest.Media(t, relaytest.Duration(2*time.Second))
	b := relaytest.Media(t, relaytest.Duration(2*time.Second), relaytest.Size(320, 180))
	if slices.Equal(relaytest.VideoHashes(t, a), relaytest.VideoHashes(t, b)) {
		t.Error("two pictures, one list of hashes")
	}
	if slices.Equal(relaytest.VideoHashesAnnexB(t, a), relaytest.VideoHashesAnnexB(t, b)) {
		t.Error("two pictures, one list of Annex B hashes")
	}
}

func remux(t *testing.T, source, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args := []string{"-v", "error", "-nostdin", "-i", source, "-c", "copy"}
	if filepath.Ext(name) == ".m3u8" {
		args = append(args, "-hls_list_size", "0")
	}
	out, err := exec.Command("ffmpeg", append(args, path)...).CombinedOutput()
	if err != nil {
		t.Fatalf("remux: %v\n%s", err, out)
	}
	return path
}
