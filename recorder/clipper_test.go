package recorder_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// clip makes one of a take that does not go on: it is taken as it is, when the patience is over.
func clip(t *testing.T, dir string, length time.Duration) string {
	t.Helper()
	c := recorder.Clipper{Dir: dir, Run: runFFmpeg}
	made, err := c.Clip(t.Context(), "main", start, length)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, made.File)
	if info, err := os.Stat(name); err != nil || info.Size() != made.Bytes || filepath.Dir(made.File) != filepath.Join("main", "clips") {
		t.Errorf("clip: %+v, %v", made, err)
	}
	if left := names(t, filepath.Dir(name)); slices.Contains(left, ".making") {
		t.Errorf("left behind: %q", left)
	}
	if fragmented, err := recorder.IsFragmented(name); err != nil || fragmented {
		t.Errorf("fragmented %v, %v", fragmented, err)
	}
	return name
}

// A clip is the end of a take, of several parts if that is what it takes.
func TestClipOfParts(t *testing.T) {
	t.Parallel()
	media := relaytest.Media(t)
	pictures, sounds := relaytest.VideoHashes(t, media), relaytest.AudioHashes(t, media)
	dir := t.TempDir()
	killed := recordAndKill(t, dir, media)
	firstPart := relaytest.VideoHashes(t, killed)
	record(t, dir, media)
	for seconds, want := range map[int][]string{
		1: pictures[7*30:],
		3: pictures[5*30:],
		8: pictures,
	} {
		t.Run(time.Duration(seconds*1e9).String(), func(t *testing.T) {
			t.Parallel()
			own := t.TempDir()
			copyTree(t, dir, own)
			name := clip(t, own, time.Duration(seconds)*time.Second)
			if got := relaytest.VideoHashes(t, name); !slices.Equal(got, want) {
				t.Errorf("%d pictures, want the last %d", len(got), len(want))
			}
			if got := relaytest.AudioHashes(t, name); len(got) == 0 || !slices.Equal(got, sounds[len(sounds)-len(got):]) {
				t.Errorf("%d packets of sound that are not the last", len(got))
			}
			plays(t, name)
		})
	}
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		own := t.TempDir()
		copyTree(t, dir, own)
		name := clip(t, own, time.Hour)
		got := relaytest.VideoHashes(t, name)
		n := len(got) - len(pictures)
		if n < 60 || n > len(firstPart) || !slices.Equal(got[n:], pictures) || !slices.Equal(got[:n], firstPart[:n]) {
			t.Errorf("%d pictures: %d of the first part, which has %d", len(got), n, len(firstPart))
		}
		plays(t, name)
	})
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// What cannot be one file with the newest part ends the way back: other headers, and parts that were finished.
func TestClipGoesBackAsFarAsItCan(t *testing.T) {
	t.Parallel()
	media, other := short(t), short(t, relaytest.Size(320, 180))
	for name, prepare := range map[string]func(dir string){
		"other headers": func(dir string) { record(t, dir, other) },
		"finished": func(dir string) {
			record(t, dir, media)
			b := newBench(dir, runFFmpeg)
			b.Session("main", start)
			b.serve(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			prepare(dir)
			record(t, dir, media)
			write(t, nil, dir, "main", startName+".part3.mp4") // of a child that was just started
			if got, want := relaytest.VideoHashes(t, clip(t, dir, time.Minute)), relaytest.VideoHashes(t, media); !slices.Equal(got, want) {
				t.Errorf("%d pictures, want %d", len(got), len(want))
			}
		})
	}
}

// Fragments have 2 s at most, keyframes may be further apart: a clip begins with one all the same.
func TestClipBeginsWithAKeyframe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	media := relaytest.Media(t, relaytest.Duration(12*time.Second), relaytest.Size(256, 144), relaytest.Bitrate(300), relaytest.GOP(6*time.Second))
	record(t, dir, media)
	name := clip(t, dir, time.Second)
	if got, want := relaytest.VideoHashes(t, name), relaytest.VideoHashes(t, media)[6*30:]; !slices.Equal(got, want) {
		t.Errorf("%d pictures, want the last %d", len(got), len(want))
	}
	plays(t, name)
}

func TestClipOfSound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	media := relaytest.Media(t, relaytest.AudioOnly())
	record(t, dir, media)
	got, all := relaytest.AudioHashes(t, clip(t, dir, 3*time.Second)), relaytest.AudioHashes(t, media)
	if least := 3 * 48000 / 1024; len(got) < least || len(got) > 2*least || !slices.Equal(got, all[len(all)-len(got):]) {
		t.Errorf("%d packets, want about the last %d", len(got), least)
	}
}

// Whatever keeps a clip from being made leaves nothing behind.
func TestNoClip(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	for name, c := range map[string]struct {
		run  func(context.Context, ffmpeg.Job) error
		room func(int64) error
		want error
	}{
		"no room":      {run: runFFmpeg, room: func(int64) error { return full }, want: full},
		"ffmpeg fails": {run: func(context.Context, ffmpeg.Job) error { return full }, want: full},
		"ffmpeg lies":  {run: func(context.Context, ffmpeg.Job) error { return nil }, want: os.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := record(t, dir, short(t))
			write(t, nil, dir, "main", "clips", ".making", "of an earlier run")
			clipper := recorder.Clipper{Dir: dir, Run: c.run, Room: c.room}
			if _, err := clipper.Clip(t.Context(), "main", start, time.Second); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if all := names(t, filepath.Dir(file)); len(all) != 2 {
				t.Errorf("files: %q", all)
			}
			if c.room == nil && len(names(t, filepath.Join(dir, "main", "clips"))) > 0 {
				t.Error("something is left")
			}
		})
	}
	t.Run("nothing recorded", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		clipper := recorder.Clipper{Dir: dir, Run: runFFmpeg}
		if _, err := clipper.Clip(t.Context(), "main", start, time.Second); !errors.Is(err, recorder.ErrNoTake) {
			t.Error(err)
		}
		write(t, nil, dir, "main", startName+".mp4")
		if _, err := clipper.Clip(t.Context(), "main", start, time.Second); !errors.Is(err, recorder.ErrNoTake) {
			t.Error(err)
		}
	})
	t.Run("nobody waits", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		record(t, dir, short(t))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		clipper := recorder.Clipper{Dir: dir, Run: runFFmpeg}
		if _, err := clipper.Clip(ctx, "main", start, time.Second); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// Clips of one second have names of their own.
func TestClipNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	record(t, dir, short(t))
	first := clip(t, dir, time.Second)
	stem := strings.TrimSuffix(filepath.Base(first), ".mp4")
	if _, err := time.Parse("2006-01-02T15-04-05Z", stem); err != nil {
		t.Error(err)
	}
	got, err := recorder.SettleClip(write(t, nil, dir, "made"), strings.TrimSuffix(first, ".mp4"))
	if err != nil || got != strings.TrimSuffix(first, ".mp4")+"-2.mp4" || size(first) == 0 {
		t.Errorf("%s, %v", got, err)
	}
}
