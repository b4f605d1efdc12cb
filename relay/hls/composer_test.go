package hls_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/hls"
)

var second = first.Add(time.Hour)

// child is a packager as the composer sees it: segments, and a playlist of the newest of them.
type child struct {
	t             *testing.T
	dir, session  string
	begin, number int64
	part          int
	lines         []string
}

func newChild(t *testing.T, dir, stream string, session, begin time.Time, part int) *child {
	t.Helper()
	name := session.Format("20060102T150405Z")
	return &child{t: t, dir: filepath.Join(dir, stream, name), session: name, begin: begin.UnixMilli(), number: 1000 * int64(part+1), part: part}
}

// packages adds segments of these lengths, in seconds.
func (c *child) packages(lengths ...float64) {
	c.t.Helper()
	for _, length := range lengths {
		name := fmt.Sprintf("%s-%d-%d.ts", c.session, c.begin, c.number)
		put(c.t, strings.Repeat("x", int(length*1000)), c.dir, name)
		c.lines = append(c.lines, fmt.Sprintf("#EXTINF:%f,\n%s\n", length, name))
		c.number++
	}
	put(c.t, "#EXTM3U\n"+strings.Join(c.lines, ""), c.dir, "parts", fmt.Sprintf("%d-%d.m3u8", c.begin, c.part))
}

// composing is a composer, and what it wrote.
type composing struct {
	*hls.Composer
	t *testing.T
}

func compose(t *testing.T, dir string, set hls.Settings) composing {
	t.Helper()
	return composing{&hls.Composer{Dir: dir, Settings: func(string) hls.Settings { return set }}, t}
}

// index composes at a moment and returns the playlist.
func (c composing) index(stream, session string, now time.Time) string {
	c.t.Helper()
	if err := c.Compose(now); err != nil {
		c.t.Fatal(err)
	}
	return get(c.t, c.Dir, stream, session, "index.m3u8")
}

func wants(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

// Numbers and dates go on over children, over another relay, and into the next session.
func TestNumbersGoOn(t *testing.T) {
	t.Parallel()
	dir, set, now := t.TempDir(), hls.Settings{Window: 2, Expected: 2 * time.Second}, time.Now()
	a := newChild(t, dir, "main", first, first, 0)
	a.packages(2, 2)
	wants(t, compose(t, dir, set).index("main", firstName, now), "#EXT-X-TARGETDURATION:3",
		fmt.Sprintf("#EXT-X-MEDIA-SEQUENCE:%d", first.Unix()), "#EXT-X-DISCONTINUITY-SEQUENCE:0",
		"#EXT-X-PROGRAM-DATE-TIME:2026-11-22T18:00:00.000Z", "#EXT-X-PROGRAM-DATE-TIME:2026-11-22T18:00:02.000Z")

	b := newChild(t, dir, "main", first, first.Add(5*time.Second), 0) // of a relay that was started anew
	b.packages(2, 2, 2, 2, 2)
	text := compose(t, dir, set).index("main", firstName, now)
	wants(t, text, fmt.Sprintf("#EXT-X-MEDIA-SEQUENCE:%d", first.Unix()+2), "#EXT-X-DISCONTINUITY-SEQUENCE:0", "#EXT-X-DISCONTINUITY",
		"#EXT-X-PROGRAM-DATE-TIME:2026-11-22T18:00:05.000Z", "#EXT-X-TARGETDURATION:3")
	b.packages(2)
	c := compose(t, dir, set)
	wants(t, c.index("main", firstName, now), fmt.Sprintf("#EXT-X-MEDIA-SEQUENCE:%d", first.Unix()+3), "#EXT-X-DISCONTINUITY-SEQUENCE:1")
	if err := c.End("main", first); err != nil {
		t.Fatal(err)
	}
	if text := get(t, dir, "main", firstName, "index.m3u8"); !strings.HasSuffix(text, "#EXT-X-ENDLIST\n") {
		t.Errorf("no end:\n%s", text)
	}
	newChild(t, dir, "main", second, second, 0).packages(2)
	wants(t, compose(t, dir, set).index("main", secondName, now), fmt.Sprintf("#EXT-X-MEDIA-SEQUENCE:%d", second.Unix()),
		"#EXT-X-DISCONTINUITY-SEQUENCE:1", "#EXT-X-DISCONTINUITY") // the break before its first segment is number 2
}

// A child that begins again at a keyframe that was packaged already repeats no more than half a segment, and no date goes
// back.
func TestWhatWasSeenIsNotRepeated(t *testing.T) {
	t.Parallel()
	dir, set := t.TempDir(), hls.Settings{Window: 9}
	c := compose(t, dir, set)
	newChild(t, dir, "main", first, first, 0).packages(2, 1.5)
	c.index("main", firstName, time.Now())
	newChild(t, dir, "main", first, first.Add(2*time.Second), 1).packages(2, 2)
	text := c.index("main", firstName, time.Now())
	if n := strings.Count(text, "#EXTINF"); n != 3 {
		t.Errorf("%d segments, want 3:\n%s", n, text)
	}
	wants(t, text, "#EXT-X-PROGRAM-DATE-TIME:2026-11-22T18:00:04.000Z")

	newChild(t, dir, "main", first, first.Add(5500*time.Millisecond), 2).packages(2)
	wants(t, c.index("main", firstName, time.Now()), "#EXT-X-PROGRAM-DATE-TIME:2026-11-22T18:00:06.000Z")
}

// The target duration is all variants', is that of the first segments, and rises if it must.
func TestTargetDuration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := compose(t, dir, hls.Settings{Window: 9, Expected: 4 * time.Second})
	own := newChild(t, dir, "main", first, first, 0)
	own.packages(2)
	wants(t, c.index("main", firstName, time.Now()), "#EXT-X-TARGETDURATION:5")
	small := newChild(t, dir, "main@small", first, first, 0)
	small.packages(1)
	wants(t, c.index("main@small", firstName, time.Now()), "#EXT-X-TARGETDURATION:5")
	own.packages(5.4)
	wants(t, c.index("main", firstName, time.Now()), "#EXT-X-TARGETDURATION:5")
	own.packages(8.6)
	wants(t, c.index("main", firstName, time.Now()), "#EXT-X-TARGETDURATION:9")
	small.packages(1)
	wants(t, c.index("main@small", firstName, time.Now()), "#EXT-X-TARGETDURATION:9")
	own.packages(2)
	wants(t, compose(t, dir, hls.Settings{Window: 9}).index("main", firstName, time.Now()), "#EXT-X-TARGETDURATION:9")
}

