package recorder

import (
	"path/filepath"
	"slices"
	"time"
)

// A finished file is made beside what it is made of, so finishing a take needs as much space again. Where there is not
// that much, the takes wait, parked, and play as they are: a full disk would cost the show that is on.

// parked is a take that waits for room.
type parked struct {
	*take
	bytes int64 // of the file that was to be made
}

// park has a take wait. Of several for one session the newest knows best.
func (f *Finisher) park(t *take, bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.parked = slices.DeleteFunc(f.parked, func(p parked) bool { return p.base == t.base }) // it has fewer parts
	f.parked = append(f.parked, parked{t, bytes})
}

// Again asks for the takes that there is room for now.
func (f *Finisher) Again() {
	f.mu.Lock()
	waiting := f.parked
	f.parked = nil
	f.mu.Unlock()
	for _, p := range waiting {
		if f.Room(p.bytes) == nil {
			f.add(p.take)
		} else {
			f.park(p.take, p.bytes)
		}
	}
}

// Has reports whether a session's take is in the finisher's work. One that waits for room is not: it may wait for ever.
func (f *Finisher) Has(stream string, session time.Time) bool {
	base := filepath.Join(f.Dir, stream, session.UTC().Format(stamp))
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now != nil && f.now.base == base ||
		slices.ContainsFunc(f.queue, func(t *take) bool { return t.base == base })
}
