package recorder_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// remember runs a history over a folder until the test ends.
func remember(t *testing.T, h *recorder.History) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- h.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// putBox puts a session's black box into a folder.
func putBox(t *testing.T, dir, stream, start, content string) string {
	t.Helper()
	file := filepath.Join(dir, stream, start+".events.jsonl")
	put(t, file, content)
	return file
}

func put(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	putBox(t, dir, "main", startName, string(read(t, filepath.Join("testdata", "takeover.jsonl"))))
	putBox(t, dir, "main", "2026-11-21T18-00-00Z", string(read(t, filepath.Join("testdata", "crashed.jsonl"))))
	putBox(t, dir, "other", "2026-11-23T18-00-00Z", `{"at":"2026-11-23T18:00:00Z","what":"began"}`)
	putBox(t, dir, "other", "notes", "nothing of ours")
	for _, file := range []string{
		startName + ".part2.mp4", startName + ".mp4", startName + ".part10.mp4", startName + ".md", startName + ".mp4.tmp",
		"2026-11-22T18-00-01Z.mp4",
	} {
		put(t, filepath.Join(dir, "main", file), "")
	}
	h := &recorder.History{Dir: dir, On: func(stream string, start time.Time) bool { return stream == "other" && start.Day() == 23 }}
	remember(t, h)
	at := func(clock string) time.Time {
		t.Helper()
		when, err := time.Parse(time.RFC3339Nano, "2026-11-"+clock)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	var got []recorder.Session
	relaytest.Eventually(t, soon, "two sessions", func() bool {
		got = h.Sessions()
		return len(got) == 2
	})
	first := recorder.Session{
		Stream: "main", Start: start, End: at("22T18:32:00Z"), Why: "held for 2m0s", Publishers: []string{"studio", "field"},
		Holds: 1, Held: 2 * time.Minute, Switches: 3,
		Recordings: []string{"main/" + startName + ".mp4", "main/" + startName + ".part2.mp4", "main/" + startName + ".part10.mp4"},
		Summary:    "main/" + startName + ".md",
	}
	if !reflect.DeepEqual(got[0], first) {
		t.Errorf("got  %+v\nwant %+v", got[0], first)
	}
	if c := got[1]; c.Why != "" || c.Start != at("21T18:00:00Z") || !c.End.After(c.Start) || c.Recordings != nil || c.Summary != "" {
		t.Errorf("a session whose relay was killed: %+v", c)
	}
}

// What is said later of a session, and what becomes of its files, is taken up; a session whose box is gone is forgotten.
func TestHistoryGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begun := `{"at":"2026-11-22T18:00:00Z","what":"opened","stream":"main"}` + "\n"
	box := putBox(t, dir, "main", startName, begun)
	h := &recorder.History{Dir: dir}
	remember(t, h)
	until := func(what string, ok func([]recorder.Session) bool) {
		t.Helper()
		relaytest.Eventually(t, soon, what, func() bool { return ok(h.Sessions()) })
	}
	until("the session", func(all []recorder.Session) bool { return len(all) == 1 && all[0].Why == "" && all[0].End.Equal(start) })
	put(t, box, begun+`{"at":"2026-11-22T18:01:00Z","what":"ended","why":"said goodbye"}`)
	put(t, filepath.Join(dir, "main", startName+".mp4"), "")
	until("its end and its recording", func(all []recorder.Session) bool {
		return len(all) == 1 && all[0].Why == "said goodbye" && all[0].End.Equal(start.Add(time.Minute)) && len(all[0].Recordings) == 1
	})
	if err := os.Remove(box); err != nil {
		t.Fatal(err)
	}
	until("it to be forgotten", func(all []recorder.Session) bool { return len(all) == 0 })
}

