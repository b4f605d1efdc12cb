package recorder

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// maxSessions is how many sessions are remembered: the newest.
	maxSessions = 200
	// lookAgain is how often the folder is looked at for what is new.
	lookAgain = 3 * time.Second
	// tellEvery is how often, while many boxes are being read, what is known so far is told.
	tellEvery = 200 * time.Millisecond
)

// History is the sessions that are over, as their black boxes tell. What a box comes to is kept in memory while the file
// is what it was; nothing else is stored.
type History struct {
	Dir string // of all recordings
	// On reports whether a session is on: its box is left alone. Default: none is.
	On func(stream string, start time.Time) bool
	// Report is told of boxes that cannot be read, once for each. Default: nobody is.
	Report func(file string, err error)

	mu     sync.Mutex
	newest []Session
}

// Sessions are the newest sessions that are over, the newest first. It does not wait for the disk: soon after the start
// there are fewer.
func (h *History) Sessions() []Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.newest)
}

// Serve keeps Sessions up to date until ctx is cancelled. It reads one box at a time.
func (h *History) Serve(ctx context.Context) error {
	known := map[string]reading{}
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		known = h.look(ctx, known)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// reading is what a box came to when it was as it is.
type reading struct {
	size    int64
	changed time.Time
	Session
	failed bool
}

// look reads the boxes that are not known, newest first, and returns what is known then.
func (h *History) look(ctx context.Context, known map[string]reading) map[string]reading {
	bases := h.bases()
	now, told := make(map[string]reading, len(bases)), time.Now()
	for _, base := range bases {
		info, err := os.Stat(base + eventsExtension)
		if err != nil {
			continue // removed
		}
		r, ok := known[base]
		if !ok || r.size != info.Size() || !r.changed.Equal(info.ModTime()) {
			if ctx.Err() != nil {
				return known
			}
			begun := time.Now()
			r = h.read(base, info)
			rest(ctx, time.Since(begun))
		}
		now[base] = r
		if time.Since(told) > tellEvery {
			h.tell(bases, now)
			told = time.Now()
		}
	}
	h.tell(bases, now)
	return now
}

// rest leaves the disk to others for as long as it was used: 200 boxes are some gigabytes, and a show may begin.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// bases are the boxes that count, without extension, the newest first.
func (h *History) bases() []string {
	found, _ := fs.Glob(os.DirFS(h.Dir), "*/*"+eventsExtension) // the pattern is well formed
	var all []string
	for _, name := range found {
		base := strings.TrimSuffix(name, eventsExtension)
		start, err := time.Parse(stamp, filepath.Base(base))
		if err != nil || h.On != nil && h.On(filepath.Dir(base), start) {
			continue
		}
		all = append(all, filepath.Join(h.Dir, base))
	}
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(filepath.Base(b), filepath.Base(a)), cmp.Compare(a, b))
	})
	return all[:min(len(all), maxSessions)]
}

func (h *History) read(base string, info fs.FileInfo) reading {
	r := reading{size: info.Size(), changed: info.ModTime()}
	s, err := readHistory(base)
	if err != nil {
		r.failed = true
		if h.Report != nil {
			h.Report(base+eventsExtension, err)
		}
		return r
	}
	r.Session = s
	return r
}

func readHistory(base string) (Session, error) {
	f, err := os.Open(base + eventsExtension)
	if err != nil {
		return Session{}, fmt.Errorf("look at session: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	s := &story{}
	if err := readEvents(f, s.add); err != nil {
		return Session{}, err
	}
	s.close()
	one := s.session()
	one.Stream = filepath.Base(filepath.Dir(base))
	one.Start, _ = time.Parse(stamp, filepath.Base(base)) // or it would not be among the boxes
	if one.End.Before(one.Start) {
		one.End = one.Start
	}
	return one, nil
}

// tell makes what is known so far what Sessions returns, with the files that are there now.
func (h *History) tell(bases []string, known map[string]reading) {
	folders := map[string][]string{}
	var all []Session
	for _, base := range bases {
		r, ok := known[base]
		if !ok || r.failed {
			continue
		}
		folder := filepath.Dir(base)
		if _, listed := folders[folder]; !listed {
			folders[folder] = names(folder)
		}
		r.files(filepath.Base(base), folders[folder])
		all = append(all, r.Session)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.newest = all
}

// names are those of the files in a folder; a folder that cannot be listed has none.
func names(folder string) (all []string) {
	files, _ := os.ReadDir(folder)
	for _, f := range files {
		all = append(all, f.Name())
	}
	return all
}
