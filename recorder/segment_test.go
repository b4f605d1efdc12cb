package recorder_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// Which parts become one file: lengths in tenths of a second, a negative one of other headers, 0 one in which nothing
// plays.
func TestSegments(t *testing.T) {
	for name, c := range map[string]struct {
		segment time.Duration
		parts   []int
		want    []int // parts in each file
	}{
		"no segments":                 {0, []int{600, 600, 600}, []int{3}},
		"each its own":                {time.Minute, []int{600, 600, 250}, []int{1, 1, 1}},
		"a keyframe early":            {time.Minute, []int{595, 600}, []int{1, 1}},
		"too early":                   {time.Minute, []int{594, 600}, []int{2}},
		"a child died":                {time.Minute, []int{600, 250, 350, 600}, []int{1, 2, 1}},
		"it died often":               {time.Minute, []int{100, 100, 100, 100, 100, 100, 600}, []int{6, 1}},
		"other headers":               {time.Minute, []int{300, -600, -600, 100}, []int{1, 1, 1, 1}},
		"one that does not play":      {time.Minute, []int{300, 0, 300}, []int{1, 1}},
		"longer than it should be":    {time.Minute, []int{1800, 100}, []int{1, 1}},
		"short ones after a long one": {time.Minute, []int{700, 10, 20, 30}, []int{1, 3}},
		"nothing":                     {time.Minute, nil, nil},
	} {
		if got := recorder.Runs(c.parts, c.segment); !slices.Equal(got, c.want) {
			t.Errorf("%s: files of %v parts, want %v", name, got, c.want)
		}
	}
}

// Segments stay files, what a killed child left is joined within one, and no packet is missing from one to the next.
func TestSegmentsOfATake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	media := short(t)
	var all []string
	for range 5 {
		record(t, dir, media)
		all = append(all, media)
	}
	b := newBench(dir, runFFmpeg)
	b.Form = func(string) recorder.Form { return recorder.Form{Segment: 4 * time.Second} }
	b.Session("main", start)
	base := filepath.Join(dir, "main", startName)
	files := []string{base + ".mp4", base + ".part3.mp4", base + ".part5.mp4"}
	allWell(t, b.serve(t), files...)
	if got, want := hashes(t, relaytest.VideoHashes, files...), hashes(t, relaytest.VideoHashes, all...); !slices.Equal(got, want) {
		t.Errorf("%d video packets, want the same %d", len(got), len(want))
	}
	if got, want := hashes(t, relaytest.AudioHashes, files...), hashes(t, relaytest.AudioHashes, all...); !slices.Equal(got, want) {
		t.Errorf("%d audio packets, want the same %d", len(got), len(want))
	}
	if err := b.All(); err != nil {
		t.Fatal(err)
	}
	if again := b.serve(t); len(again) > 0 {
		t.Errorf("finished again: %v", again)
	}
}
