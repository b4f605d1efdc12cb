package hls_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/hls"
)

const open = "#EXTM3U\n#EXTINF:2.0,\na.ts\n"

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	const listed, gone = secondName + "-0-2.ts", secondName + "-0-1.ts"
	old := []string{
		put(t, "ended", dir, "main", firstName, "index.m3u8"),
		put(t, "", dir, "main", firstName, firstName+"-0-9.ts"),
		put(t, "", dir, "main", secondName, gone),
		put(t, "", dir, "main", secondName, listed),
		put(t, "", dir, "main", secondName, gone+".tmp"),
		put(t, "", dir, "main", secondName, "notes.txt"),
		put(t, "", dir, "main", "notes.txt"),
	}
	for _, name := range old {
		age(t, name, time.Hour)
	}
	put(t, open+listed, dir, "main", secondName, "index.m3u8")
	put(t, "", dir, "main", secondName, secondName+"-0-3.ts") // being written
	put(t, "", dir, "notes.txt")

	if err := (hls.Janitor{Dir: dir}).Sweep(time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		firstName: false, secondName + "/index.m3u8": true, secondName + "/" + gone: false, secondName + "/" + gone + ".tmp": false,
		secondName + "/" + listed: true, secondName + "/" + secondName + "-0-3.ts": true,
		secondName + "/notes.txt": true, "notes.txt": true, "../notes.txt": true,
	} {
		if exists(dir, "main", path) != want {
			t.Errorf("%s is there: %v, want %v", path, !want, want)
		}
	}
}

// The session before may still be watched: its playlist was written a moment ago.
func TestSweepSparesWhatIsFresh(t *testing.T) {
	dir := t.TempDir()
	put(t, open, dir, "main", firstName, "index.m3u8")
	put(t, "", dir, "main", firstName, firstName+"-0-1.ts")
	put(t, open, dir, "main", secondName, "index.m3u8")
	if err := (hls.Janitor{Dir: dir}).Sweep(time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	if !exists(dir, "main", firstName, firstName+"-0-1.ts") {
		t.Error("a fresh session was swept")
	}
}

// A show that is kept stays for its time, whatever followed it; then all of it goes that the live playlist does not name.
func TestSweepOfKeptShows(t *testing.T) {
	dir := t.TempDir()
	for _, session := range []string{firstName, secondName} {
		for _, name := range []string{"index.m3u8", "show.m3u8", "journal.jsonl", session + "-0-1.ts", session + "-0-2.ts"} {
			age(t, put(t, session+"-0-2.ts", dir, "main", session, name), time.Hour)
		}
		age(t, put(t, session+"-0-1.ts", dir, "main", session, "journal.jsonl"), time.Hour)
	}
	j := hls.Janitor{Dir: dir, Keep: func(string) time.Duration { return 2 * time.Hour }}
	for range 2 {
		if err := j.Sweep(time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if !exists(dir, "main", firstName, "show.m3u8") || !exists(dir, "main", firstName, firstName+"-0-1.ts") {
		t.Error("a show was swept before its time")
	}
	j.Keep = func(string) time.Duration { return 30 * time.Minute }
	if err := j.Sweep(time.Now()); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		firstName: false, secondName + "/show.m3u8": false, secondName + "/index.m3u8": true,
		secondName + "/" + secondName + "-0-1.ts": false, secondName + "/" + secondName + "-0-2.ts": true,
	} {
		if exists(dir, "main", path) != want {
			t.Errorf("%s is there: %v, want %v", path, !want, want)
		}
	}
}

func TestSweepFollowsNoLink(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	for _, name := range []string{firstName, secondName} {
		age(t, put(t, open, outside, name, "index.m3u8"), time.Hour)
	}
	link(t, outside, dir, "main")
	link(t, filepath.Join(outside, firstName), dir, "other", firstName)
	put(t, open, dir, "other", secondName, "index.m3u8")
	if err := (hls.Janitor{Dir: dir}).Sweep(time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	if !exists(outside, firstName, "index.m3u8") {
		t.Error("a session outside of the folder was swept")
	}
}

// What cannot be swept keeps nothing else from being swept.
func TestSweepGoesOn(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", firstName, "index.m3u8"), 0o755); err != nil { // cannot be read
		t.Fatal(err)
	}
	age(t, put(t, "", dir, "b", firstName, firstName+"-0-1.ts"), time.Hour)
	put(t, open, dir, "b", firstName, "index.m3u8")
	err := (hls.Janitor{Dir: dir}).Sweep(time.Now().Add(-time.Minute))
	if err == nil || !strings.Contains(err.Error(), "sweep HLS files") {
		t.Errorf("error %v", err)
	}
	if exists(dir, "b", firstName, firstName+"-0-1.ts") {
		t.Error("the other stream was not swept")
	}
}

func TestServeEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (hls.Janitor{Dir: t.TempDir()}).Serve(ctx); err != nil {
		t.Error(err)
	}
}
