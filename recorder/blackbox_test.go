package recorder_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// boxed is a black box that is being served.
type boxed struct {
	*recorder.BlackBox
	cancel  context.CancelFunc
	gone    chan error
	reports chan result
}

func newBox(t *testing.T, b *recorder.BlackBox) *boxed {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	x := &boxed{BlackBox: b, cancel: cancel, gone: make(chan error, 1), reports: make(chan result, 64)}
	b.Report = func(file string, err error) { x.reports <- result{file, err} }
	go func() { x.gone <- b.Serve(ctx) }()
	t.Cleanup(func() { x.stop(t) })
	return x
}

func (x *boxed) stop(t *testing.T) {
	t.Helper()
	x.cancel()
	if x.gone == nil {
		return
	}
	if err := <-x.gone; err != nil {
		t.Errorf("Serve: %v", err)
	}
	x.gone = nil
	for len(x.reports) > 0 {
		if r := <-x.reports; !t.Failed() {
			t.Errorf("report: %s: %v", r.file, r.err)
		}
	}
}

func eventsFile(dir string) string { return filepath.Join(dir, "main", startName+".events.jsonl") }

func summaryFile(dir string) string { return filepath.Join(dir, "main", startName+".md") }

// kept returns what every entry of a session's black box is about. Each line must be one.
func kept(t *testing.T, dir string) (all []string) {
	t.Helper()
	for line := range strings.Lines(string(read(t, eventsFile(dir)))) {
		var e recorder.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("line %q: %v", line, err)
		}
		all = append(all, e.What)
	}
	return all
}

func expectKept(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := kept(t, dir); !slices.Equal(got, want) {
		t.Errorf("entries %q, want %q", got, want)
	}
}