// The window holds three target durations, or as long as viewers may go back; what leaves it stays for as long as
// RFC 8216 section 6.2.2 wants, or for as long as the show is kept.
func TestWindow(t *testing.T) {
	t.Parallel()
	lengths := slices.Repeat([]float64{2}, 20)
	for name, c := range map[string]struct {
		set    hls.Settings
		listed int
		kept   int // segments on disk in the end
	}{
		"three target durations": {hls.Settings{Window: 2}, 5, 5}, // of 3 s
		"more":                   {hls.Settings{Window: 8}, 8, 8},
		"DVR":                    {hls.Settings{Window: 2, DVR: 29 * time.Second}, 15, 15},
		"kept":                   {hls.Settings{Window: 2, Keep: time.Hour}, 5, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, now := t.TempDir(), time.Now()
			newChild(t, dir, "main", first, first, 0).packages(lengths...)
			composer := compose(t, dir, c.set)
			text := composer.index("main", firstName, now)
			if n := strings.Count(text, "#EXTINF"); n != c.listed {
				t.Errorf("%d segments, want %d", n, c.listed)
			}
			onDisk := func(at time.Time) int {
				composer.index("main", firstName, at)
				files, _ := filepath.Glob(filepath.Join(dir, "main", firstName, "*.ts"))
				return len(files)
			}
			if n := onDisk(now.Add(time.Duration(2*c.listed+2) * time.Second)); n != 20 {
				t.Errorf("%d segments are left when the playlist's length is over, want all 20", n)
			}
			if n := onDisk(now.Add(time.Hour)); n != c.kept {
				t.Errorf("%d segments are left in the end, want %d", n, c.kept)
			}
			if err := composer.End("main", first); err != nil {
				t.Fatal(err)
			}
			whole, err := os.ReadFile(filepath.Join(dir, "main", firstName, "show.m3u8"))
			if kept := c.set.Keep > 0; kept != (err == nil) || kept && strings.Count(string(whole), "#EXTINF") != 20 {
				t.Errorf("the whole show: %v\n%s", err, whole)
			}
		})
	}
}

