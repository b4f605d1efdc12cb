package config

import (
	"context"
	"time"
)

const (
	defaultDebounce = 100 * time.Millisecond

	// A file that is written without a pause must still be taken up.
	longestDebounce = time.Second

	// How soon a folder is looked at again that cannot be watched, missing ones included.
	unwatchedRescan = time.Second
)

// rereader looks again and again at what is configured:
//
//	look ─▶ take, if anything changed ─▶ wait ─┐
//	  ▲                                        │
//	  └── an event in dir, once it is quiet    │
//	      for debounce; or rescan has passed ◀─┘
//
// Events only say when to look. What they say happened is not used, so none can be misunderstood or missed for longer
// than rescan.
type rereader struct {
	dir              string
	debounce, rescan time.Duration
	look             func() (take func()) // reads everything; nil when nothing changed
	open             opener               // default: fsnotify's
	settled          bool                 // what is seen may be taken at once: it is not the middle of a change
}

// serve goes on until ctx ends, and returns its error.
func (r *rereader) serve(ctx context.Context) error {
	events := openNotifier(r.open)
	defer events.close()
	for ctx.Err() == nil {
		// Watched first, read then: a change in between is an event.
		watched := events.follow(r.dir)
		take := r.look()
		if take != nil && !r.settled {
			// Found by the clock, perhaps in the midst of a save: editors remove the file and put a new one in its place.
			events.settle(ctx, r.debounce, longestDebounce)
			r.settled = true
			continue
		}
		if take != nil {
			take()
		}
		r.settled = events.wait(ctx, r.interval(watched))
		if r.settled {
			events.settle(ctx, r.debounce, longestDebounce)
		}
	}
	return ctx.Err()
}

func (r *rereader) interval(watched bool) time.Duration {
	if !watched {
		return min(r.rescan, unwatchedRescan)
	}
	return r.rescan
}