func TestBlackBox(t *testing.T) {
	dir := t.TempDir()
	x := newBox(t, &recorder.BlackBox{Dir: dir, Redact: func(s string) string { return strings.ReplaceAll(s, "secret", "***") }})
	x.Add("main", start, recorder.Entry{At: start.In(time.FixedZone("far", 3600)), What: "published", Key: "studio", Why: "10.0.0.5:1?key=secret"})
	relaytest.Eventually(t, soon, "an entry while the session is on", func() bool { return size(eventsFile(dir)) > 0 })
	x.Add("main", start, recorder.Entry{What: "rates", Numbers: map[string]float64{"gop": 2, "rtt": math.NaN(), "bitrate": math.Inf(1)}})
	x.Add("main", start, recorder.Entry{What: "ended"})
	x.End("main", start)
	relaytest.Eventually(t, soon, "the summary", func() bool { return size(summaryFile(dir)) > 0 })
	expectKept(t, dir, "opened", "published", "rates", "ended")
	text := string(read(t, eventsFile(dir)))
	for _, want := range []string{
		`{"at":"2026-11-22T18:00:00Z","what":"published","key":"studio","why":"10.0.0.5:1?key=***"}`,
		`"numbers":{"gop":2}`, `"stream":"main"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}

	// An output says its last word after the end.
	x.Add("main", start, recorder.Entry{What: "output", Output: "push/late", State: "waiting"})
	relaytest.Eventually(t, soon, "the summary to know it", func() bool {
		return strings.Contains(string(read(t, summaryFile(dir))), "push/late")
	})
	expectKept(t, dir, "opened", "published", "rates", "ended", "output")
	x.stop(t)
	if got := names(t, filepath.Join(dir, "main")); len(got) != 2 {
		t.Errorf("files %v", got)
	}
}

// Everything given before Serve is told to end is on disk when it has, and the summary of what is over.
func TestBlackBoxDrains(t *testing.T) {
	for range 20 { // it may or may not have been awake
		dir := t.TempDir()
		x := newBox(t, &recorder.BlackBox{Dir: dir})
		for i := range 100 {
			x.Add("main", start, recorder.Entry{What: fmt.Sprint(i)})
		}
		x.End("main", start)
		x.stop(t)
		if got := kept(t, dir); len(got) != 101 || got[100] != "99" {
			t.Fatalf("%d entries", len(got))
		}
		if size(summaryFile(dir)) == 0 {
			t.Fatal("no summary")
		}
	}
}

// A relay that was killed left a torn line. The session goes on behind it.
func TestBlackBoxGoesOn(t *testing.T) {
	dir := t.TempDir()
	x := newBox(t, &recorder.BlackBox{Dir: dir})
	x.Add("main", start, recorder.Entry{What: "published", Key: "studio"})
	x.stop(t)
	if size(summaryFile(dir)) != 0 {
		t.Error("a session that may go on is summed up")
	}
	f, err := os.OpenFile(eventsFile(dir), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"at":"2026-11-22T18:0`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}

	b := &recorder.BlackBox{Dir: dir}
	if err := b.Recover(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(read(t, summaryFile(dir))), "as far as is known") {
		t.Errorf("summary of a session without an end: %s", read(t, summaryFile(dir)))
	}
	x = newBox(t, b)
	x.Add("main", start, recorder.Entry{What: "feeding", Key: "studio"})
	x.Add("main", start, recorder.Entry{What: "ended"})
	x.End("main", start)
	x.stop(t)
	text := string(read(t, summaryFile(dir)))
	if !strings.Contains(text, "started again in between: once") || !strings.Contains(text, "studio") {
		t.Errorf("summary: %s", text)
	}
	if lines := strings.Split(string(read(t, eventsFile(dir))), "\n"); len(lines) != 7 || lines[2] != `{"at":"2026-11-22T18:0` {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
}

// A session's file has an end. Rates leave room for what matters more.
func TestBlackBoxHasALimit(t *testing.T) {
	dir := t.TempDir()
	x := newBox(t, &recorder.BlackBox{Dir: dir, Limit: 20_000})
	for range 1000 {
		x.Add("main", start, recorder.Entry{What: "rates", Output: "push/twitch", Numbers: map[string]float64{"bitrate": 1e6}})
	}
	x.Add("main", start, recorder.Entry{What: "lost", Why: "told all the same"})
	x.stop(t)
	got := kept(t, dir)
	full := slices.Index(got, "full")
	if full < 100 || !slices.Equal(got[full:], []string{"full", "lost"}) {
		t.Errorf("%d entries, full after %d: %q", len(got), full, got[max(full, 0):])
	}
	y := newBox(t, &recorder.BlackBox{Dir: dir, Limit: 20_000})
	for range 1000 {
		y.Add("main", start, recorder.Entry{What: "lost"})
	}
	y.stop(t)
	if n := size(eventsFile(dir)); n < 18_000 || n > 20_100 {
		t.Errorf("%d bytes, want nearly all of 20000", n)
	}
}

// A disk that cannot be written to costs the black box, and is told once.
func TestBlackBoxWithoutADisk(t *testing.T) {
	dir := t.TempDir()
	write(t, nil, dir, "main") // a file where the folder should be
	x := newBox(t, &recorder.BlackBox{Dir: dir})
	for range 5 {
		x.Add("main", start, recorder.Entry{What: "rates"})
	}
	r := <-x.reports
	if r.file != eventsFile(dir) || r.err == nil || !strings.Contains(r.err.Error(), "black box") {
		t.Errorf("report %v", r)
	}
	if err := os.Remove(filepath.Join(dir, "main")); err != nil {
		t.Fatal(err)
	}
	relaytest.Eventually(t, soon, "entries, once the disk is back", func() bool {
		x.Add("main", start, recorder.Entry{What: "rates"})
		return size(eventsFile(dir)) > 0
	})
	x.stop(t)
}

// A disk that stands still stops nobody: what finds no room is counted.
func TestBlackBoxDoesNotWait(t *testing.T) {
	dir := t.TempDir()
	b := &recorder.BlackBox{Dir: dir}
	const given = 20_000
	for range given {
		b.Add("main", start, recorder.Entry{What: "rates"})
	}
	x := newBox(t, b)
	x.stop(t)
	all := kept(t, dir)
	if len(all) < 1000 || len(all) >= given || all[len(all)-1] != "missed" {
		t.Fatalf("%d entries of %d", len(all), given)
	}
	want := fmt.Sprintf(`"entries":%d}`, given-(len(all)-2))
	if text := string(read(t, eventsFile(dir))); !strings.Contains(text, want) {
		t.Errorf("no %s at the end: %s", want, text[len(text)-200:])
	}
}

// A session that was never said to be over is, when the next one begins.
func TestBlackBoxOfSessionsInARow(t *testing.T) {
	dir := t.TempDir()
	x := newBox(t, &recorder.BlackBox{Dir: dir})
	x.Add("main", start, recorder.Entry{What: "published"})
	x.Add("other", start, recorder.Entry{What: "published"})
	x.Add("main", start.Add(time.Minute), recorder.Entry{What: "published"})
	relaytest.Eventually(t, soon, "the first's summary", func() bool { return size(summaryFile(dir)) > 0 })
	x.Add("main", start, recorder.Entry{What: "output", Output: "push/late"})
	relaytest.Eventually(t, soon, "the last word of the first", func() bool {
		return strings.Contains(string(read(t, summaryFile(dir))), "push/late")
	})
	x.stop(t)
	expectKept(t, dir, "opened", "published", "output")
	if got := names(t, filepath.Join(dir, "other")); len(got) != 1 {
		t.Errorf("another stream's files: %v", got)
	}
}

func TestBlackBoxTogether(t *testing.T) {
	dir := t.TempDir()
	x := newBox(t, &recorder.BlackBox{Dir: dir})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				x.Add("main", start, recorder.Entry{What: "rates"})
			}
			x.End("main", start)
		})
	}
	all.Wait()
	x.stop(t)
	if got := kept(t, dir); len(got) != 801 {
		t.Errorf("%d entries", len(got))
	}
}

// What an earlier run could not sum up is, and nothing else is touched.
func TestRecover(t *testing.T) {
	dir := t.TempDir()
	line := []byte(`{"at":"2026-11-22T18:00:00Z","what":"began"}` + "\n")
	stale := write(t, line, dir, "main", startName+".events.jsonl")
	old := write(t, []byte("old"), dir, "main", startName+".md")
	at(t, old, time.Now().Add(-time.Hour))
	write(t, line, dir, "main", "2026-11-22T19-00-00Z.events.jsonl")
	write(t, line, dir, "main", "2026-11-22T20-00-00Z.events.jsonl")
	fresh := write(t, []byte("fresh"), dir, "main", "2026-11-22T20-00-00Z.md")
	write(t, line, dir, "main", "holiday.events.jsonl")
	if err := (&recorder.BlackBox{Dir: dir}).Recover(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(read(t, old)), "# ") || size(filepath.Join(dir, "main", "2026-11-22T19-00-00Z.md")) == 0 {
		t.Errorf("not summed up: %v, %s", names(t, filepath.Dir(stale)), read(t, old))
	}
	if string(read(t, fresh)) != "fresh" || size(filepath.Join(dir, "main", "holiday.md")) != 0 {
		t.Error("what was summed up, or is nobody's, was touched")
	}
	if err := (&recorder.BlackBox{Dir: filepath.Join(dir, "none")}).Recover(); err != nil {
		t.Errorf("without a folder: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "main", "2026-11-22T21-00-00Z.events.jsonl"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := (&recorder.BlackBox{Dir: dir}).Recover(); err == nil {
		t.Error("no error for what cannot be read")
	}
}
