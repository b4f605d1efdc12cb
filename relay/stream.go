package relay

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Errors callers branch on.
var (
	// ErrBusy refuses a publisher while another one feeds the stream.
	ErrBusy = errors.New("another publisher is live on this stream")
	// ErrReplaced ends a publication whose key published again.
	ErrReplaced = errors.New("replaced: the same key published again")
	// ErrDisconnected ends a publication by an operator's hand.
	ErrDisconnected = errors.New("disconnected by the operator")
	// ErrClosed is returned by everything that belongs to a stream that was shut down.
	ErrClosed = errors.New("stream is closed")
)

// maxSlots bounds the init packets a stream remembers: metadata and headers of some 30 tracks.
const maxSlots = 64

// Stream is a named live programme: the place where one publisher and any number of outputs meet.
//
//	off air ──Publish──▶ on air ──last Publication.Close──▶ off air
//	                     │   ▲
//	                     └───┘ Publish with the same key: the old publication ends, the session goes on
//
// A session lasts from the first publish to the end of the last publication in a row. Whatever shall keep a session
// alive between two encoders is a publisher too.
type Stream struct {
	name string

	mu      sync.Mutex
	closed  bool
	last    bool // the present session is the last one
	pub     *Publication
	session *session
	newest  time.Time // start of the newest session: no two sessions share a second, files are named after it
	subs    []*Subscription
}

// session is one show.
type session struct {
	start    time.Time
	timeline timeline
	inits    []*Packet // newest packet of each slot, in the order in which the slots appeared
	gop      gop
}

// NewStream returns a stream that is off air.
func NewStream(name string) *Stream { return &Stream{name: name} }

// Name returns the stream's name. It is never the stream key.
func (s *Stream) Name() string { return s.name }

// Publish puts a publisher on the stream, which goes on air with its first keyframe. The holder of the present one's
// key replaces it (the old one is usually a dead connection) and the session goes on; any other is
// refused with ErrBusy.
func (s *Stream) Publish(who Publisher) (*Publication, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.pub != nil {
		if s.pub.who.holder() != who.holder() {
			return nil, fmt.Errorf("%w, with key %q", ErrBusy, s.pub.who.Key)
		}
		s.pub.end(ErrReplaced)
	}
	now := time.Now()
	if s.session == nil {
		s.session = &session{start: s.nextStart(now)}
	}
	s.session.timeline.resync()
	s.pub = &Publication{stream: s, who: who, since: now, done: make(chan struct{})}
	return s.pub, nil
}

func (s *Stream) nextStart(now time.Time) time.Time {
	start := now.UTC().Truncate(time.Second)
	if !start.After(s.newest) {
		start = s.newest.Add(time.Second)
	}
	s.newest = start
	return start
}

// Subscribe adds an output that may hold back up to limit bytes before it loses GOPs. It joins at the newest
// keyframe: at once if the stream is on air, else when it next is. Close it when done.
func (s *Stream) Subscribe(limit int) *Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subscribe(limit)
}

// Listen is Subscribe for one who would not wait: it reports false when no session is on.
func (s *Stream) Listen(limit int) (sub *Subscription, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil {
		return nil, false
	}
	return s.subscribe(limit), true
}

func (s *Stream) subscribe(limit int) *Subscription {
	sub := &Subscription{stream: s, limit: limit, wake: make(chan struct{}, 1)}
	if s.closed {
		sub.finish(ErrClosed)
		return sub
	}
	if ses := s.session; ses != nil && ses.gop.open {
		sub.join(ses.start, ses.inits, ses.gop.packets)
	}
	s.subs = append(s.subs, sub)
	return sub
}

// Session returns the start of the session that is on, and whether there is one.
func (s *Stream) Session() (start time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil {
		return time.Time{}, false
	}
	return s.session.start, true
}

// FPS is the frame rate of what feeds the stream, as declared or else as measured; 0 while neither is known.
func (s *Stream) FPS() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pub == nil {
		return 0
	}
	return cmp.Or(s.pub.media.Video.FPS, s.pub.meter.rates.FPS)
}

// Disconnect ends the publication that feeds the stream. It reports whether there was one.
func (s *Stream) Disconnect() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pub == nil {
		return false
	}
	s.pub.end(ErrDisconnected)
	s.endSession()
	return true
}

// Close takes the stream off air for good: publisher and outputs are told, later ones are refused.
func (s *Stream) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pub != nil {
		s.pub.end(ErrClosed)
		s.endSession()
	}
	s.close()
}

// Finish is Close at the end of the session that is on, or at once if none is.
func (s *Stream) Finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last = true; s.session == nil {
		s.close()
	}
}

func (s *Stream) close() {
	s.closed = true
	for _, sub := range s.subs {
		sub.finish(ErrClosed)
	}
	s.subs = nil
}

// write carries a packet from the publisher to every output. p is already the stream's: nobody else has seen it.
func (s *Stream) write(p *Packet) {
	ses := s.session
	if p.Slot != 0 {
		p.DTS = ses.timeline.current(p.Kind)
		if ses.remember(p) {
			s.deliver(p)
		}
		return
	}
	if p.Kind == Script {
		p.DTS = ses.timeline.current(p.Kind)
	} else {
		p.DTS = ses.timeline.media(p.Kind, uint32(p.DTS), p.Arrived)
	}
	if opened := ses.gop.add(p); opened {
		for _, sub := range s.subs {
			if !sub.joined {
				sub.join(ses.start, ses.inits, ses.gop.packets)
			} else {
				sub.push(p)
			}
		}
		return
	}
	s.deliver(p)
}

func (s *Stream) deliver(p *Packet) {
	for _, sub := range s.subs {
		if sub.joined {
			sub.push(p)
		}
	}
}

// remember keeps an init packet for those who join later. It reports whether the packet says anything new: repeats of
// the same bytes, which encoders and platforms' libraries send at will, go no further.
func (ses *session) remember(p *Packet) (changed bool) {
	i := slices.IndexFunc(ses.inits, func(q *Packet) bool { return q.Slot == p.Slot })
	if i >= 0 && bytes.Equal(ses.inits[i].Body, p.Body) {
		return false
	}
	if p.Slot.IsHeader() && p.Kind == Video {
		ses.gop.video = true
	}
	if i >= 0 {
		ses.inits[i] = p
		if p.Slot.IsHeader() {
			ses.gop.reset() // packets of the old header must not follow the new one
		}
		return true
	}
	if len(ses.inits) == maxSlots {
		return false // nobody who joins later could decode that track
	}
	ses.inits = append(ses.inits, p)
	return true
}

// endSession lets every output drain what it has and end. Those that never joined stay for the next session.
func (s *Stream) endSession() {
	s.pub, s.session = nil, nil
	s.subs = slices.DeleteFunc(s.subs, func(sub *Subscription) bool {
		if sub.joined {
			sub.finish(nil)
		}
		return sub.joined
	})
	if s.last {
		s.close()
	}
}

func (s *Stream) unsubscribe(sub *Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = slices.DeleteFunc(s.subs, func(o *Subscription) bool { return o == sub })
}
