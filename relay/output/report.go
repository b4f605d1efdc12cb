package output

import (
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"
)

const (
	// muteAfter is when a platform that has not answered is told of, slowFor how long slowness is remembered.
	muteAfter = 4 * time.Second
	slowFor   = 5 * time.Second
	// proving is the part of a healthy time for which a platform must take media for its key to be right: some say no
	// only after a while.
	proving = 6
)

// What a runner tells about itself: every write to its status stands here.

func (r *runner) set(s State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.enterState(s) {
		r.tell()
	}
}

// tell tells whoever looks that the state changed. It is called with r.mu held, when all that goes with it is known.
func (r *runner) tell() {
	if r.of.See != nil {
		s := r.status
		s.Lines, s.Delivery = nil, nil
		r.of.See(s)
	}
}

// enterState is called with r.mu held. It reports whether that is news.
func (r *runner) enterState(s State) bool {
	if r.status.State == s {
		return false
	}
	if r.status.State == Stopping && s != Retrying { // the child ended in order: what was wrong while it ran is over
		r.status.Class, r.status.Reason = "", ""
	}
	r.status.State, r.status.Since = s, time.Now()
	r.status.NextTry = nil
	if s == Waiting || s == Retrying {
		r.status.Child = Child{Lines: r.status.Lines}
		if r.link = nil; r.status.Delivery != nil {
			r.status.Delivery = r.status.Delivery.at(None)
		}
	}
	return true
}

func (r *runner) retry(why error, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.enterState(Retrying)
	r.status.Class, r.status.Reason = classOf(why), r.redact.Redact(why.Error())
	select {
	case <-r.again: // asked for too late, for the wait before
	default:
	}
	r.status.Failures++
	r.status.NextTry = &next
	r.tell()
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

// see is the watchdog's word. A child that delivers has got over its last failure.
func (r *runner) see(fed int64, moved bool) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Fed = fed
	if moved && r.status.State == Starting {
		r.enterState(Running)
		r.status.Class, r.status.Reason = "", ""
		r.tell()
	}
	if d := r.status.Delivery; d != nil && r.link != nil {
		d.update(r.link.Progress(), now)
		r.proven = r.proven || d.Grade == Acked && r.status.State == Running && now.Sub(r.status.Since) > r.patience.healthy/proving
		r.gauge(now)
	}
}

// gauge tells of a push that runs what is wrong with it, before anybody gives up on it. It is called with r.mu held.
func (r *runner) gauge(now time.Time) {
	s := &r.status
	switch drops := s.Drops.GOPs + r.feed.sub.Drops().GOPs; {
	case s.State != Running:
	case s.Delivery.QueueAge > late.Seconds():
		s.Class, s.Reason = Wedged, fmt.Sprintf("the platform takes no media, for %.0f s", s.Delivery.QueueAge)
	case s.Delivery.QueueAge > tight.Seconds(), drops > r.drops:
		r.slow, r.drops = now, drops
		s.Class = Slow
		s.Reason = fmt.Sprintf("the platform or the way to it is too slow: it takes %d kb/s and is %.1f s behind", s.Delivery.Bitrate/1000, s.Delivery.QueueAge)
	case now.Sub(r.slow) > slowFor:
		s.Class, s.Reason = "", ""
	}
}

// connect takes note of the present link, nil while it is being opened.
func (r *runner) connect(link Link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.link = link
	r.status.Delivery = r.status.Delivery.at(Connecting)
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
	r.status.Held = Held{}
}

// count adds what a feed lost.
func (s *Status) count(f *feed) {
	s.Drops = s.Drops.Add(f.sub.Drops())
	s.Unreadable += f.unreadable.Load()
	if f.spool != nil {
		s.Held.Memory, s.Held.Disk = f.spool.held()
	}
}

// Status returns the output's present state.
func (r *runner) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	s.Lines = slices.Clone(s.Lines)
	if s.Delivery != nil {
		d := *s.Delivery
		s.Delivery = &d
	}
	if r.feed != nil {
		s.count(r.feed)
	}
	s.hush(time.Now())
	if r.spec.Delay > 0 && s.State == Waiting && s.Reason == "" {
		if _, on := r.source.Session(); on {
			s.Reason = fmt.Sprintf("held back by its delay of %s", r.spec.Delay)
		}
	}
	return s
}

// hush tells of a push that gets no answer, before anybody gives up on it. It is asked for rather than noted: while a
// connection is being opened there is nobody who would note it.
func (s *Status) hush(now time.Time) {
	known := s.Class != "" && s.Class != Timeout // of the try before, and it tells more
	if s.State != Starting || s.Delivery == nil || now.Sub(s.Since) <= muteAfter || known {
		return
	}
	s.Class = Timeout
	switch s.Delivery.Grade {
	case Connecting:
		s.Reason = "no answer yet: there is no connection to the platform"
	case Publishing:
		s.Reason = "no answer yet: the platform took the connection but not the publish"
	default:
		s.Reason = "no answer yet: the platform took the publish but no media"
	}
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
