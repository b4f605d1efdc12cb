package ffmpeg_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

func TestProbe(t *testing.T) {
	needFFmpeg(t)
	caps, err := ffmpeg.Probe(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if caps.Version.Major < 4 || !caps.PresetPipe || len(caps.Missing()) != 0 {
		t.Errorf("version %s, presets on a pipe: %v, missing %q", caps.Version, caps.PresetPipe, caps.Missing())
	}
	if !caps.Encoders["aac"] || caps.Encoders["="] || caps.Protocols["Input:"] || !caps.Muxers["mpegts"] {
		t.Errorf("lists misread: %d encoders, %d protocols, %d muxers", len(caps.Encoders), len(caps.Protocols), len(caps.Muxers))
	}
}

// fake is an ffmpeg that prints what it is told to; FLAG stands for its first arguments.
func fake(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProbeVersions(t *testing.T) {
	for text, want := range map[string]string{
		"ffmpeg version 5.1.9-0+deb12u1 Copyright (c)":                               "5.1",
		"ffmpeg version n6.1.1 Copyright (c)":                                        "6.1",
		"ffmpeg version 8.0 Copyright (c)":                                           "8.0",
		"ffmpeg version N-109741-gbbe95f7353 Copyright\nlibavformat    60.  3.100":   "6.0",
		"ffmpeg version 2024-02-01-git-x-full Copyright\nlibavformat    60. 20.100 ": "6.1",
		"ffmpeg version git-unknown Copyright":                                       "0.0",
	} {
		caps, err := ffmpeg.Probe(t.Context(), fake(t, "printf '"+strings.ReplaceAll(text, "\n", `\n`)+`\n'`))
		if got := fmt.Sprintf("%d.%d", caps.Version.Major, caps.Version.Minor); got != want || err != nil {
			t.Errorf("%q: %s, want %s; %v", text, got, want, err)
		}
		if caps.PresetPipe || len(caps.Missing()) == 0 {
			t.Errorf("%q: an ffmpeg that can do nothing passes: missing %q", text, caps.Missing())
		}
	}
}

func TestProbeErrorsSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct{ path, want string }{
		"missing": {"/nonexistent/ffmpeg", "make run"},
		"other":   {fake(t, "echo something else"), "is it really ffmpeg?"},
		"old":     {fake(t, "echo ffmpeg version 4.1.11 Copyright"), "4.4 or later is needed"},
		"broken":  {fake(t, "echo libavcodec.so.59: cannot open >&2; exit 127"), "libavcodec.so.59"},
	} {
		if _, err := ffmpeg.Probe(t.Context(), c.path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}

func at(major, minor int) ffmpeg.Capabilities {
	text := fmt.Sprintf("%d.%d", major, minor)
	return ffmpeg.Capabilities{Version: ffmpeg.Version{Major: major, Minor: minor, Text: text}}
}

func TestCanFLV(t *testing.T) {
	for _, c := range []struct {
		codec        string
		major, minor int
		want         string // in the error; empty: no error
	}{
		{"avc1", 5, 1, ""}, {"mp4a", 5, 1, ""}, {".mp3", 0, 0, ""},
		{"hvc1", 5, 1, "codec HEVC needs ffmpeg 6.1 or later, this is 5.1"}, {"hvc1", 6, 0, "HEVC"}, {"hvc1", 6, 1, ""},
		{"av01", 5, 1, "AV1"}, {"vp09", 7, 0, ""}, {"Opus", 7, 1, "Opus needs ffmpeg 8.0"}, {"Opus", 8, 0, ""},
		{"wxyz", 8, 0, "wxyz"},
	} {
		err := at(c.major, c.minor).CanFLV(c.codec)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s on %d.%d: %v, want %q", c.codec, c.major, c.minor, err, c.want)
		}
	}
}

func TestReadsTag(t *testing.T) {
	for _, c := range []struct {
		kind uint8
		body string
		want [3]bool // on 5.1, 7.1, 8.0
	}{
		{18, "\x02\x00\x0aonMetaData", [3]bool{true, true, true}},
		{9, "\x17\x01\x00\x00\x00", [3]bool{true, true, true}},   // H.264
		{8, "\xaf\x01", [3]bool{true, true, true}},               // AAC
		{9, "\x90hvc1", [3]bool{false, true, true}},              // HEVC sequence start
		{9, "\x90avc1", [3]bool{false, false, true}},             // H.264 with an enhanced header
		{9, "\x94hvc1", [3]bool{false, false, true}},             // HDR metadata
		{9, "\x96\x01avc1\x01", [3]bool{false, false, true}},     // multitrack
		{8, "\x95\x01mp4a\x01\x21", [3]bool{false, false, true}}, // multitrack
		{9, "\x90", [3]bool{false, false, true}}, {9, "", [3]bool{true, true, true}},
	} {
		got := [3]bool{at(5, 1).ReadsTag(c.kind, []byte(c.body)), at(7, 1).ReadsTag(c.kind, []byte(c.body)), at(8, 0).ReadsTag(c.kind, []byte(c.body))}
		if got != c.want {
			t.Errorf("tag %d %q: %v, want %v", c.kind, c.body, got, c.want)
		}
	}
}
