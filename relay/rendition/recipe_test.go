package rendition_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/flv"
	"github.com/restreamd/restreamd/relay/relaytest"
	"github.com/restreamd/restreamd/relay/rendition"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestArguments(t *testing.T) {
	audioOnly := ffmpeg.Attempt{Audio: true}
	for name, c := range map[string]struct {
		settings rendition.Settings
		attempt  ffmpeg.Attempt
	}{
		"720p":         {rendition.Settings{Height: 720, FPS: 30, VideoBitrate: 3_000_000}, live},
		"source":       {rendition.Settings{GOP: 2 * time.Second, CopyAudio: true}, live},
		"copyvideo":    {rendition.Settings{CopyVideo: true, AudioBitrate: 160_000, AudioRate: 44_100}, live},
		"audioonly":    {rendition.Settings{Height: 720}, audioOnly},
		"videoonly":    {rendition.Settings{Width: 640, Height: 640, Preset: "fast"}, ffmpeg.Attempt{Video: true}},
		"nvenc":        {rendition.Settings{Encoder: "h264_nvenc"}, live},
		"vaapi":        {rendition.Settings{Encoder: "h264_vaapi"}, live},
		"qsv":          {rendition.Settings{Encoder: "h264_qsv", Preset: "medium"}, live},
		"videotoolbox": {rendition.Settings{Encoder: "h264_videotoolbox"}, live},
	} {
		job, err := rendition.Recipe{Settings: c.settings}.Job(c.attempt)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		args, err := job.Args()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := strings.Join(args, "\n") + "\n"
		golden := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := string(read(t, golden)); got != want {
			t.Errorf("%s changed; run with -update if that is meant\n got %s\nwant %s", name, got, want)
		}
		if roll := c.attempt.Video && !c.settings.CopyVideo; job.RollOnHeader != roll || !job.DieWithParent {
			t.Errorf("%s: RollOnHeader %v, want %v; DieWithParent %v", name, job.RollOnHeader, roll, job.DieWithParent)
		}
	}
}

func TestRefused(t *testing.T) {
	for want, s := range map[string]rendition.Settings{
		"nothing to encode":     {CopyVideo: true, CopyAudio: true},
		"size -2x0":             {Width: -2},
		"size 0x9000":           {Height: 9000},
		"-1 frames a second":    {FPS: -1},
		"0.5 frames a second":   {FPS: 0.5},
		"video bitrate of 3000": {VideoBitrate: 3000},
		"keyframes every 2m0s":  {GOP: 2 * time.Minute},
		"audio bitrate of 128 ": {AudioBitrate: 128},
		"44 Hz":                 {AudioRate: 44},
		"9 channels":            {Channels: 9},
		"choose one of libx264": {Encoder: "x264"},
		"h264_vaapi has none":   {Encoder: "h264_vaapi", Preset: "fast"},
		`preset "very fast"`:    {Preset: "very fast"},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q in it", s, err, want)
		}
		if _, err := (rendition.Recipe{Settings: s}).Job(live); err == nil {
			t.Errorf("%+v: made a job", s)
		}
	}
	if _, err := (rendition.Recipe{}).Job(ffmpeg.Attempt{}); err == nil {
		t.Error("made a job of nothing")
	}
	if err := (rendition.Settings{}).Validate(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
}

func TestSize(t *testing.T) {
	media := read(t, relaytest.Media(t, relaytest.Duration(time.Second))) // 640x360
	for _, c := range []struct {
		settings rendition.Settings
		want     string
	}{
		{rendition.Settings{}, "640x360"},
		{rendition.Settings{Height: 180}, "320x180"},
		{rendition.Settings{Width: 1920, Height: 1080}, "640x360"},
		{rendition.Settings{Width: 200, Height: 200}, "200x112"},
		{rendition.Settings{Width: 333}, "332x186"},
	} {
		made := filepath.Join(t.TempDir(), "made.flv")
		if err := os.WriteFile(made, encode(t, c.settings, live, media).raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries",
			"stream=width,height", "-of", "csv=p=0:s=x", made); got != c.want {
			t.Errorf("%+v: %s, want %s", c.settings, got, c.want)
		}
		if got := ask(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries",
			"stream=profile,pix_fmt", "-of", "csv=p=0", made); got != "High,yuv420p" {
			t.Errorf("%+v: %s", c.settings, got)
		}
	}
}

// Keyframes of the rendition are exactly those of the source, also where frames are dropped and the distance between
// keyframes is odd.
func TestKeyframesAreTheSources(t *testing.T) {
	odd := 31*time.Second/30 + time.Millisecond
	media := read(t, relaytest.Media(t, relaytest.Duration(6*time.Second), relaytest.GOP(odd)))
	want := parse(t, media).keyframes()
	if len(want) < 5 {
		t.Fatalf("only %d keyframes to compare", len(want))
	}
	for fps, least := range map[float64]int{0: 180, 30: 180, 15: 90} {
		made := encode(t, rendition.Settings{Height: 180, FPS: fps}, live, media)
		if got := made.keyframes(); !same(got, want) {
			t.Errorf("at %v frames a second keyframes at %v ms, want %v", fps, got, want)
		}
		if n := len(made.video); n < least || n > least+5 {
			t.Errorf("at %v frames a second %d frames of %d", fps, n, 180)
		}
	}
}

