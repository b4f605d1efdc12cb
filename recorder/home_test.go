package recorder_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// named has a finisher give files names of a template.
func (b *bench) named(t *testing.T, text string) *bench {
	name := template(t, text)
	b.Form = func(string) recorder.Form { return recorder.Form{Name: name} }
	return b
}

func TestNames(t *testing.T) {
	t.Parallel()
	media := short(t)
	part := read(t, record(t, t.TempDir(), media))
	for name, c := range map[string]struct {
		template string
		there    []string // files before
		want     string
	}{
		"in a folder":           {"{start:2006/01/02}/{stream} {start:15h04}", nil, "2026/11/22/main 18h00.mp4"},
		"in the folder itself":  {"{stream}_{start}", nil, "main_2026-11-22T18-00-00Z.mp4"},
		"taken":                 {"shows/{stream}", []string{"shows/main.mp4", "shows/main-2.mp4"}, "shows/main-3.mp4"},
		"its sidecar is there":  {"shows/{stream}", []string{"shows/main.mp4.json"}, "shows/main-2.mp4"},
		"a folder of that name": {"shows", []string{"shows.mp4/x"}, "shows-2.mp4"},
		"with its number":       {"shows/{stream}-{part}", nil, "shows/main-1.mp4"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range c.there {
				write(t, []byte("mine"), dir, file)
			}
			write(t, part, dir, "main", startName+".mp4")
			b := newBench(dir, runFFmpeg).named(t, c.template)
			b.Session("main", start)
			file := filepath.Join(dir, c.want)
			allWell(t, b.serve(t), file)
			sameMedia(t, file, media)
			for _, other := range c.there {
				if string(read(t, filepath.Join(dir, other))) != "mine" {
					t.Errorf("%s was overwritten", other)
				}
			}
			if left := names(t, filepath.Join(dir, "main")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if err := b.All(); err != nil {
				t.Fatal(err)
			}
			if all := b.serve(t); len(all) > 0 {
				t.Errorf("finished again: %v", all)
			}
		})
	}
}

// A name that leads elsewhere by a link, or cannot be given, is not: the file has its usual one, and somebody is told.
func TestNamesLeadNowhereElse(t *testing.T) {
	t.Parallel()
	media := short(t)
	part := read(t, record(t, t.TempDir(), media))
	for name, prepare := range map[string]func(t *testing.T, dir, outside string){
		"a link to a folder outside": func(t *testing.T, dir, outside string) { symlink(t, outside, filepath.Join(dir, "shows")) },
		"a link to above":            func(t *testing.T, dir, _ string) { symlink(t, "..", filepath.Join(dir, "shows")) },
		"a file where a folder is":   func(t *testing.T, dir, _ string) { write(t, nil, dir, "shows") },
	} {
		t.Run(name, func(t *testing.T) {
			outside := t.TempDir()
			dir := filepath.Join(t.TempDir(), "recordings")
			file := write(t, part, dir, "main", startName+".mp4")
			prepare(t, dir, outside)
			b := newBench(dir, runFFmpeg).named(t, "shows/{stream}")
			b.Session("main", start)
			all := b.serve(t)
			if len(all) != 2 || all[0].err == nil || !strings.Contains(all[0].err.Error(), "usual name") {
				t.Fatalf("reports: %v", all)
			}
			allWell(t, all[1:], file)
			sameMedia(t, file, media)
			if got := slices.Concat(names(t, outside), names(t, filepath.Dir(dir))); !slices.Equal(got, []string{"recordings"}) {
				t.Errorf("outside: %v", got)
			}
		})
	}
}

func symlink(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}

// Who runs the relay may put a stream's recordings on another disk by a link.
func TestNamesInALinkedFolder(t *testing.T) {
	t.Parallel()
	media := short(t)
	dir, disk := t.TempDir(), t.TempDir()
	symlink(t, disk, filepath.Join(dir, "main"))
	file := record(t, dir, media)
	b := newBench(dir, runFFmpeg)
	b.Session("main", start)
	allWell(t, b.serve(t), file)
	only(t, disk, "")
}

func TestSidecar(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	media := []string{short(t), relaytest.Media(t)}
	hour := time.Date(2026, 11, 22, 19, 0, 0, 0, time.UTC)
	first := record(t, dir, media[0])
	at(t, first, hour)
	at(t, record(t, dir, media[1]), hour.Add(38*time.Second))
	black(t, dir, entry(hour.Add(-5*time.Second), "hold", ""), entry(hour.Add(-time.Second), "feeding", "studio"),
		entry(hour.Add(5*time.Second), "opened", ""), entry(hour.Add(40*time.Second), "ended", ""))
	b := newBench(dir, runFFmpeg)
	b.Session("main", start)
	allWell(t, b.serve(t), first)
	s, err := recorder.ReadSidecar(first)
	if err != nil {
		t.Fatal(err)
	}
	content := read(t, first)
	sum := sha256.Sum256(content)
	if s.SHA256 != hex.EncodeToString(sum[:]) || s.Bytes != int64(len(content)) || s.File != filepath.Base(first) || s.Container != recorder.MP4 {
		t.Errorf("file: %+v", s)
	}
	if s.Stream != "main" || !s.Session.Equal(start) || !s.Ended.Equal(hour.Add(40*time.Second)) || !s.To.Equal(hour.Add(38*time.Second)) {
		t.Errorf("times: %+v", s)
	}
	if s.Duration < 10 || s.Duration > 10.2 || s.To.Sub(s.From) < 39*time.Second || s.To.Sub(s.From) > 41*time.Second {
		t.Errorf("it lasts %v s, from %v to %v", s.Duration, s.From, s.To)
	}
	picture := recorder.TrackInfo{Kind: "video", Codec: "h264", Width: 640, Height: 360, FPS: s.Tracks[0].FPS, Packets: 300}
	sound := recorder.TrackInfo{Kind: "audio", Codec: "aac", Rate: 48000, Channels: 2, Packets: len(hashes(t, relaytest.AudioHashes, media...))}
	if !slices.Equal(s.Tracks, []recorder.TrackInfo{picture, sound}) || picture.FPS < 29.5 || picture.FPS > 30.1 {
		t.Errorf("tracks: %+v", s.Tracks)
	}
	if len(s.Gaps) != 1 || s.Gaps[0].Lasts < 29 || s.Gaps[0].Lasts > 31 || s.Gaps[0].At < 1.9 || s.Gaps[0].At > 2.1 {
		t.Errorf("gaps: %+v", s.Gaps)
	}
	if len(s.Chapters) != 3 || s.Chapters[0].Title != "Hold" || s.Chapters[2].End < 10 {
		t.Errorf("chapters: %+v", s.Chapters)
	}
	if want := []string{startName + ".mp4", startName + ".part2.mp4"}; !slices.Equal(s.Parts, want) {
		t.Errorf("parts %v, want %v", s.Parts, want)
	}

	// The session goes on: the file is another then, and what is told of it keeps the gap there was.
	at(t, record(t, dir, media[0]), hour.Add(50*time.Second))
	b.Session("main", start)
	allWell(t, b.serve(t), first)
	again, err := recorder.ReadSidecar(first)
	sum = sha256.Sum256(read(t, first))
	if err != nil || again.SHA256 != hex.EncodeToString(sum[:]) || len(again.Gaps) != 2 || again.Gaps[0] != s.Gaps[0] {
		t.Errorf("%v: %+v", err, again)
	}
	if _, err := recorder.ReadSidecar(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
}
