package relay

import (
	"errors"
	"slices"
	"time"
)

// What decides who feeds a stream, and the hands by which somebody outside may decide.

// ErrNoPublisher is returned when there is nobody to switch to.
var ErrNoPublisher = errors.New("no such publisher stands by")

// pictureWait is how long a publisher of sound alone must wait before a session that has a picture goes on without: the
// camera may be slower than the microphone.
const pictureWait = 5 * time.Second

// mayFeed reports whether one that stands by may feed from the keyframe on that it has just sent.
func (s *Stream) mayFeed(p *Publication) bool {
	switch {
	case s.closed:
		return false
	case s.next == p:
		return true
	case s.barred(p) || !p.video && time.Since(p.since) < pictureWait && s.session != nil && s.session.key != nil:
		return false
	case s.active == nil:
		return true
	}
	return s.active.who.Role == Stopgap && s.ready(p)
}

// ready reports whether one that stands by has what it takes to feed at once.
func (s *Stream) ready(p *Publication) bool { return p.gop.open && (!s.holds.Prove || p.starts > 1) }

func (s *Stream) barred(p *Publication) bool { return slices.Contains(s.holds.Barred, p.who.Role) }

// feed makes one that stands by the publisher that feeds. Its headers go out if they say anything new, then its GOP: its
// newest packet gets the time of its arrival, and what does not fit between that and what outputs already have is
// hurried, in the case of video, which is needed for decoding, or left out, in the case of sound.
func (s *Stream) feed(p *Publication) {
	if s.session == nil {
		s.begin(time.Now())
	}
	ses := s.session
	if old := s.active; old != nil && old.who.Role == Stopgap {
		s.remove(old, ErrReplaced)
	} else {
		s.bridge(p)
		if old != nil {
			old.standBy(ses.own().inits)
		}
	}
	s.active, s.next, s.orphan = p, nil, orphan{}
	ses.fed, p.fed = p, true
	for _, init := range p.inits {
		again := *init // outputs may be reading the one that was sent before
		s.write(&again)
	}
	for i := range ses.views {
		ses.views[i].gop.video = p.video
	}
	s.replay(p)
	p.view = view{}
	s.tell(Fed, p, "")
}

// replay sends the GOP of one that begins to feed.
func (s *Stream) replay(p *Publication) {
	t, newest, ages := &s.session.timeline, p.gop.newest(), p.gop.ages()
	at := t.clock(newest.Arrived)
	if !t.started {
		at = slices.Max(ages)
	}
	t.attach(uint32(newest.DTS), newest.Arrived, at)
	for i, pkt := range p.gop.packets {
		dts := at - ages[i]
		switch {
		case !pkt.timed():
			pkt.DTS = t.current(pkt.Kind)
		case pkt.Kind == Audio && p.video && t.behind(Audio, dts):
			p.lost++
			continue
		default:
			pkt.DTS = t.stamp(pkt.Kind, uint32(pkt.DTS), dts)
			pkt.Keyframe = pkt.Keyframe && (pkt.Kind == Video || !p.video)
		}
		s.send(pkt)
	}
}

// Switch has the publisher with that key's name, or of that role, feed the stream: at once, with the GOP it has, or at
// its next keyframe. To the one that feeds, it takes back such a switch that has yet to happen. why is for people.
func (s *Stream) Switch(to, why string, atOnce bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	named := func(p *Publication) bool {
		return p.who.Role != Stopgap && (p.who.Key == to || string(p.who.Role) == to)
	}
	i := slices.IndexFunc(s.pubs, func(p *Publication) bool { return p != s.active && named(p) })
	switch {
	case i >= 0 && atOnce && s.pubs[i].gop.open:
		s.tell(Switched, s.pubs[i], why)
		s.feed(s.pubs[i])
	case i >= 0 && s.next != s.pubs[i]:
		s.next = s.pubs[i]
		s.tell(Switched, s.next, why)
	case i >= 0: // asked for before
	case s.active != nil && named(s.active):
		s.next = nil
	default:
		return ErrNoPublisher
	}
	return nil
}

// Hold says what becomes of sessions that nobody feeds from now on.
func (s *Stream) Hold(h Holds) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holds = h
}

