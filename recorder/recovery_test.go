package recorder_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// recovered runs a Recovery and returns a line for each file: its name, what it was, and what it became.
func recovered(t *testing.T, dir string) (lines []string) {
	t.Helper()
	rel := func(file string) string {
		if file == "" {
			return "-"
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			t.Error(err)
		}
		return strings.ReplaceAll(name, startName, "S")
	}
	err := recorder.Recovery{Run: runFFmpeg, Read: readFFmpeg, Found: func(l recorder.Leftover) {
		what, _, _ := strings.Cut(l.What, " of ")
		if strings.HasSuffix(l.What, "torn") {
			what += ", torn"
		}
		lines = append(lines, fmt.Sprintf("%s: %s: %s: lost %v, failed %v", rel(l.File), what, rel(l.Made), l.Lost > 0, l.Err != nil))
	}}.Serve(t.Context(), dir)
	if err != nil {
		t.Error(err)
	}
	return lines
}

// A folder as a machine that died leaves it, or some copy of that.
func TestRecovery(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	media := relaytest.Media(t)
	first := recordAndKill(t, dir, media)
	record(t, dir, media)
	plays := hashes(t, relaytest.VideoHashes, first, media)
	write(t, []byte("half"), dir, "main", startName+".mp4.tmp")
	write(t, []byte("garbage"), dir, "a", "copy", startName+".mp4")
	write(t, nil, dir, "empty", startName+".mp4")
	tail := append(read(t, record(t, t.TempDir(), short(t))), make([]byte, 5000)...) // a power cut leaves zeros
	write(t, tail, dir, startName+".mp4")
	mine := write(t, tail, dir, "holiday.mp4")
	outside := write(t, tail, t.TempDir(), startName+".mp4")
	symlink(t, filepath.Dir(outside), filepath.Join(dir, "elsewhere"))

	want := []string{
		"S.mp4: a recording, torn: S.mp4: lost true, failed false",
		"a/copy/S.mp4: damaged: -: lost true, failed true",
		"empty/S.mp4: empty: nothing was recorded: -: lost false, failed false",
		"main/S.mp4.tmp: a copy that was not done, removed: -: lost false, failed false",
		"main/S.mp4: a recording, torn: main/S.mp4: lost true, failed false",
		"main/S.part2.mp4: a recording: main/S.mp4: lost false, failed false",
	}
	got := recovered(t, dir)
	// Whether the child was killed in the middle of a write is chance.
	got = slices.Collect(func(yield func(string) bool) {
		for _, line := range got {
			yield(strings.Replace(line, "main/S.mp4: a recording: main/S.mp4: lost false", "main/S.mp4: a recording, torn: main/S.mp4: lost true", 1))
		}
	})
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := relaytest.VideoHashes(t, first); !slices.Equal(got, plays) {
		t.Errorf("%d video packets, want the same %d", len(got), len(plays))
	}
	for _, file := range []string{mine, outside} {
		if string(read(t, file)) != string(tail) {
			t.Errorf("%s was touched", file)
		}
	}
	want = []string{
		"S.mp4: an ordinary file: -: lost false, failed false",
		"a/copy/S.mp4: damaged: -: lost true, failed true",
		"empty/S.mp4: empty: nothing was recorded: -: lost false, failed false",
		"main/S.mp4: an ordinary file: -: lost false, failed false",
	}
	if got := recovered(t, dir); !slices.Equal(got, want) {
		t.Errorf("once more\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err := os.Truncate(first, size(first)/2); err != nil {
		t.Fatal(err)
	}
	if got := recovered(t, filepath.Dir(first)); !slices.Equal(got, []string{"S.mp4: an ordinary file: -: lost true, failed true"}) {
		t.Errorf("a file that was cut off: %v", got)
	}
}

// A finisher that was killed while a joined file took its parts' place.
func TestRecoveryOfAJoinedFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	media := short(t)
	whole := read(t, record(t, dir, media))
	record(t, dir, media)
	tape := newBench(dir, runFFmpeg).in(recorder.MKV)
	tape.Session("main", start)
	joined := read(t, tape.serve(t)[0].file)
	dir = t.TempDir()
	write(t, joined, dir, startName+".part1-2.mkv.joined")
	write(t, whole, dir, startName+".mp4")
	write(t, whole, dir, startName+".part3.mp4")
	want := []string{
		"S.part1-2.mkv.joined: a whole copy: S.mkv: lost false, failed false",
		"S.part3.mp4: a recording: S.part3.mp4: lost false, failed false",
	}
	if got := recovered(t, dir); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := names(t, dir); !slices.Equal(got, []string{startName + ".mkv", startName + ".part3.mp4"}) {
		t.Errorf("files: %v", got)
	}
	sameMedia(t, filepath.Join(dir, startName+".mkv"), media, media)
}

// What another program writes to is not touched, whatever the folder's locks say.
func TestRecoveryLeavesWhatIsWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := record(t, dir, short(t))
	before := read(t, file)
	writer, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	want := []string{"main/S.mp4: a recording: -: lost false, failed true"}
	if got := recovered(t, dir); !slices.Equal(got, want) || string(read(t, file)) != string(before) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRecoveryTellsWhatFails(t *testing.T) {
	t.Parallel()
	err := recorder.Recovery{Run: runFFmpeg, Found: func(recorder.Leftover) {}}.Serve(t.Context(), "/nowhere/at/all")
	if err == nil {
		t.Error("no error for a folder that is not there")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (recorder.Recovery{Run: runFFmpeg, Found: func(recorder.Leftover) {}}).Serve(ctx, t.TempDir()); err == nil {
		t.Error("no error where it was told to stop")
	}
}
