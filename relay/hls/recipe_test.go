package hls_test

import (
	"context"
	"flag"
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

// weird is a folder whose name means something to ffmpeg.
const weird = "/var/lib/100%/hls"

func TestRecipeArguments(t *testing.T) {
	for name, c := range map[string]struct {
		recipe  ffmpeg.Recipe
		attempt ffmpeg.Attempt
	}{
		"ts":    {hls.Recipe{Dir: weird, Segment: 2 * time.Second}, ffmpeg.Attempt{}},
		"later": {hls.Recipe{Dir: weird, Segment: 1500 * time.Millisecond}, ffmpeg.Attempt{Part: 1, Begin: 3605500 * time.Millisecond, VideoCodec: "avc1"}},
		"fmp4":  {hls.Recipe{Dir: weird, Segment: 2 * time.Second, Type: hls.FMP4}, ffmpeg.Attempt{VideoCodec: "avc1"}},
		"hevc":  {hls.Recipe{Dir: weird, Segment: 2 * time.Second, Type: hls.Auto}, ffmpeg.Attempt{VideoCodec: "hvc1"}},
		"dash":  {hls.DASHRecipe{Dir: weird, Segment: 2 * time.Second, Window: 6}, ffmpeg.Attempt{}},
	} {
		a := c.attempt
		a.Stream, a.Session, a.Zero, a.Audio, a.Video = "main", first, first.Add(42*time.Millisecond), true, true
		job, err := c.recipe.Job(a)
		if err != nil {
			t.Fatal(err)
		}
		args, err := job.Args()
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(args, "\n") + "\n"
		golden := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := get(t, golden); got != want {
			t.Errorf("the arguments changed; run with -update if that is meant\n got %s\nwant %s", got, want)
		}
		if !job.RollOnHeader || job.DieWithParent || job.Pace == 0 || len(job.Dirs) != 1 || len(job.Watch) != 1 {
			t.Errorf("job: %+v", job)
		}
	}
}

// A child that is killed leaves a playlist that plays, and the next one goes on with it.
func TestNextChildTakesOver(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{hls.TS, hls.FMP4} {
		t.Run(kind, func(t *testing.T) { takeOver(t, kind) })
	}
}

func takeOver(t *testing.T, kind string) {
	t.Parallel()
	dir := t.TempDir()
	media := relaytest.Media(t)
	recipe := hls.Recipe{Dir: dir, Segment: time.Second, Type: kind}
	composer := &hls.Composer{Dir: dir, Settings: func(string) hls.Settings { return hls.Settings{Window: 20, Keep: time.Hour} }}
	index := filepath.Join(dir, "main", firstName, "index.m3u8")

	killed := packageFile(t, recipe, 0, media, func() bool {
		if err := composer.Compose(time.Now()); err != nil {
			t.Error(err)
		}
		b, _ := os.ReadFile(index)
		return strings.Count(string(b), "#EXTINF") >= 3
	})
	if killed.Signal == 0 {
		t.Fatalf("the first child was not killed: %v %q", killed, killed.Lines)
	}
	before := parse(t, index)
	if before.ended || len(before.segments) < 3 || len(before.breaks) != 0 {
		t.Fatalf("after the kill: %+v", before)
	}

	if exit := packageFile(t, recipe, 1, media, nil); exit.Code != 0 {
		t.Fatalf("the second child: %v %q", exit, exit.Lines)
	}
	if err := composer.End("main", first); err != nil {
		t.Fatal(err)
	}
	after := parse(t, index)
	if after.sequence != before.sequence || !slices.Equal(after.segments[:len(before.segments)], before.segments) {
		t.Errorf("the second child changed what was there:\n%+v\n%+v", before, after)
	}
	if want := []int{len(before.segments)}; !slices.Equal(after.breaks, want) {
		t.Errorf("discontinuities before segments %v, want %v", after.breaks, want)
	}
	if !after.ended {
		t.Error("the playlist did not end")
	}
	if maps := 0; kind == hls.FMP4 {
		if maps = strings.Count(get(t, index), "#EXT-X-MAP"); maps != 2 {
			t.Errorf("%d init segments, want one for each child", maps)
		}
	}
	for _, name := range after.segments {
		if w := ask(dir, "GET", "main", name, nil); w.Code != 200 {
			t.Errorf("the handler answers %d for %s", w.Code, name)
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(after.segments)))) != len(after.segments) {
		t.Errorf("names return: %v", after.segments)
	}
	whole := filepath.Join(filepath.Dir(index), "show.m3u8")
	decodes(t, whole)
	got, want := relaytest.VideoHashesAnnexB(t, whole), relaytest.VideoHashesAnnexB(t, media)
	if len(got) <= len(want) || !slices.Equal(got[len(got)-len(want):], want) {
		t.Errorf("the second part holds other pictures than its media: %d in all, the media has %d", len(got), len(want))
	}
}

// packageFile runs a packaging child. With a condition the child is fed no further than it takes to meet it and killed.
func packageFile(t *testing.T, r hls.Recipe, part int, media string, kill func() bool) process.Exit {
	t.Helper()
	job, err := r.Job(ffmpeg.Attempt{
		Stream: "main", Session: first, Part: part, Audio: true, Video: true,
		Zero: first, Begin: time.Duration(part) * time.Minute,
	})
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
