package hls_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/hls"
	"github.com/restreamd/restreamd/relay/process"
	"github.com/restreamd/restreamd/relay/relaytest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestRecipeArguments(t *testing.T) {
	for part := range 2 {
		job, err := hls.Recipe{Dir: "/var/lib/100%/hls", Segment: 2 * time.Second, Window: 6}.Job(
			ffmpeg.Attempt{Stream: "main", Session: first, Part: part})
		if err != nil {
			t.Fatal(err)
		}
		args, err := job.Args()
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(args, "\n") + "\n"
		golden := filepath.Join("testdata", fmt.Sprintf("part%d.golden", part))
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := get(t, golden); got != want {
			t.Errorf("the arguments changed; run with -update if that is meant\n got %s\nwant %s", got, want)
		}
		if !job.RollOnHeader || job.DieWithParent || len(job.Dirs) != 1 || len(job.Watch) != 1 {
			t.Errorf("job: %+v", job)
		}
	}
}

// A child that is killed leaves a playlist that plays, and the next one goes on with it.
func TestNextChildTakesOver(t *testing.T) {
	dir := t.TempDir()
	media := relaytest.Media(t)
	recipe := hls.Recipe{Dir: dir, Segment: time.Second, Window: 20}
	index := filepath.Join(dir, "main", firstName, "index.m3u8")

	killed := packageFile(t, recipe, 0, media, func() bool {
		b, _ := os.ReadFile(index)
		return strings.Count(string(b), "#EXTINF") >= 3
	})
	if killed.Signal == 0 {
		t.Fatalf("the first child was not killed: %v %q", killed, killed.Lines)
	}
	before := parse(t, index)
	if before.ended || len(before.segments) < 3 {
		t.Fatalf("after the kill: %+v", before)
	}
	if got := pictures(t, before, filepath.Dir(index)); len(got) < 60 {
		t.Errorf("%d pictures play after the kill", len(got))
	}

	if exit := packageFile(t, recipe, 1, media, nil); exit.Code != 0 {
		t.Fatalf("the second child: %v %q", exit, exit.Lines)
	}
	after := parse(t, index)
	if after.sequence != before.sequence || !slices.Equal(after.segments[:len(before.segments)], before.segments) {
		t.Errorf("the second child changed what was there:\n%+v\n%+v", before, after)
	}
	if want := []int{0, len(before.segments)}; !slices.Equal(after.breaks, want) {
		t.Errorf("discontinuities before segments %v, want %v", after.breaks, want)
	}
	if after.ended {
		t.Error("the playlist was ended by a child")
	}
	if !slices.IsSorted(after.segments) || len(slices.Compact(slices.Clone(after.segments))) != len(after.segments) {
		t.Errorf("names return: %v", after.segments)
	}
	for _, name := range after.segments {
		path := filepath.Join(filepath.Dir(index), name)
		if !beginsWithKeyframe(t, path) {
			t.Errorf("%s does not begin with a keyframe", name)
		}
		if w := ask(dir, "GET", "main", name, nil); w.Code != 200 {
			t.Errorf("the handler answers %d for %s", w.Code, name)
		}
	}
	got := pictures(t, after, filepath.Dir(index))
	if want := relaytest.VideoHashesAnnexB(t, media); len(got) <= len(want) || !slices.Equal(got[len(got)-len(want):], want) {
		t.Errorf("the second part holds other pictures than its media: %d in all, the media has %d", len(got), len(want))
	}
}

// packageFile runs a packaging child. With a condition the child is fed no further than it takes to meet it and killed.
func packageFile(t *testing.T, r hls.Recipe, part int, media string, kill func() bool) process.Exit {
	t.Helper()
	job, err := r.Job(ffmpeg.Attempt{Stream: "main", Session: first, Part: part, Audio: true, Video: true})
	if err != nil {
		t.Fatal(err)
	}
	args, err := job.Args()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range job.Dirs {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pid := make(chan int, 1)
	return process.Run(t.Context(), process.Spec{
		Path: "ffmpeg", Args: args, Env: ffmpeg.Env(), Started: func(n int) { pid <- n },
		Feed: func(ctx context.Context, stdin *os.File) error {
			f, err := os.Open(media)
			if err != nil {
				return err
			}
			defer f.Close()
			if _, err := io.Copy(stdin, f); err != nil || kill == nil {
				return err
			}
			return killWhen(ctx, <-pid, kill)
		},
	})
}
