package relay

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"
)

// Drops counts what a slow output lost. GOPs are those of which anything was lost.
type Drops struct {
	GOPs    int64 `json:"gops"`
	Packets int64 `json:"packets"`
	Bytes   int64 `json:"bytes"`
}

// Add returns the sum of two counts.
func (d Drops) Add(o Drops) Drops {
	return Drops{GOPs: d.GOPs + o.GOPs, Packets: d.Packets + o.Packets, Bytes: d.Bytes + o.Bytes}
}

// Subscription is one output's view of a stream: a queue of pointers, bounded in bytes of media. Read is for one
// goroutine.
//
//	waiting ──first keyframe──▶ joined ──queue full──▶ skipping ──keyframe──▶ joined
//
// A full queue first gives up its oldest whole GOPs, up to the newest keyframe it holds; if that is not enough it
// gives up everything and skips to the next keyframe. Init packets are never given up, but for those that were
// succeeded before any media.
type Subscription struct {
	stream  *Stream
	limit   int // bytes
	wake    chan struct{}
	joined  bool // guarded by stream.mu
	delay   time.Duration
	variant Variant

	mu       sync.Mutex
	of       moment // the session joined
	queue    []*Packet
	bytes    int // of media in queue
	skipping bool
	over     bool
	err      error
	drops    Drops
}

