package relay

import "time"

// Publisher says who feeds a stream. It holds names, never secrets.
type Publisher struct {
	Key    string // name of the stream key presented
	Holder string // who presented it, where the name does not tell; shown to nobody. Default: Key
	Remote string // address the media comes from
	Agent  string // what the encoder calls itself
}

func (p Publisher) holder() string {
	if p.Holder != "" {
		return p.Holder
	}
	return p.Key
}

// Publication is one publisher's hold on a stream, from Publish to Close. Its methods are for one goroutine, the
// publisher's; Done and Err may be used by any.
type Publication struct {
	stream *Stream
	who    Publisher
	since  time.Time
	keyed  bool // a video keyframe was seen
	media  Media
	meter  meter
	lost   int64 // video packets before the first keyframe

	done chan struct{}
	err  error // why it ended, set before done is closed
	over bool  // guarded by stream.mu
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
	if pkt.Kind == Video && pkt.Slot == 0 && !p.keyed {
		if !pkt.Keyframe {
			p.lost++
			return nil
		}
		p.keyed = true
	}
	s.write(&pkt)
	return nil
}

// Resync says that the publisher's clock starts anew with the next packet.
func (p *Publication) Resync() {
	s := p.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.over {
		s.session.timeline.resync()
		p.meter.keys = 0 // the time since the last keyframe is not known by the new clock
	}
}

// Describe says what the packets hold, as far as the publisher could tell from headers. It is for people, not for
// the hub.
func (p *Publication) Describe(m Media) {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	p.media = m
}

// Close ends the publication. If it still feeds the stream the session ends with it and every output drains and ends.
func (p *Publication) Close() {
	s := p.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.over {
		return
	}
	p.end(ErrClosed)
	s.endSession()
}

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
