package ffmpeg_test

import (
	"context"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

func TestProbeEncoder(t *testing.T) {
	needFFmpeg(t)
	if err := ffmpeg.ProbeEncoder(t.Context(), "", "libx264"); err != nil {
		t.Error(err)
	}
	err := ffmpeg.ProbeEncoder(t.Context(), "", "h264_nonsense")
	if err == nil || !strings.Contains(err.Error(), "Unknown encoder") || !strings.Contains(err.Error(), "libx264") {
		t.Errorf("of an encoder nobody has: %v", err)
	}
}

func TestProbeEncoderTellsWhy(t *testing.T) {
	for name, c := range map[string]struct{ path, encoder, want string }{
		"driver":     {fake(t, "echo Cannot load libcuda.so.1 >&2; echo Conversion failed >&2; exit 1"), "h264_nvenc", "h264_nvenc does not work here: Cannot load libcuda.so.1; "},
		"no words":   {fake(t, "exit 3"), "h264_qsv", "exit 3"},
		"no ffmpeg":  {"/nonexistent/ffmpeg", "libx264", "no such file"},
		"bad name":   {"", "a\nb", "control character"},
		"vaapi node": {fake(t, `case "$*" in *"-vaapi_device /dev/dri/renderD128"*) echo named; esac >&2; exit 1`), "h264_vaapi", "named"},
	} {
		if err := ffmpeg.ProbeEncoder(t.Context(), c.path, c.encoder); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ffmpeg.ProbeEncoder(cancelled, fake(t, "exec sleep 60"), "libx264"); err == nil {
		t.Error("no answer, no error")
	}
}
