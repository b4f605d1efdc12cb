package recorder_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/relaytest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// model removes one take after the other, each time looking at everything anew.
func model(stock []recorder.Holding, limits map[string]recorder.Limits, free int64, known bool, now time.Time) (gone []string) {
	newest := map[string]string{}
	for _, h := range stock {
		if h.Media {
			newest[h.Stream] = max(newest[h.Stream], h.Session)
		}
	}
	left := slices.Clone(stock)
	slices.SortFunc(left, func(a, b recorder.Holding) int {
		return strings.Compare(a.End.Format(time.RFC3339)+a.Session, b.End.Format(time.RFC3339)+b.Session)
	})
	tooOld := func(h recorder.Holding, l recorder.Limits) bool { return l.Keep > 0 && h.End.Add(l.Keep).Before(now) }
	tooMuch := func(h recorder.Holding, l recorder.Limits) bool {
		var total int64
		for _, other := range left {
			if other.Stream == h.Stream {
				total += other.Bytes
			}
		}
		return l.MaxSize > 0 && total > l.MaxSize && h.Media && newest[h.Stream] != h.Session
	}
	tooFull := func(h recorder.Holding, l recorder.Limits) bool {
		return known && l.Removes && free < l.MinFree && h.Media && newest[h.Stream] != h.Session
	}
	for _, must := range []func(recorder.Holding, recorder.Limits) bool{tooOld, tooMuch, tooFull} {
		for {
			i := slices.IndexFunc(left, func(h recorder.Holding) bool {
				l, ours := limits[h.Stream]
				return ours && !h.Open && must(h, l)
			})
			if i < 0 {
				break
			}
			free += left[i].Bytes
			gone = append(gone, left[i].Stream+"/"+left[i].Session)
			left = slices.Delete(left, i, i+1)
		}
	}
	return gone
}

func TestJanitorDoesAsTheModel(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	removals := 0
	for range 5000 {
		limits := map[string]recorder.Limits{}
		for _, stream := range []string{"a", "b"} {
			limits[stream] = recorder.Limits{
				Keep: time.Duration(random.IntN(3)) * 10 * time.Hour, MaxSize: random.Int64N(3) * 150, MinFree: random.Int64N(300), Removes: random.IntN(3) > 0,
			}
		}
		var stock []recorder.Holding
		for i := range random.IntN(12) {
			stock = append(stock, recorder.Holding{
				Stream: string(rune('a' + random.IntN(3))), Session: noon.Add(time.Duration(i) * time.Hour).Format("2006-01-02T15-04-05Z"),
				Bytes: random.Int64N(100), Media: random.IntN(5) > 0, Open: random.IntN(5) == 0, End: noon.Add(time.Duration(random.IntN(30)) * time.Hour),
			})
		}
		free, known, now := random.Int64N(300), random.IntN(9) > 0, noon.Add(30*time.Hour)
		want := model(stock, limits, free, known, now)
		if got := recorder.Choose(stock, limits, free, known, now); !slices.Equal(got, want) {
			t.Fatalf("limits %+v, free %d (%v), stock %+v:\n got %q\nwant %q", limits, free, known, stock, got, want)
		}
		removals += len(want)
	}
	if removals < 5000 {
		t.Errorf("only %d removals in all: the model was not asked much", removals)
	}
}

// cellar is a folder of recordings with a janitor.
type cellar struct {
	recorder.Janitor
	t       *testing.T
	removed []recorder.Removal
}

func newCellar(t *testing.T, l recorder.Limits) *cellar {
	c := &cellar{t: t}
	c.Janitor = recorder.Janitor{
		Dir: t.TempDir(), Limits: map[string]recorder.Limits{"main": l},
		Removed: func(r recorder.Removal) { c.removed = append(c.removed, r) },
	}
	return c
}

// put makes a file of 1000 bytes that is so old.
func (c *cellar) put(old time.Duration, name string) string {
	c.t.Helper()
	file := write(c.t, make([]byte, 1000), c.Dir, filepath.FromSlash(name))
	at(c.t, file, time.Now().Add(-old))
	return file
}

