package output

import (
	"slices"
	"time"

	"go.uber.org/zap"
)

// What a runner tells about itself: every write to its status stands here.

func (r *runner) set(s State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.enterState(s)
}

// enterState is called with r.mu held.
func (r *runner) enterState(s State) {
	if r.status.State == s {
		return
	}
	r.status.State, r.status.Since = s, time.Now()
	r.status.NextTry = nil
	if s == Waiting || s == Retrying {
		r.status.Child = Child{Lines: r.status.Lines}
	}
}

func (r *runner) retry(why error, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.enterState(Retrying)
	r.status.Reason = r.redact.Redact(why.Error())
	select {
	case <-r.again: // asked for too late, for the wait before
	default:
	}
	r.status.Failures++
	r.status.NextTry = &next
}

func (r *runner) started(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Child = Child{Pid: pid}
	r.status.Starts++
	r.log.Info("output started", zap.Int("pid", pid))
}

func (r *runner) outTime(t time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.OutTime = t.Seconds()
}

func (r *runner) line(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Lines = append(r.status.Lines, s)
	if n := len(r.status.Lines); n > keptLines {
		r.status.Lines = slices.Delete(r.status.Lines, 0, n-keptLines)
	}
}

// progress is the watchdog's word. A child that delivers for a while has got over its last failure.
func (r *runner) progress(fed, done int64, moved bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Fed = fed
	if r.spec.Gate != nil {
		r.status.Done = done
	}
	if moved && r.status.State == Starting {
		r.enterState(Running)
		r.status.Reason = ""
	}
}

func (r *runner) attach(f *feed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.feed = f
}

// detach leaves the stream and keeps the counts.
func (r *runner) detach(f *feed) {
	f.sub.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.feed = nil
	r.status.count(f)
}

// count adds what a feed lost.
func (s *Status) count(f *feed) {
	s.Drops = s.Drops.Add(f.sub.Drops())
	s.Unreadable += f.unreadable.Load()
}

// Status returns the output's present state.
func (r *runner) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	s.Lines = slices.Clone(s.Lines)
	if r.feed != nil {
		s.count(r.feed)
	}
	return s
}

// Retry cuts the wait for the next try short. It reports whether there was one.
func (r *runner) Retry() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status.State != Retrying {
		return false
	}
	select {
	case r.again <- struct{}{}:
	default:
	}
	return true
}
