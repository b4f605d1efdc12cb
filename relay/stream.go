package relay

import (
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
	// ErrRelieved ends a publication that failed, and whose place another key has taken.
	ErrRelieved = errors.New("relieved: it had failed, and another encoder took its place")
	// ErrDisconnected ends a publication by an operator's hand.
	ErrDisconnected = errors.New("disconnected by the operator")
	// ErrClosed is returned by everything that belongs to a stream that was shut down.
	ErrClosed = errors.New("stream is closed")
)

// maxSlots bounds the init packets a stream remembers: metadata and headers of some 30 tracks.
const maxSlots = 64

// Stream is a named live programme: the place where publishers and any number of outputs meet. One publisher feeds it
// at a time; others stand by.
//
//	off air ──Publish──▶ on air ──the last publisher says goodbye, End──▶ off air
//	                     │   ▲
//	                     └───┘ another publisher feeds: the session goes on
//
// A session lasts from the first publish to the end of the last publication in a row; while somebody holds the stream
// (see StandIn) it outlives a publisher that was lost.
type Stream struct {
	name    string
	observe func(Event) // called with mu held

	mu      sync.Mutex
	closed  bool
	last    bool // the present session is the last one
	holds   Holds
	pubs    []*Publication // all, in the order in which they came
	active  *Publication   // feeds; nil: nobody does
	next    *Publication   // is to feed from its next keyframe on
	orphan  orphan
	session *session
	newest  time.Time // start of the newest session: no two sessions share a second, files are named after it
	subs    []*Subscription
}

// Holds says after what a session without a publisher is kept. Somebody must then end it: see Stream.End.
type Holds struct {
	Lost    bool   // after its publisher was lost
	Stopped bool   // after its publisher said goodbye
	Prove   bool   // while a stopgap feeds, a publisher must have sent a whole GOP before it feeds
	Barred  []Role // must not feed but by Switch: they send, but not well enough
	// Fill makes what outputs get between the last media of one publisher and the first of another, in order of time by
	// the freeze's clock; nil: nothing. It is called with the stream's lock held.
	Fill func(Freeze) []Packet
}

// orphan is why and since when nobody but a stopgap feeds.
type orphan struct {
	since   time.Time
	goodbye bool // who fed said so
	why     string
	slate   bool // outputs that can were shown one
}

// session is one show.
type session struct {
	start    time.Time
	made     Clock // of the programme, where its publisher knows it better than the wall clock
	timeline timeline
	views    [2]view
	key      *Packet      // newest video keyframe, but for a slate's
	header   *Packet      // the codec header it was sent under
	sound    *Packet      // newest packet of sound, but for a slate's
	aired    bool         // an output could have joined
	fed      *Publication // the newest to feed, but for stopgaps
}

// own is what outputs see that are shown no slate: what publishers sent, and repeats of it.
func (ses *session) own() *view { return &ses.views[1] }

// NewStream returns a stream that is off air.
func NewStream(name string) *Stream { return &Stream{name: name} }

// Name returns the stream's name. It is never the stream key.
func (s *Stream) Name() string { return s.name }

// Publish puts a publisher on the stream, which goes on air with its first keyframe. The holder of a key that is on
// replaces its own older publication (usually a dead connection) and the session goes on; anybody relieves one that failed,
// so that a stopgap had to take its place. A publisher of another role stands by; any other is refused with ErrBusy.
func (s *Stream) Publish(who Publisher) (*Publication, error) {
	who.Role = cmp.Or(who.Role, Primary)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	for _, p := range s.pubs {
		if p.who.Role == who.Role && p.who.holder() != who.holder() && !s.failed(p) {
			return nil, fmt.Errorf("%w, with key %q", ErrBusy, p.who.Key)
		}
	}
	p := &Publication{stream: s, who: who, since: time.Now(), done: make(chan struct{})}
	for _, old := range slices.Clone(s.pubs) {
		switch {
		case old.who.Role == Stopgap:
		case old.who.holder() == who.holder():
			s.remove(old, ErrReplaced)
		case old.who.Role == who.Role:
			s.remove(old, ErrRelieved)
		}
	}
	s.pubs = append(s.pubs, p)
	begins := s.session == nil
	if begins {
		s.begin(cmp.Or(who.Start, p.since))
		s.active, s.session.fed, p.fed = p, p, true
		s.session.made = who.Clock
	}
	s.tell(Published, p, who.Remote)
	if begins {
		s.tell(Fed, p, "")
	}
	return p, nil
}

