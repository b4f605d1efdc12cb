package relay

import (
	"slices"
	"time"
)

// Role is what a publisher is to its stream. A stream has one publisher of each role at most.
type Role string

// The roles.
const (
	Primary Role = "primary" // feeds the stream while it is healthy
	Backup  Role = "backup"  // stands by, ready to take over
	Stopgap Role = "stopgap" // keeps the session alive while nobody else feeds it
)

// Publisher says who feeds a stream. It holds names, never secrets.
type Publisher struct {
	Key    string // name of the stream key presented
	Holder string // who presented it, where the name does not tell; shown to nobody. Default: Key
	Remote string // address the media comes from
	Agent  string // what the encoder calls itself
	Role   Role   // default Primary
	Clock  Clock  // of a rendition: its source's. Default: the programme's time begins with the session
	// Start is when the session began that an earlier run of the relay left and this publisher goes on with, if it opens
	// one. Default: it begins now.
	Start time.Time
}

func (p Publisher) holder() string {
	if p.Holder != "" {
		return p.Holder
	}
	return p.Key
}

// Publication is one publisher's hold on a stream, from Publish to its end. Its methods are for one goroutine, the
// publisher's; Done and Err may be used by any.
//
//	standing by ──first keyframe while nobody else feeds, or Stream.Switch──▶ feeding
//	     ▲                                                                      │
//	     └──────another takes over (a stopgap's publication ends instead)───────┘
//
// One that stands by keeps its own newest GOP, so that it can take over at once.
type Publication struct {
	stream *Stream
	who    Publisher
	since  time.Time
	fed    bool // the stream, at some time
	video  bool // it has shown video
	media  Media
	meter  meter
	lost   int64 // packets nobody could use: before a keyframe, or while another's sound went on
	standing

	done chan struct{}
	err  error // why it ended, set before done is closed
	over bool  // guarded by stream.mu
}

// standing is what a publication has since it began to stand by.
type standing struct {
	keyed  bool // a video keyframe was seen
	starts int  // GOPs begun
	view        // what it could feed with; times are its own
}

// Write hands a sealed packet to the stream, which owns its body from now on. It returns why the publication ended if
// it did: ErrReplaced, ErrClosed. Video before the first keyframe is dropped and counted: nothing could decode it.
func (p *Publication) Write(pkt Packet) error {
	pkt.Arrived = time.Now()
	s := p.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.over {
		return p.err
	}
	p.meter.count(&pkt)
	p.video = p.video || pkt.Kind == Video
	if pkt.Kind == Video && pkt.Slot == 0 && !p.keyed {
		if !pkt.Keyframe {
			p.lost++
			return nil
		}
		p.keyed = true
	}
	if s.active == p {
		s.write(&pkt)
		return nil
	}
	p.keep(&pkt)
	if pkt.Keyframe && p.gop.open {
		p.starts++
		if s.mayFeed(p) {
			s.feed(p)
		}
	}
	return nil
}

// keep stores a packet of one that stands by.
func (p *Publication) keep(pkt *Packet) {
	if pkt.Slot == 0 {
		p.gop.add(pkt)
	} else {
		p.remember(pkt)
	}
}

// standBy has one that fed wait for its next keyframe, from which on it could feed again. inits are what it fed with.
func (p *Publication) standBy(inits []*Packet) {
	p.keyed, p.starts = false, 0
	p.view = view{inits: slices.Clone(inits), gop: gop{video: p.video}}
}

// Resync says that the publisher's clock starts anew with the next packet.
func (p *Publication) Resync() {
	s := p.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active == p {
		s.session.timeline.resync()
	} else {
		p.keyed, p.starts = false, 0
		p.gop.reset()
	}
	p.meter.keys = 0 // the time since the last keyframe is not known by the new clock
}

// Describe says what the packets hold, as far as the publisher could tell from headers. It is for people, not for
// the hub.
func (p *Publication) Describe(m Media) {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	p.media = m
}

// Close ends the publication of one who said goodbye: its show is over. The session ends with it, and every output
// drains and ends, unless another publisher stands by or the stream is held after a goodbye.
func (p *Publication) Close() { p.stream.leave(p, ErrClosed, false) }

// Lose ends the publication of one that was lost: the session ends as with Close, unless another publisher stands by
// or the stream is held. why is for people.
func (p *Publication) Lose(why error) { p.stream.leave(p, why, true) }

// Done is closed when the publication is over, by its own doing or not.
func (p *Publication) Done() <-chan struct{} { return p.done }

// Err returns why the publication ended. It is nil before Done is closed.
func (p *Publication) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// end is called with stream.mu held.
func (p *Publication) end(why error) {
	p.over, p.err = true, why
	close(p.done)
}