// Freeze is what a stopgap needs to go on where a publisher left off.
type Freeze struct {
	Key   *Packet   // the newest video keyframe; nil without video
	Sound *Packet   // the newest packet of sound; nil without
	Inits []*Packet // newest packet of each slot
	Since time.Time // when the stopgap's clock was 0: what its time is now, outputs should have
	Audio int64     // where sound ended on that clock, in milliseconds; negative: it was behind the picture
	Video int64     // where the picture did
	// NextAudio and NextVideo are where those of the publisher begin that feeds next. Only Holds.Fill is told.
	NextAudio, NextVideo int64
}

// StandIn lets a stopgap feed the session that is on in place of the publisher of role instead, who stands by until its
// next keyframe; "": in place of nobody. Its clock is 0 at the newest packet. It reports false where somebody else feeds
// by now, and where outputs have seen nothing yet.
func (s *Stream) StandIn(who Publisher, instead Role, why string) (*Publication, Freeze, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.session == nil || !s.session.aired || !s.session.timeline.started || s.feeder() != instead || instead == Stopgap {
		return nil, Freeze{}, false
	}
	ses, now := s.session, time.Now()
	if s.orphan.since.IsZero() {
		s.orphan = orphan{since: now, why: why}
	}
	if s.active != nil {
		s.active.standBy(ses.own().inits)
	}
	who.Role = Stopgap
	p := &Publication{stream: s, who: who, since: now, video: true, standing: standing{keyed: true}, done: make(chan struct{})}
	s.pubs, s.active = append(s.pubs, p), p
	f := s.freeze(now)
	s.tell(Fed, p, why)
	return p, f, true
}

// freeze attaches a clock that goes on where the session's media ended.
func (s *Stream) freeze(now time.Time) Freeze {
	ses := s.session
	if ses.key != nil && ses.header != nil && ses.header != ses.own().header() {
		again := *ses.header // the newest keyframe is older than the newest header, which does not fit it
		s.write(&again)
	}
	f := ses.timeline.freeze(now)
	f.Key, f.Sound, f.Inits = ses.key, ses.sound, slices.Clone(ses.own().inits)
	return f
}

// feeder is the role of who feeds, "" where nobody does.
func (s *Stream) feeder() Role {
	if s.active == nil {
		return ""
	}
	return s.active.who.Role
}

// End ends the session if nobody but a stopgap feeds it. It reports whether it did.
func (s *Stream) End(why string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil || s.active != nil && s.active.who.Role != Stopgap {
		return false
	}
	if s.active != nil {
		s.remove(s.active, ErrClosed)
	}
	s.endSession(why)
	return true
}

// leave ends a publication, and the session if nobody is to go on with it.
func (s *Stream) leave(p *Publication, why error, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.over {
		return
	}
	what, reason := Left, "said goodbye"
	if lost {
		what, reason = Lost, why.Error()
	}
	s.tell(what, p, reason)
	s.remove(p, why)
	if s.session == nil || p.who.Role == Stopgap || s.active != nil && s.active.who.Role != Stopgap {
		return
	}
	others := slices.DeleteFunc(slices.Clone(s.pubs), func(o *Publication) bool { return o.who.Role == Stopgap })
	i := slices.IndexFunc(others, func(o *Publication) bool { return s.ready(o) && !s.barred(o) })
	if i >= 0 && s.active == nil {
		s.feed(others[i])
		return
	}
	s.bereave(p, reason, lost)
	if len(others) > 0 || s.kept() {
		return
	}
	if s.active != nil {
		s.remove(s.active, ErrClosed)
	}
	s.endSession(reason)
}

// bereave notes why nobody feeds. Only who fed, or would have in its place, can say that the show is over; how long it
// is held counts from when it was first missed.
func (s *Stream) bereave(p *Publication, why string, lost bool) {
	mine := p.fed || s.session.fed == nil || s.session.fed.who.Role == p.who.Role
	switch {
	case s.orphan.since.IsZero(), mine && !lost && !s.orphan.goodbye:
		s.orphan = orphan{since: time.Now(), goodbye: !lost, why: why}
	case mine && lost:
		s.orphan.goodbye = false // it was to go on
	}
}

// kept reports whether a session that nobody feeds is held.
func (s *Stream) kept() bool {
	if s.orphan.goodbye {
		return s.session.aired && s.holds.Stopped
	}
	return s.session.aired && s.holds.Lost
}

// remove takes a publication off the stream.
func (s *Stream) remove(p *Publication, why error) {
	if p.over {
		return
	}
	p.end(why)
	s.pubs = slices.DeleteFunc(s.pubs, func(o *Publication) bool { return o == p })
	if s.active == p {
		s.active = nil
	}
	if s.next == p {
		s.next = nil
	}
}