// Read waits until there is something and returns all of it, oldest first; buf's memory is used for what comes next.
// At the end of the session it returns io.EOF once everything was read.
func (s *Subscription) Read(ctx context.Context, buf []*Packet) ([]*Packet, error) {
	for {
		s.mu.Lock()
		n, wait := s.ripe()
		if n > 0 {
			out := s.take(n, buf)
			s.mu.Unlock()
			return out, nil
		}
		over, err := s.over && len(s.queue) == 0, s.err
		s.mu.Unlock()
		if over {
			return nil, err
		}
		if err := s.sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// Delay has Read hold back each packet until d after it came. It is for before the first Read. What is held back counts
// as queued.
func (s *Subscription) Delay(d time.Duration) { s.delay = d }

// Accept has Read give what outputs of that variant see; what it would have given is forgotten. It is for before the
// first Read. The default is SlateOnly.
func (s *Subscription) Accept(v Variant) {
	s.stream.mu.Lock()
	defer s.stream.mu.Unlock()
	s.variant = v
	s.mu.Lock()
	s.queue, s.bytes, s.skipping, s.drops = nil, 0, false, Drops{}
	s.mu.Unlock()
	if slices.Contains(s.stream.subs, s) { // else its session is over
		s.joined = false
		s.stream.join(s)
	}
}

// ripe is how many packets may be read, and how long until there is one more; 0: nobody knows.
func (s *Subscription) ripe() (n int, wait time.Duration) {
	if s.delay == 0 || len(s.queue) == 0 {
		return len(s.queue), 0
	}
	due := time.Now().Add(-s.delay)
	n = slices.IndexFunc(s.queue, func(p *Packet) bool { return p.Arrived.After(due) })
	if n < 0 {
		return len(s.queue), 0
	}
	return n, max(s.queue[n].Arrived.Sub(due), time.Millisecond)
}

// take removes the first n packets from the queue.
func (s *Subscription) take(n int, buf []*Packet) []*Packet {
	clear(buf)
	if n == len(s.queue) {
		out := s.queue
		s.queue, s.bytes = buf[:0], 0
		return out
	}
	out := append(buf[:0], s.queue[:n]...)
	for _, p := range out {
		if p.Slot == 0 {
			s.bytes -= len(p.Body)
		}
	}
	s.queue = slices.Delete(s.queue, 0, n)
	return out
}

// sleep waits for news, and for wait if that is not 0.
func (s *Subscription) sleep(ctx context.Context, wait time.Duration) error {
	var ripe <-chan time.Time
	if wait > 0 {
		ripe = time.After(wait)
	}
	select {
	case <-s.wake:
	case <-ripe:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// Session returns the start of the session this subscription joined, zero before it did.
func (s *Subscription) Session() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of.start
}

// Drops returns what was lost so far.
func (s *Subscription) Drops() Drops {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drops
}

// Close leaves the stream.
func (s *Subscription) Close() {
	s.stream.unsubscribe(s)
	s.finish(ErrClosed)
}

// join is called with stream.mu held.
func (s *Subscription) join(ses *session, inits, gop []*Packet) {
	s.joined = true
	s.mu.Lock()
	s.of = moment{ses.start, ses.clock()}
	for _, p := range inits {
		s.append(p)
	}
	for _, p := range gop {
		s.append(p)
	}
	s.mu.Unlock()
	s.signal()
}

// push is called with stream.mu held.
func (s *Subscription) push(p *Packet) {
	s.mu.Lock()
	if p.Slot == 0 && !s.admit(p) {
		s.lose(p)
		s.mu.Unlock()
		return
	}
	s.append(p)
	s.mu.Unlock()
	s.signal()
}

// admit makes room for p, or says that there is none.
func (s *Subscription) admit(p *Packet) bool {
	switch {
	case s.skipping:
		s.skipping = !p.Keyframe
		return p.Keyframe
	case s.fits(p):
		return true
	}
	s.shed()
	if s.fits(p) {
		return true
	}
	s.cut(len(s.queue))
	s.skipping = !p.Keyframe
	return p.Keyframe
}

// fits says whether there is room for p. A packet larger than the limit is let in alone: an output that keeps up loses
// nothing.
// A packet costs memory beside its body: a limit in bytes is one in packets of smallPacket bytes as well.
const (
	smallPacket = 512
	fewPackets  = 1024 // are always allowed
)

func (s *Subscription) fits(p *Packet) bool {
	return s.bytes == 0 || s.bytes+len(p.Body) <= s.limit && len(s.queue) < max(fewPackets, s.limit/smallPacket)
}

func (s *Subscription) append(p *Packet) {
	if p.Slot == 0 {
		s.bytes += len(p.Body)
	} else {
		s.supersede(p.Slot)
	}
	s.queue = append(s.queue, p)
}

// supersede takes back the init packet at the queue's end that the next one makes meaningless: no media is between
// them. Without this, metadata that changes all the time would fill the queue of an output that stands still.
func (s *Subscription) supersede(slot Slot) {
	for i := len(s.queue) - 1; i >= 0 && s.queue[i].Slot != 0; i-- {
		if s.queue[i].Slot == slot {
			s.queue = slices.Delete(s.queue, i, i+1)
			return
		}
	}
}

// shed gives up what is older than the newest keyframe in the queue.
func (s *Subscription) shed() {
	for i := len(s.queue) - 1; i > 0; i-- {
		if s.queue[i].Keyframe {
			s.cut(i)
			return
		}
	}
}

// cut drops the first n packets but for init packets.
func (s *Subscription) cut(n int) {
	all := s.queue
	s.queue, s.bytes = all[:0], 0
	first := true
	for i, p := range all {
		if i >= n || p.Slot != 0 {
			s.append(p)
			continue
		}
		if first && !p.Keyframe {
			s.drops.GOPs++ // its beginning was delivered, its end is lost
		}
		first = false
		s.lose(p)
	}
	clear(all[len(s.queue):])
}

func (s *Subscription) lose(p *Packet) {
	s.drops.Packets++
	s.drops.Bytes += int64(len(p.Body))
	if p.Keyframe {
		s.drops.GOPs++
	}
}

func (s *Subscription) finish(err error) {
	if err == nil {
		err = io.EOF
	}
	s.mu.Lock()
	if !s.over {
		s.over, s.err = true, err
	}
	s.mu.Unlock()
	s.signal()
}

func (s *Subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