func (c *cellar) files() []string {
	c.t.Helper()
	var all []string
	err := filepath.WalkDir(c.Dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(c.Dir, path)
			all = append(all, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}

func (c *cellar) expect(want ...string) {
	c.t.Helper()
	slices.Sort(want)
	if got := c.files(); !slices.Equal(got, want) {
		c.t.Errorf("files:\n got %q\nwant %q", got, want)
	}
}

const day = 24 * time.Hour

// Everything of a take goes, whatever its files are called, and nothing else does.
func TestJanitorRemovesTakesWhole(t *testing.T) {
	t.Parallel()
	c := newCellar(t, recorder.Limits{Keep: 10 * day})
	const old, young = "2024-05-01T18-00-00Z", "2024-05-02T18-00-00Z"
	for _, name := range []string{
		".mp4", ".part2.mp4", ".part7.mp4", ".part2-5.mp4.joined", ".mp4.tmp", ".part3.mp4.list.tmp", ".events.jsonl", ".md", ".md.tmp",
		".mp4.json", ".part4.mkv", ".part4.mkv.json", ".ts",
	} {
		c.put(11*day, "main/"+old+name)
	}
	c.put(11*day, "shows/2024/may/first show.mkv")
	write(t, []byte(`{"stream": "main", "session": "2024-05-01T18:00:00Z", "duration": 3}`), c.Dir, "shows/2024/may/first show.mkv.json")
	c.put(11*day, "elsewhere/"+old+".mp4") // as a take of a stream of that name
	write(t, []byte(`{"stream": "main", "session": "2024-05-01T18:00:00Z"}`), c.Dir, "elsewhere/"+old+".mp4.json")
	stay := []string{
		"main/" + young + ".mp4", "main/" + young + ".md", // it is not that old
		"main/mine.mp4", "main/" + old + ".txt", "main/" + old + "x.mp4", "main/2024-05-01T18-00-00.mp4", "main/" + old + ".mp4.bak", // not ours
		"main/clips/" + old + ".mp4", "other/" + old + ".mp4", old + ".mp4", "main/deep/" + old + ".mp4",
		"shows/somebody.json", "shows/somebody", "shows/nobody.mkv.json",
	}
	for _, name := range stay {
		c.put(11*day, name)
	}
	write(t, []byte(`{"stream": "main"}`), c.Dir, "shows/somebody.json")
	write(t, []byte(`{"stream": "main", "session": "2024-05-01T18:00:00Z"}`), c.Dir, "shows/nobody.mkv.json") // of a file that is not there
	c.put(9*day, "main/"+young+".mp4")
	c.Sweep(time.Now())
	c.expect(stay...)
	if len(c.removed) != 1 || c.removed[0].Err != nil || !c.removed[0].Session.Equal(time.Date(2024, 5, 1, 18, 0, 0, 0, time.UTC)) ||
		c.removed[0].Stream != "main" || len(c.removed[0].Files) != 17 || !strings.Contains(c.removed[0].Why, "keep") {
		t.Errorf("removed: %+v", c.removed)
	}
}

func TestJanitorLeavesOpenTakesAlone(t *testing.T) {
	t.Parallel()
	c := newCellar(t, recorder.Limits{MaxSize: 1, Keep: time.Hour})
	c.InUse = func(stream string, session time.Time) bool {
		return stream == "main" && session.Equal(time.Date(2024, 5, 1, 18, 0, 0, 0, time.UTC))
	}
	open := []string{"main/2024-05-01T18-00-00Z.mp4", "main/2024-05-01T18-00-00Z.events.jsonl"}
	for _, name := range open {
		c.put(30*day, name)
	}
	just := []string{"main/2024-05-03T18-00-00Z.mp4"} // its session may have ended a moment ago
	c.put(10*time.Second, just[0])
	c.put(30*day, "main/2024-05-02T18-00-00Z.mp4")
	c.Sweep(time.Now())
	c.expect(append(open, just...)...)
}

func TestJanitorFollowsNoLink(t *testing.T) {
	t.Parallel()
	c := newCellar(t, recorder.Limits{Keep: time.Hour})
	const take = "2024-05-01T18-00-00Z"
	outside := &cellar{t: t, Janitor: recorder.Janitor{Dir: t.TempDir()}}
	outside.put(30*day, take+".mp4")
	outside.put(30*day, "show.mkv")
	write(t, []byte(`{"stream": "main", "session": "2024-05-01T18:00:00Z"}`), outside.Dir, "show.mkv.json")
	c.put(30*day, "main/"+take+".md")
	c.put(30*day, "elsewhere/keep.txt")
	for link, to := range map[string]string{
		"main/" + take + ".mp4":       filepath.Join(outside.Dir, take+".mp4"),
		"main/" + take + ".part2.mp4": "../elsewhere/keep.txt",
		"linked":                      outside.Dir,
		"show.mkv":                    filepath.Join(outside.Dir, "show.mkv"),
		"show.mkv.json":               filepath.Join(outside.Dir, "show.mkv.json"),
	} {
		if err := os.Symlink(to, filepath.Join(c.Dir, filepath.FromSlash(link))); err != nil {
			t.Fatal(err)
		}
	}
	// A stream's whole folder that is a link.
	c.Limits["linked"] = recorder.Limits{Keep: time.Hour}
	c.Sweep(time.Now())
	outside.expect(take+".mp4", "show.mkv", "show.mkv.json")
	if !slices.Contains(c.files(), "elsewhere/keep.txt") || slices.Contains(c.files(), "main/"+take+".md") {
		t.Errorf("files: %q", c.files())
	}
}

// The oldest goes first, the newest stays, and space is short only when nothing may go any more.
func TestJanitorMakesRoom(t *testing.T) {
	t.Parallel()
	c := newCellar(t, recorder.Limits{MinFree: 10_000, Removes: true})
	var room atomic.Int64
	room.Store(7_500)
	c.Free = func() (int64, error) {
		return room.Load() - 1000*int64(len(c.files())), nil
	}
	for i := range 4 {
		c.put(time.Duration(4-i)*day, fmt.Sprintf("main/2024-05-0%dT18-00-00Z.mp4", i+1))
	}
	c.put(day, "main/mine.mp4")
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { gone <- c.Serve(ctx) }()
	relaytest.Eventually(t, soon, "space to be short", func() bool { return c.Short("main") })
	if c.Short("other") {
		t.Error("a stream without a limit is short of space")
	}
	room.Store(12_500) // 10.5 kB are free: enough, but not by a tenth
	relaytest.Eventually(t, soon, "two looks", func() bool { c.Look(); return true })
	if !c.Short("main") {
		t.Error("space is not short any more with hardly more than there must be")
	}
	room.Store(13_500)
	relaytest.Eventually(t, soon, "room", func() bool { return !c.Short("main") })
	room.Store(12_500)
	c.Look()
	if c.Short("main") {
		t.Error("space is short with more than there must be")
	}
	cancel()
	if err := <-gone; err != nil {
		t.Error(err)
	}
	c.expect("main/2024-05-04T18-00-00Z.mp4", "main/mine.mp4")
	for i, r := range c.removed {
		if r.Session.Day() != i+1 || r.Bytes != 1000 || !strings.Contains(r.Why, "min_free") {
			t.Errorf("removal %d: %+v", i, r)
		}
	}
}

// Without a word in the settings nothing goes, however full the disk.
func TestJanitorRemovesNothingUnasked(t *testing.T) {
	t.Parallel()
	c := newCellar(t, recorder.Limits{MinFree: 10_000})
	c.Free = func() (int64, error) { return 0, nil }
	c.put(1000*day, "main/2024-05-01T18-00-00Z.mp4")
	c.put(1000*day, "main/2024-05-02T18-00-00Z.mp4")
	c.Sweep(time.Now())
	if c.Look(); !c.Short("main") {
		t.Error("space is not short")
	}
	c.expect("main/2024-05-01T18-00-00Z.mp4", "main/2024-05-02T18-00-00Z.mp4")
}

// What cannot be removed is told of, and keeps nothing else from being.
func TestJanitorTellsWhatItCannotRemove(t *testing.T) {
	t.Parallel()
	c := newCellar(t, recorder.Limits{Keep: time.Hour})
	c.put(30*day, "main/2024-05-01T18-00-00Z.mp4")
	c.put(30*day, "main/2024-05-02T18-00-00Z.mp4")
	c.Removed = func(r recorder.Removal) {
		c.removed = append(c.removed, r)
		if len(c.removed) == 1 { // the next is not a file any more
			name := filepath.Join(c.Dir, "main", "2024-05-02T18-00-00Z.mp4")
			if err := os.Remove(name); err != nil {
				t.Error(err)
			}
			write(t, nil, name, "in the way")
		}
	}
	c.Sweep(time.Now())
	if len(c.removed) != 2 || c.removed[0].Err != nil || c.removed[1].Err == nil {
		t.Errorf("removed: %+v", c.removed)
	}
}
