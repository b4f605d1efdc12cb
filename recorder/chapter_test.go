package recorder_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// at makes a part one whose last packet came at some time.
func at(t *testing.T, file string, when time.Time) {
	t.Helper()
	if err := os.Chtimes(file, when, when); err != nil {
		t.Fatal(err)
	}
}

func entry(at time.Time, what, key string) recorder.Entry {
	return recorder.Entry{At: at, What: what, Key: key}
}

// black makes a session's black box.
func black(t *testing.T, dir string, entries ...recorder.Entry) {
	t.Helper()
	var lines strings.Builder
	for _, e := range entries {
		if err := json.NewEncoder(&lines).Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	write(t, []byte(lines.String()), dir, "main", startName+".events.jsonl")
}

// onlyBeside checks that a folder holds one recording and its black box.
func onlyBeside(t *testing.T, folder string) {
	t.Helper()
	if got, want := names(t, folder), []string{startName + ".events.jsonl", startName + ".mp4"}; !slices.Equal(got, want) {
		t.Errorf("files: %v, want %v", got, want)
	}
}

// expectChapters checks where a file's chapters begin, in seconds, and their titles.
func expectChapters(t *testing.T, file string, want ...string) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-show_chapters", "-of", "json", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Chapters []struct {
			Start string `json:"start_time"`
			Tags  struct{ Title string }
		}
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range answer.Chapters {
		var seconds float64
		if _, err := fmt.Sscan(c.Start, &seconds); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%.1f %s", seconds, c.Tags.Title))
	}
	if !slices.Equal(got, want) {
		t.Errorf("chapters\n got %q\nwant %q", got, want)
	}
}

// Holds, the backup and what was not recorded become chapters. Each part is placed by when its last packet came.
func TestChapters(t *testing.T) {
	dir := t.TempDir()
	media := []string{relaytest.Media(t), short(t), relaytest.Media(t)}
	sec := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	first := record(t, dir, media[0])
	at(t, first, sec(8)) // 0 to 8
	at(t, record(t, dir, media[1]), sec(10.2))
	at(t, record(t, dir, media[2]), sec(70)) // 62 to 70, 10 to 18 in the file
	black(t, dir,
		recorder.Entry{At: sec(0), What: "opened", Stream: "main"},
		recorder.Entry{At: sec(0), What: "published", Key: "studio", Role: "primary"},
		recorder.Entry{At: sec(3), What: "lost", Key: "studio", Role: "primary", Why: "10.0.0.5: reset"},
		recorder.Entry{At: sec(3.1), What: "feeding", Role: "stopgap"},
		recorder.Entry{At: sec(6), What: "feeding", Key: "field", Role: "backup"},
		recorder.Entry{At: sec(7), What: "feeding", Key: "studio", Role: "primary"},
		recorder.Entry{At: sec(12), What: "lost", Key: "studio", Role: "primary"},
		recorder.Entry{At: sec(12.1), What: "hold"},
		recorder.Entry{At: sec(20), What: "rates"},
		recorder.Entry{At: sec(40), What: "opened"},
		recorder.Entry{At: sec(40), What: "hold"},
		recorder.Entry{At: sec(64), What: "feeding", Key: "studio", Role: "primary"},
		recorder.Entry{At: sec(70), What: "ended"},
	)
	b := newBench(dir, runFFmpeg)
	b.Session("main", start)
	allWell(t, b.serve(t), first)
	onlyBeside(t, filepath.Dir(first))
	sameMedia(t, first, media...)
	expectChapters(t, first, "0.0 On air", "3.0 Hold", "6.0 Backup", "7.0 On air", "10.0 Hold, after 52 s without recording", "12.1 On air")
}

// A relay that was killed told of itself up to a second before: what was recorded later is no interruption.
func TestChaptersOfARestart(t *testing.T) {
	dir := t.TempDir()
	first := record(t, dir, relaytest.Media(t))
	at(t, first, start.Add(8*time.Second))
	black(t, dir,
		recorder.Entry{At: start, What: "opened"},
		recorder.Entry{At: start, What: "published", Key: "studio"},
		recorder.Entry{At: start.Add(7 * time.Second), What: "rates"},
		recorder.Entry{At: start.Add(20 * time.Second), What: "opened"},
		recorder.Entry{At: start.Add(20 * time.Second), What: "ended"},
	)
	b := newBench(dir, runFFmpeg)
	b.Session("main", start)
	allWell(t, b.serve(t), first)
	expectChapters(t, first)
}

// A part that is alone has the chapters of its own time.
func TestChaptersOfOnePart(t *testing.T) {
	dir := t.TempDir()
	first := record(t, dir, relaytest.Media(t))
	at(t, first, start.Add(20*time.Second)) // 12 to 20
	black(t, dir,
		recorder.Entry{At: start, What: "published", Key: "studio"},
		recorder.Entry{At: start.Add(5 * time.Second), What: "hold"},
		recorder.Entry{At: start.Add(6 * time.Second), What: "feeding", Key: "studio"},
		recorder.Entry{At: start.Add(16 * time.Second), What: "hold"},
	)
	b := newBench(dir, runFFmpeg)
	b.Session("main", start)
	allWell(t, b.serve(t), first)
	sameMedia(t, first, relaytest.Media(t))
	expectChapters(t, first, "0.0 On air", "4.0 Hold")
}

// A black box that cannot be read costs the chapters, never the recording.
func TestChaptersWithoutABlackBox(t *testing.T) {
	dir := t.TempDir()
	first := record(t, dir, short(t))
	if err := os.Mkdir(filepath.Join(dir, "main", startName+".events.jsonl"), 0o755); err != nil {
		t.Fatal(err)
	}
	b := newBench(dir, runFFmpeg)
	b.Session("main", start)
	allWell(t, b.serve(t), first)
	expectChapters(t, first)
}
