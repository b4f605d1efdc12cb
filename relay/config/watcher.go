package config

import (
	"cmp"
	"context"
	"time"
)

const defaultRescan = 5 * time.Second

// Watcher keeps reading a folder of destinations while the relay runs:
//
//	read everything ─▶ keep what is broken as it was ─▶ Apply, if anything changed ─▶ wait ─┐
//	        ▲                                                                               │
//	        └── an event in the folder, once it is quiet for Debounce; or Rescan has passed ◀┘
//
// Events only say when to look. What they say happened is not used, so none can be misunderstood or missed for longer
// than Rescan, which alone finds changes inside of key files and folders swapped behind a symlink.
type Watcher struct {
	Dir      string
	Known    Known          // what destinations may name
	Debounce time.Duration  // quiet time awaited before reading, for at most 1 s in all; default 100 ms
	Rescan   time.Duration  // default 5 s; a folder that cannot be watched is read every second at least
	Apply    func(Snapshot) // called one at a time; first before anything is waited for, then for changes only

	open opener // default: fsnotify's
}

// Serve watches until ctx ends, and returns its error.
func (w *Watcher) Serve(ctx context.Context) error {
	var state keeper
	dir := folder{dir: w.Dir, known: w.Known}
	r := rereader{
		dir:      w.Dir,
		open:     w.open,
		debounce: cmp.Or(w.Debounce, defaultDebounce),
		rescan:   cmp.Or(w.Rescan, defaultRescan),
		settled:  true, // nothing is in use yet that half a change could harm
		look: func() (take func()) {
			snapshot := state.next(dir.load())
			if !state.differs(snapshot) {
				return nil
			}
			return func() {
				state.accept(snapshot)
				w.Apply(snapshot)
			}
		},
	}
	return r.serve(ctx)
}