func TestGOP(t *testing.T) {
	media := read(t, relaytest.Media(t, relaytest.Duration(6*time.Second), relaytest.GOP(5*time.Second)))
	unknown := live
	unknown.FPS = 0
	for name, a := range map[string]ffmpeg.Attempt{"known": live, "unknown": unknown} {
		keys := encode(t, rendition.Settings{Height: 180, GOP: 2 * time.Second}, a, media).keyframes()
		found := false
		for i, at := range keys {
			found = found || at == 5000
			if i > 0 && at-keys[i-1] > 2000 {
				t.Errorf("%s: keyframes at %v ms are more than 2 s apart", name, keys)
			}
		}
		if !found || name == "known" && !same(keys, []int64{0, 2000, 4000, 5000}) {
			t.Errorf("%s: keyframes at %v ms, and the source has one at 5000", name, keys)
		}
	}
}

// A gap of some seconds is neither filled nor closed, and the frames around it keep their times.
func TestGapSurvives(t *testing.T) {
	const from, jump = 3000, 20_000
	media := shift(t, read(t, relaytest.Media(t, relaytest.Duration(6*time.Second))), from, jump)
	source := parse(t, media)
	made := encode(t, rendition.Settings{Height: 180, FPS: 30}, live, media)
	if len(made.video) != len(source.video) {
		t.Fatalf("%d frames of %d", len(made.video), len(source.video))
	}
	for i, f := range made.video {
		if d := f.at - made.video[0].at - (source.video[i].at - source.video[0].at); d < -1 || d > 1 {
			t.Fatalf("frame %d is %d ms off", i, d)
		}
	}
	if extra := len(made.audio) - len(source.audio); extra < 0 || extra > 2 {
		t.Errorf("%d packets of audio of %d", len(made.audio), len(source.audio))
	}
}

// shift adds a jump to all timestamps from a time on, in milliseconds.
func shift(t *testing.T, file []byte, from, jump int64) []byte {
	b := flv.AppendHeader(nil, true, true)
	for _, p := range packets(t, file) {
		if p.DTS >= from {
			p.DTS += jump
		}
		b = flv.AppendTagHeader(b, p.Kind, len(p.Body), p.DTS)
		b = flv.AppendTrailer(append(b, p.Body...), len(p.Body))
	}
	return b
}

func TestBitrate(t *testing.T) {
	media := read(t, relaytest.Media(t, relaytest.Bitrate(2500)))
	for _, bitrate := range []int64{400_000, 800_000} {
		made := encode(t, rendition.Settings{VideoBitrate: bitrate}, live, media)
		total := 0
		for _, f := range made.video {
			total += 8 * f.size
		}
		seconds := float64(made.video[len(made.video)-1].at-made.video[0].at) / 1000
		if got := float64(total) / seconds; got < 0.85*float64(bitrate) || got > 1.15*float64(bitrate) {
			t.Errorf("%.0f bit/s, want %d within 15 %%", got, bitrate)
		}
	}
}

func TestTracks(t *testing.T) {
	video := read(t, relaytest.Media(t, relaytest.Duration(2*time.Second), relaytest.VideoOnly()))
	if c := encode(t, rendition.Settings{Height: 180}, ffmpeg.Attempt{Video: true}, video); len(c.video) != 60 || len(c.audio) != 0 {
		t.Errorf("video alone: %d frames and %d packets of audio", len(c.video), len(c.audio))
	}
	audio := read(t, relaytest.Media(t, relaytest.Duration(2*time.Second), relaytest.AudioOnly()))
	if c := encode(t, rendition.Settings{Height: 180}, ffmpeg.Attempt{Audio: true}, audio); len(c.video) != 0 || len(c.audio) < 93 {
		t.Errorf("audio alone: %d frames and %d packets of audio", len(c.video), len(c.audio))
	}
	both := read(t, relaytest.Media(t, relaytest.Duration(2*time.Second)))
	source := parse(t, both)
	if c := encode(t, rendition.Settings{CopyVideo: true, AudioBitrate: 64_000}, live, both); !same(sizes(c.video), sizes(source.video)) || same(sizes(c.audio), sizes(source.audio)) {
		t.Error("CopyVideo re-encodes video, or copies audio")
	}
	if c := encode(t, rendition.Settings{CopyAudio: true, Height: 180}, live, both); same(sizes(c.video), sizes(source.video)) || !same(sizes(c.audio), sizes(source.audio)) {
		t.Error("CopyAudio re-encodes audio, or copies video")
	}
}

func sizes(frames []frame) []int64 {
	var all []int64
	for _, f := range frames {
		all = append(all, int64(f.size))
	}
	return all
}

// same compares times that were rounded to a millisecond.
func same(a, b []int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if d := a[i] - b[i]; d < -1 || d > 1 {
			return false
		}
	}
	return true
}
