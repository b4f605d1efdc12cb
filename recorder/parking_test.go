package recorder_test

import (
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A take that there is no room to finish waits as it is, and is finished when there is.
func TestTakesWaitForRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	media := short(t)
	first := record(t, dir, media)
	second := record(t, dir, media)
	b := newBench(dir, runFFmpeg)
	var asked atomic.Int64
	full := true
	b.Room = func(bytes int64) error {
		asked.Store(bytes)
		if full {
			return errors.New("no room")
		}
		return nil
	}
	b.Session("main", start)
	if !b.Has("main", start) || b.Has("main", start.Add(time.Second)) || b.Has("other", start) {
		t.Error("what is asked for is not in the finisher's work, or something else is")
	}
	all := b.serve(t)
	if len(all) != 1 || all[0].err == nil || !strings.Contains(all[0].err.Error(), "no room") {
		t.Errorf("reports: %v", all)
	}
	if want := size(first) + size(second); asked.Load() != want {
		t.Errorf("it asked for %d bytes, want %d", asked.Load(), want)
	}
	only(t, filepath.Dir(first), "", ".part2")
	if b.Has("main", start) {
		t.Error("a take that waits for room is in the finisher's work")
	}
	if b.Again(); !b.Idle() {
		t.Error("it works on a take that there is no room for")
	}
	full = false
	b.Again()
	allWell(t, b.serve(t), first)
	sameMedia(t, first, media, media)
	if b.Again(); !b.Idle() {
		t.Error("a take that is finished is finished again")
	}
}
