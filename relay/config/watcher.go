package config

import (
	"cmp"
	"context"
	"time"
)

const (
	defaultDebounce = 100 * time.Millisecond
	defaultRescan   = 5 * time.Second

	// A file that is written without a pause must still be taken up.
	longestDebounce = time.Second

	// How soon a folder is looked at again that cannot be watched, missing ones included.
	unwatchedRescan = time.Second
)

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
	Streams  []string       // names of the streams that exist
	Debounce time.Duration  // quiet time awaited before reading, for at most 1 s in all; default 100 ms
	Rescan   time.Duration  // default 5 s; a folder that cannot be watched is read every second at least
	Apply    func(Snapshot) // called one at a time; first before anything is waited for, then for changes only
}

// Serve watches until ctx ends, and returns its error.
func (w *Watcher) Serve(ctx context.Context) error {
	debounce := cmp.Or(w.Debounce, defaultDebounce)
	events := openNotifier()
	defer events.close()

	var state keeper
	settled := true // nothing is in use yet that half a change could harm
	for ctx.Err() == nil {
		// Watched first, read then: a change in between is an event.
		watched := events.follow(w.Dir)
		snapshot := state.next(LoadDir(w.Dir, w.Streams))
		changed := state.differs(snapshot)
		if changed && !settled {
			// Found by the clock, perhaps in the midst of a save: editors remove the file and put a new one in its place.
			events.settle(ctx, debounce, longestDebounce)
			settled = true
			continue
		}
		if changed {
			state.accept(snapshot)
			w.Apply(snapshot)
		}
		settled = events.wait(ctx, w.interval(watched))
		if settled {
			events.settle(ctx, debounce, longestDebounce)
		}
	}
	return ctx.Err()
}

func (w *Watcher) interval(watched bool) time.Duration {
	rescan := cmp.Or(w.Rescan, defaultRescan)
	if !watched {
		rescan = min(rescan, unwatchedRescan)
	}
	return rescan
}
