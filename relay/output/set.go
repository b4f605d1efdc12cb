package output

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// startsPerSecond bounds how many outputs that failed try again in a second, all of them taken together: each costs a
// child and a handshake, and what took them down is often common to all.
const startsPerSecond = 5

// Set runs the outputs that are wanted: it starts and stops exactly those that changed.
type Set struct {
	// Source finds the stream of an output; nil if there is none.
	Source func(stream string) Source
	Tool   Tool
	Log    *zap.Logger
	// See is told of each change of an output's state. It must neither block nor call back. Default: nobody is.
	See func(Status)
	// Healthy is how long a child must have run for its next failure to count as the first. Default 1 min.
	Healthy time.Duration
	// Spool is a folder for what outputs that lose nothing cannot hold in memory. Default: that of temporary files.
	Spool string

	starts  *rate.Limiter
	mu      sync.Mutex
	wg      sync.WaitGroup
	ctx     context.Context // Serve's; nil before
	outputs map[ID]*entry
	wanted  []Spec // before Serve
}

// entry is one output that is wanted, or was and is finishing.
type entry struct {
	runner  *runner
	print   string
	cancel  context.CancelFunc
	done    chan struct{} // the runner is gone
	dropped bool          // no longer wanted
}

// Serve runs outputs until ctx is cancelled, then stops them all and returns when the last child is gone.
func (s *Set) Serve(ctx context.Context) error {
	s.mu.Lock()
	s.ctx, s.outputs, s.starts = ctx, map[ID]*entry{}, rate.NewLimiter(startsPerSecond, 1)
	s.reconcile(s.wanted)
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()   // no runner is added from here on: reconcile looks at ctx
	s.mu.Unlock() //nolint:staticcheck // the empty section is the point
	s.wg.Wait()
	return nil
}

// Apply makes specs what is wanted. It does not wait: an output that is to stop finishes in its own time, and one that
// changed starts anew only when its old child is gone (platforms refuse or replace a second publish of one key).
func (s *Set) Apply(specs []Spec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted = slices.Clone(specs)
	if s.ctx != nil {
		s.reconcile(specs)
	}
}

// reconcile is called with s.mu held.
func (s *Set) reconcile(specs []Spec) {
	if s.ctx.Err() != nil {
		return
	}
	wanted := map[ID]bool{}
	for _, spec := range specs {
		wanted[spec.ID] = true
		old := s.outputs[spec.ID]
		if old != nil && !old.dropped && old.print == spec.Fingerprint {
			continue
		}
		s.start(spec, old)
	}
	for id, e := range s.outputs {
		if !wanted[id] && !e.dropped {
			e.dropped = true
			e.runner.log.Info("output removed")
			e.cancel()
		}
	}
}

// start runs an output once the one it follows, if any, is gone.
func (s *Set) start(spec Spec, old *entry) {
	source := s.Source(spec.from())
	if source == nil && spec.Rest == (Rest{}) { // an output at rest is shown all the same: it needs no stream
		s.Log.Error("output of a stream that does not exist", zap.String("stream", spec.ID.Stream), zap.String("name", spec.ID.Name))
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	e := &entry{
		runner: newRunner(spec, source, s), print: spec.Fingerprint,
		cancel: cancel, done: make(chan struct{}),
	}
	s.outputs[spec.ID] = e
	word := "output added"
	if old != nil {
		old.cancel()
		if word = "output changed"; old.dropped {
			word = "output added again"
		}
	}
	e.runner.log.Info(word, zap.String("target", spec.Target))
	s.wg.Go(func() {
		defer s.forget(spec.ID, e)
		defer close(e.done)
		defer cancel()
		if old != nil {
			<-old.done
		}
		if err := e.runner.Serve(ctx); err != nil {
			e.runner.log.Error("output ended", zap.Error(err))
		}
	})
}

// forget removes an output that was dropped, unless another has taken its place.
func (s *Set) forget(id ID, e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outputs[id] == e && e.dropped {
		delete(s.outputs, id)
	}
}

// Drain waits until every output has delivered what its closed stream still held and is gone, or ctx is over.
func (s *Set) Drain(ctx context.Context) {
	s.mu.Lock()
	entries := slices.Collect(maps.Values(s.outputs))
	s.mu.Unlock()
	for _, e := range entries {
		select {
		case <-e.done:
		case <-ctx.Done():
		}
	}
}

// Retry has an output that waits for its next try do it now. It reports whether there is such an output.
func (s *Set) Retry(id ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.outputs[id]
	return e != nil && e.runner.Retry()
}

// Snapshot returns every output's state, ordered by stream, kind and name.
func (s *Set) Snapshot() []Status {
	s.mu.Lock()
	entries := slices.Collect(maps.Values(s.outputs))
	s.mu.Unlock()
	all := make([]Status, 0, len(entries))
	for _, e := range entries {
		all = append(all, e.runner.Status())
	}
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// String is the output's full name: stream/kind/name.
func (id ID) String() string { return fmt.Sprintf("%s/%s/%s", id.Stream, id.Kind, id.Name) }