// A disk that cannot be written loses nothing that children could write: it is listed later.
func TestDiskTrouble(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := compose(t, dir, hls.Settings{Window: 9})
	a := newChild(t, dir, "main", first, first, 0)
	a.packages(2, 2)
	before := c.index("main", firstName, time.Now())
	journal := filepath.Join(dir, "main", firstName, "journal.jsonl")
	text := get(t, journal)
	put(t, text+`{"segment":{"n":17`+strings.Repeat(" ", 500), journal) // the relay was killed while it wrote
	c = compose(t, dir, hls.Settings{Window: 9})
	if got := c.index("main", firstName, time.Now()); got != before {
		t.Errorf("half a line changed the playlist to\n%s", got)
	}

	index := filepath.Join(dir, "main", firstName, "index.m3u8")
	if err := os.Mkdir(index+".new", 0o755); err != nil { // the playlist cannot be written
		t.Fatal(err)
	}
	a.packages(2)
	if c.Compose(time.Now()) == nil {
		t.Error("nothing is told of a playlist that cannot be written")
	}
	if err := os.Remove(index + ".new"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(c.index("main", firstName, time.Now()), "#EXTINF"); got != 3 {
		t.Errorf("%d segments once the disk is well, want 3", got)
	}

	if text := get(t, journal); strings.Count(text, "\n") != 4 || !strings.HasSuffix(text, "}\n") { // a target duration, three segments
		t.Errorf("half a line is left in the journal:\n%s", text)
	}

	if err := os.Remove(journal); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(journal, 0o755); err != nil {
		t.Fatal(err)
	}
	a.packages(2)
	if c.Compose(time.Now()) == nil {
		t.Error("nothing is told of a journal that cannot be written")
	}
}

// After a restart playlists of sessions that do not go on are ended, with what their children finished meanwhile.
func TestRecover(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "[hls]*") // what means something to globs is a name like another
	a, b := newChild(t, dir, "main", first, first, 0), newChild(t, dir, "other", second, second, 0)
	r := newChild(t, dir, "other@small", second.Add(time.Second), second, 0)
	for _, c := range []*child{a, b, r} {
		c.packages(2)
	}
	if err := compose(t, dir, hls.Settings{Window: 9}).Compose(time.Now()); err != nil {
		t.Fatal(err)
	}
	a.packages(1)
	for range 2 {
		if err := compose(t, dir, hls.Settings{Window: 9}).Recover(map[string]time.Time{"other": second}); err != nil {
			t.Fatal(err)
		}
	}
	ended := get(t, dir, "main", firstName, "index.m3u8")
	if strings.Count(ended, "#EXTINF") != 2 || !strings.HasSuffix(ended, "#EXT-X-ENDLIST\n") {
		t.Errorf("the session that does not go on:\n%s", ended)
	}
	for _, name := range []string{"other/" + secondName, "other@small/20261122T190001Z"} {
		if text := get(t, dir, name, "index.m3u8"); strings.Contains(text, "ENDLIST") {
			t.Errorf("%s was ended:\n%s", name, text)
		}
	}
	if err := (&hls.Composer{Dir: filepath.Join(dir, "none")}).Recover(nil); err != nil {
		t.Errorf("without a folder: %v", err)
	}
}

// A playlist ends when its session is over and its packager gone, not while another packager may follow; one that nobody
// ends, because nobody returned to it, ends when it has been quiet for a while.
func TestEnd(t *testing.T) {
	t.Parallel()
	dir, on := t.TempDir(), true
	c := compose(t, dir, hls.Settings{Window: 9})
	c.On = func(string) (time.Time, bool) { return first, on }
	newChild(t, dir, "main", first, first, 0).packages(2)
	ended := func(now time.Time) bool { return strings.Contains(c.index("main", firstName, now), "ENDLIST") }
	later := time.Now().Add(time.Hour)
	if err := c.End("main", first); err != nil || ended(later) {
		t.Errorf("ended while the session is on: %v", err)
	}
	on = false
	if ended(time.Now()) || !ended(later) || !ended(later) {
		t.Error("not ended when it was quiet for long")
	}
	if err := c.End("main", second); err != nil {
		t.Errorf("a session that nothing was packaged of: %v", err)
	}
	if err := c.End("other", first); err != nil || exists(dir, "other") {
		t.Errorf("a stream that nothing was packaged of: %v", err)
	}
}

// A relay that stops leaves the playlists of its sessions open: they may go on.
func TestSuspend(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := compose(t, dir, hls.Settings{Window: 9})
	newChild(t, dir, "main", first, first, 0).packages(2)
	c.index("main", firstName, time.Now())
	c.Suspend()
	if err := c.End("main", first); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(c.index("main", firstName, time.Now()), "ENDLIST") {
		t.Error("ended")
	}
}