// failed reports whether a stopgap feeds in the place of a publisher that fed.
func (s *Stream) failed(p *Publication) bool { return p.fed && s.feeder() == Stopgap }

// begin opens a session.
func (s *Stream) begin(now time.Time) {
	s.session = &session{start: s.nextStart(now), views: [2]view{{variant: SlateOnly}, {variant: FreezeOnly}}}
	s.orphan = orphan{}
	s.tell(Began, nil, "")
}

func (s *Stream) tell(what Happening, p *Publication, why string) {
	if s.observe == nil {
		return
	}
	e := Event{At: time.Now(), Stream: s.name, What: what, Why: why}
	if s.session != nil {
		e.Session = s.session.start
	}
	if p != nil {
		e.Key, e.Role = p.who.Key, p.who.Role
	}
	s.observe(e)
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
	sub := &Subscription{stream: s, limit: limit, wake: make(chan struct{}, 1), variant: SlateOnly}
	if s.closed {
		sub.finish(ErrClosed)
		return sub
	}
	s.join(sub)
	s.subs = append(s.subs, sub)
	return sub
}

// join has a subscription join the session that is on, if it can.
func (s *Stream) join(sub *Subscription) {
	if s.session == nil {
		return
	}
	for _, v := range s.session.views {
		if v.variant == sub.variant && v.gop.open {
			sub.join(s.session, v.inits, v.gop.packets)
		}
	}
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

// FPS is the frame rate of the publisher that feeds the stream or did so last, as declared or else as measured; 0 while
// neither is known.
func (s *Stream) FPS() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil || s.session.fed == nil {
		return 0
	}
	return cmp.Or(s.session.fed.media.Video.FPS, s.session.fed.meter.rates.FPS)
}

// Disconnect ends every publication, and the session. It reports whether there was one.
func (s *Stream) Disconnect() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil && len(s.pubs) == 0 {
		return false
	}
	for _, p := range slices.Clone(s.pubs) {
		s.remove(p, ErrDisconnected)
	}
	if s.session != nil {
		s.endSession("disconnected by the operator")
	}
	return true
}

// Close takes the stream off air for good: publishers and outputs are told, later ones are refused.
func (s *Stream) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil {
		s.endSession("the relay stops")
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
	for _, p := range slices.Clone(s.pubs) {
		s.remove(p, ErrClosed)
	}
	for _, sub := range s.subs {
		sub.finish(ErrClosed)
	}
	s.subs = nil
}

// write carries a packet from the publisher that feeds to every output. p is already the stream's: nobody else has seen
// it.
func (s *Stream) write(p *Packet) {
	t := &s.session.timeline
	switch {
	case p.Slot != 0:
		p.DTS = t.current(p.Kind)
		s.introduce(p)
	case p.Kind == Script:
		p.DTS = t.current(p.Kind)
		s.send(p)
	default:
		p.DTS = t.media(p.Kind, uint32(p.DTS), p.Arrived)
		s.send(p)
	}
}

// introduce carries an init packet to those to whom it says anything new.
func (s *Stream) introduce(p *Packet) {
	for i := range s.session.views {
		if v := &s.session.views[i]; p.isFor(v.variant) && v.remember(p) {
			s.deliver(p, v)
		}
	}
}

// send carries a media packet that has its place on the timeline.
func (s *Stream) send(p *Packet) {
	ses := s.session
	s.orphan.slate = s.orphan.slate || p.Variant == SlateOnly
	if p.Keyframe && p.Kind == Video && p.Variant != SlateOnly {
		ses.key, ses.header = p, ses.own().header()
	}
	if p.Kind == Audio && p.Variant != SlateOnly {
		ses.sound = p
	}
	for i := range ses.views { // before anybody sees the packet: a cache may mark it
		if v := &ses.views[i]; p.isFor(v.variant) {
			v.gop.add(p)
			ses.aired = ses.aired || v.gop.open
		}
	}
	for i := range ses.views {
		if v := &ses.views[i]; p.isFor(v.variant) {
			s.deliver(p, v)
		}
	}
}

// deliver gives a packet to the outputs that see v, and has those join which have waited for it.
func (s *Stream) deliver(p *Packet, v *view) {
	for _, sub := range s.subs {
		switch {
		case sub.variant != v.variant:
		case sub.joined:
			sub.push(p)
		case v.gop.open:
			sub.join(s.session, v.inits, v.gop.packets)
		}
	}
}

// endSession lets every output drain what it has and end. Those that never joined stay for the next session.
func (s *Stream) endSession(why string) {
	s.tell(Ended, nil, why)
	s.active, s.next, s.session = nil, nil, nil
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
