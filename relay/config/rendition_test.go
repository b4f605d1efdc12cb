package config_test

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/config"
)

func TestLoadRenditions(t *testing.T) {
	dir := t.TempDir()
	cfg, err := config.Load(write(t, filepath.Join(dir, "c.yml"), `
streams: {main: {hls: {renditions: [720p, small, 720p]}}}
renditions:
  720p: {height: 720, video_bitrate: 3000k}
  small: {width: 640, height: 360, fps: 29.97, video_bitrate: 0.8Mbps, audio_bitrate: 96kbps, encoder: h264_nvenc, preset: p4, gop: 2s}
encoders: {budget: 3.2}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Rendition{
		{Name: "720p", Height: 720, VideoBitrate: 3_000_000, AudioBitrate: 128_000, Encoder: "libx264"},
		{Name: "small", Width: 640, Height: 360, FPS: 29.97, VideoBitrate: 800_000, AudioBitrate: 96_000, Encoder: "h264_nvenc", Preset: "p4", GOP: 2 * time.Second},
	}
	if !reflect.DeepEqual(cfg.Renditions, want) {
		t.Errorf("\n got %+v\nwant %+v", cfg.Renditions, want)
	}
	if got := cfg.Streams[0].HLS.Renditions; !reflect.DeepEqual(got, []string{"720p", "small"}) || cfg.Encoders.Budget != 3.2 {
		t.Errorf("HLS %q, encoders %+v", got, cfg.Encoders)
	}
	if got := cfg.Known(); !reflect.DeepEqual(got, config.Known{Streams: []string{"main"}, Renditions: []string{"720p", "small"}}) {
		t.Errorf("known: %+v", got)
	}
}

func TestLoadExplainsMistakesInRenditions(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"the picture", "renditions:\n  720p:\n    width: 1281\n    height: 20\n    fps: NaN\n    video_bitrate: 3000\n    gop: 2\n",
			"c.yml:3: renditions.720p.width: an odd number of pixels (write 1280 or 1282)\n" +
				"c.yml:4: renditions.720p.height: not a number in range (write a whole number from 64 to 4320)\n" +
				"c.yml:5: renditions.720p.fps: not a number in range (write one from 1 to 120)\n" +
				"c.yml:6: renditions.720p.video_bitrate: not a bitrate in range (write one from 100kbps to 100Mbps, with its unit, as in 100Mbps)\n" +
				"c.yml:7: renditions.720p.gop: not a duration in range (write one from 250ms to 20s, with its unit, as in 20s)"},
		{"the encoder", "renditions: {x: {encoder: libx265, preset: -y file}}\n",
			"c.yml:1: renditions.x.encoder: not one of the choices (write libx264, h264_nvenc, h264_vaapi, h264_qsv or h264_videotoolbox)\n" +
				"c.yml:1: renditions.x.preset: not a preset (write the encoder's own word, as in veryfast for libx264 or p4 for h264_nvenc)"},
		{"its name", "renditions: {main@720p: {height: 720}}\n",
			"c.yml:1: renditions: not a name of a rendition (use 1 to 64 of the characters A-Z a-z 0-9 _ -)"},
		{"nothing said", "renditions:\n  720p:\n", "c.yml:2: renditions.720p: says nothing (set height or video_bitrate at least)"},
		{"one nobody described", "renditions: {720p: {height: 720}}\nstreams: {main: {hls: {renditions: [480p]}}}\n",
			`c.yml:2: streams.main.hls.renditions: no rendition is named "480p" (did you mean 720p?)`},
		{"none described", "streams: {main: {hls: {renditions: [480p]}}}\n",
			`c.yml:1: streams.main.hls.renditions: there is no such rendition (restreamd.yml has none yet: describe it there under renditions)`},
		{"the budget", "encoders: {budget: 0}\n", "c.yml:1: encoders.budget: not a number in range (write one from 0.1 to 1024)"},
	} {
		dir := t.TempDir()
		_, err := config.Load(write(t, filepath.Join(dir, "c.yml"), c.content))
		if got := messages(err, dir); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}