// Rates are passed over; what they say of when the relay was there is not.
func TestHistoryOfRates(t *testing.T) {
	t.Parallel()
	lines := []string{`{"at":"2026-11-22T18:00:00Z","what":"opened","stream":"main"}`}
	for n := range 30 {
		lines = append(lines, fmt.Sprintf(`{"at":"2026-11-22T18:00:%02dZ","what":"rates","key":"studio","numbers":{"bitrate":1}}`, n))
	}
	lines = append(lines, `{"at":"2026-11-22T18:10:00Z","what":"opened","stream":"main"}`,
		`{"at":"2026-11-22T18:10:01Z","what":"output","output":"push/a","why":"it says \"what\":\"rates\""}`,
		`{"at":"2026-11-22T18:10:02Z","what":"published","key":"late","why":"`+strings.Repeat("long ", 1000)+`"}`,
		`{"at":"2026-11-22T18:10:09Z","what":"rates","key":"studio","numbers":{"bitrate":1}}`, `{"at":"2026-11-22T18:11:`)
	dir := t.TempDir()
	putBox(t, dir, "main", startName, strings.Join(lines, "\n"))
	h := &recorder.History{Dir: dir}
	remember(t, h)
	relaytest.Eventually(t, soon, "the session", func() bool { return len(h.Sessions()) == 1 })
	one := h.Sessions()[0]
	if !one.End.Equal(start.Add(10*time.Minute+9*time.Second)) || one.Restarts != 1 || !slices.Equal(one.Publishers, []string{"late"}) {
		t.Errorf("%+v", one)
	}
}

// Only the newest are remembered. One that cannot be read hides none of the others, and is told of once.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for n := range 230 {
		name := start.Add(time.Duration(n) * time.Hour).Format("2006-01-02T15-04-05Z")
		putBox(t, dir, []string{"main", "other"}[n%2], name, `{"at":"2026-11-22T18:00:00Z","what":"began"}`)
	}
	last := start.Add(230 * time.Hour).Format("2006-01-02T15-04-05Z")
	if err := os.Mkdir(filepath.Join(dir, "main", last+".events.jsonl"), 0o755); err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 100)
	h := &recorder.History{Dir: dir, Report: func(file string, _ error) { told <- filepath.Base(file) }}
	remember(t, h)
	relaytest.Eventually(t, soon, "the sessions", func() bool { return len(h.Sessions()) == 199 })
	if all := h.Sessions(); !all[0].Start.Equal(start.Add(229*time.Hour)) || !all[198].Start.Equal(start.Add(31*time.Hour)) {
		t.Errorf("from %v to %v", all[0].Start, all[198].Start)
	}
	if file := <-told; file != last+".events.jsonl" || len(told) > 0 {
		t.Errorf("told of %s and %d more", file, len(told))
	}
}

// BenchmarkHistory reads 200 boxes of shows of three hours with six outputs.
func BenchmarkHistory(b *testing.B) {
	dir := b.TempDir()
	var box strings.Builder
	fmt.Fprintln(&box, `{"at":"2026-11-22T18:00:00Z","what":"opened","stream":"main"}`)
	for n := range 3 * 3600 {
		at := start.Add(time.Duration(n) * time.Second).Format(time.RFC3339Nano)
		fmt.Fprintf(&box, `{"at":"%s","what":"rates","key":"studio","numbers":{"bitrate":6123456,"fps":30,"gop":2}}`+"\n", at)
		for o := range 6 {
			fmt.Fprintf(&box, `{"at":"%s","what":"rates","output":"push/platform%d","state":"acked","numbers":{"bitrate":6123456,"drops":0,"queue_age":0.1,"retransmits":3,"rtt":0.04}}`+"\n", at, o)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "main"), 0o755); err != nil {
		b.Fatal(err)
	}
	for n := range 200 {
		name := start.Add(time.Duration(n) * time.Hour).Format("2006-01-02T15-04-05Z")
		if err := os.WriteFile(filepath.Join(dir, "main", name+".events.jsonl"), []byte(box.String()), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		h := &recorder.History{Dir: dir}
		ctx, cancel := context.WithCancel(context.Background())
		served := make(chan error)
		go func() { served <- h.Serve(ctx) }()
		relaytest.Eventually(b, time.Minute, "all sessions", func() bool { return len(h.Sessions()) == 200 })
		cancel()
		if err := <-served; err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(float64(box.Len())/1e6, "MB/box")
}
