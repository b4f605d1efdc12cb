package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lookEvery  = time.Second      // how often free space is looked at
	sweepEvery = time.Minute      // how often takes are looked at while there is enough of it
	hurryEvery = 10 * time.Second // how often they are while there is not, and none may go
	// settled is how long nothing must have been written to a take before it may go: between the end of a session and
	// the finisher's work it is nobody's.
	settled = time.Minute
)

// Limits are how much of the disk the takes of a stream may have. The zero value removes nothing and stops nothing.
type Limits struct {
	Keep    time.Duration // age at which a take goes; 0: never
	MaxSize int64         // bytes of all takes; 0: no limit
	MinFree int64         // bytes of the file system to be left free; 0: none
	Removes bool          // takes may go for MinFree as well; without it, recording only stops
}

// Removal is a take that went, or one that could not.
type Removal struct {
	Stream  string
	Session time.Time
	Files   []string // below the folder of all recordings
	Bytes   int64
	Why     string
	Err     error
}

// Janitor keeps recordings within what the disk may give them. It removes takes whole and oldest first:
//
//	older than Keep ─▶ more than MaxSize in all ─▶ less than MinFree left ─▶ nothing may go: Short
//
// A take that is open is never touched, nor the newest one of a stream except for its age: nobody wants the show of last
// night to go because it was long. Clips are left to whoever made them: they neither go nor count. No link is followed
// and nothing outside of Dir is touched.
type Janitor struct {
	Dir    string            // of all recordings
	Limits map[string]Limits // by stream. Takes of other streams are left alone
	// InUse reports whether a session is on, or somebody works on its files. Default: none is.
	InUse func(stream string, session time.Time) bool
	// Removed is told of each take that went or should have. Default: nobody is.
	Removed func(Removal)
	// Free returns how many bytes of the file system are free. Default: those of Dir's, for this process.
	Free func() (int64, error)

	mu    sync.Mutex
	short map[string]bool // streams there is too little space for
}

// Serve keeps order until ctx is cancelled. It starts no goroutine.
func (j *Janitor) Serve(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var swept time.Time
	wasTight := false
	for {
		now, tight := time.Now(), j.isTight()
		due := sweepEvery
		if tight {
			due = hurryEvery
		}
		if tight && !wasTight || now.Sub(swept) >= due {
			j.Sweep(now)
			swept = now
		}
		wasTight = tight
		j.Look()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Short reports whether there is too little space for a stream to be recorded. It ends when there is a tenth more than
// MinFree, so that recording does not come and go.
func (j *Janitor) Short(stream string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.short[stream]
}

// Look takes note of how much space there is. A file system that cannot be asked is not short of it: what is wrong with
// it, whoever writes will tell.
func (j *Janitor) Look() {
	free, err := j.free()
	j.mu.Lock()
	defer j.mu.Unlock()
	short := map[string]bool{}
	for stream, l := range j.Limits {
		enough := l.MinFree
		if j.short[stream] {
			enough += l.MinFree / 10
		}
		short[stream] = err == nil && free < enough
	}
	j.short = short
}

// isTight reports whether takes may go for want of space.
func (j *Janitor) isTight() bool {
	free, err := j.free()
	for _, l := range j.Limits {
		if err == nil && l.Removes && free < l.MinFree {
			return true
		}
	}
	return false
}

func (j *Janitor) free() (int64, error) {
	if j.Free != nil {
		return j.Free()
	}
	var st unix.Statfs_t
	if err := unix.Statfs(j.Dir, &st); err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// Sweep removes what must go at a moment.
func (j *Janitor) Sweep(now time.Time) {
	root, err := os.OpenRoot(j.Dir)
	if err != nil {
		return // there is nothing to remove; who writes there makes the folder, or tells why not
	}
	defer root.Close() //nolint:errcheck // only a handle
	stock, err := takeStock(root)
	if err != nil {
		return
	}
	for _, h := range stock {
		h.open = now.Sub(h.end) < settled || j.InUse != nil && j.InUse(h.stream, h.start())
	}
	free, err := j.free()
	for _, v := range choose(stock, j.Limits, free, err == nil, now) {
		v.Err = remove(root, v.Files)
		if j.Removed != nil {
			j.Removed(v)
		}
	}
}

// remove removes files. One that cannot be removed keeps those that tell whose it is.
func remove(root *os.Root, files []string) error {
	for _, name := range files {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove recording: %w", err)
		}
	}
	return nil
}

// choose says which takes must go, and why, in that order. It looks at nothing but what it is given; of space that is
// not known there is enough.
func choose(stock []*holding, limits map[string]Limits, free int64, known bool, now time.Time) []Removal {
	left := slices.Clone(stock)
	slices.SortStableFunc(left, func(a, b *holding) int { return cmp.Or(a.end.Compare(b.end), cmp.Compare(a.session, b.session)) })
	total, newest := map[string]int64{}, map[string]string{}
	for _, h := range left {
		total[h.stream] += h.bytes
		if h.media {
			newest[h.stream] = max(newest[h.stream], h.session)
		}
	}
	var all []Removal
	pass := func(why func(*holding, Limits) string) {
		left = slices.DeleteFunc(left, func(h *holding) bool {
			l, ours := limits[h.stream]
			if !ours || h.open {
				return false
			}
			reason := why(h, l)
			if reason == "" {
				return false
			}
			all = append(all, Removal{Stream: h.stream, Session: h.start(), Files: h.files, Bytes: h.bytes, Why: reason})
			total[h.stream] -= h.bytes
			free += h.bytes
			return true
		})
	}
	spare := func(h *holding) bool { return h.media && h.session != newest[h.stream] }
	pass(func(h *holding, l Limits) string {
		if l.Keep > 0 && now.Sub(h.end) > l.Keep {
			return fmt.Sprintf("it is older than keep: %v", l.Keep)
		}
		return ""
	})
	pass(func(h *holding, l Limits) string {
		if l.MaxSize > 0 && total[h.stream] > l.MaxSize && spare(h) {
			return fmt.Sprintf("the stream's takes have more than max_size: %d bytes of %d", total[h.stream], l.MaxSize)
		}
		return ""
	})
	pass(func(h *holding, l Limits) string {
		if known && l.Removes && free < l.MinFree && spare(h) {
			return fmt.Sprintf("less than min_free is free: %d bytes of %d", free, l.MinFree)
		}
		return ""
	})
	return all
}
