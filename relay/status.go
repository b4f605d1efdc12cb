package relay

import "time"

// StreamStatus is a consistent picture of a stream at one moment.
type StreamStatus struct {
	Name      string           `json:"name"`
	Live      bool             `json:"live"` // an output that joined now would get media
	Session   *time.Time       `json:"session,omitempty"`
	Publisher *PublisherStatus `json:"publisher,omitempty"` // the one that feeds
	// Standby are those who stand by.
	Standby []PublisherStatus `json:"standby,omitempty"`
	Hold    *HoldStatus       `json:"hold,omitempty"` // while nobody but a stopgap feeds
	Outputs int               `json:"subscriptions"`
}

// HoldStatus tells of a session without a publisher.
type HoldStatus struct {
	Since   time.Time `json:"since"`
	Why     string    `json:"why"`
	Stopped bool      `json:"stopped"` // the publisher said goodbye, and nobody stands by
	Shown   bool      `json:"shown"`   // outputs are fed by a stopgap
	Slate   bool      `json:"slate"`   // those that live through another codec header see a slate; the others, and false: the last picture
}

// PublisherStatus tells of a publisher.
type PublisherStatus struct {
	Role        Role      `json:"role"`
	Key         string    `json:"key"` // the key's name
	Remote      string    `json:"remote"`
	Agent       string    `json:"agent,omitempty"`
	Since       time.Time `json:"since"`
	LastPacket  time.Time `json:"last_packet"`
	Moved       time.Time `json:"-"` // when its clock last moved, or that of a track which stands still
	Keyframes   int       `json:"keyframes"`
	Ready       bool      `json:"ready"` // it stands by with a GOP to feed at once
	Bytes       int64     `json:"bytes"`
	Frames      int64     `json:"frames"`
	Undecodable int64     `json:"undecodable"` // packets nobody could use: before a keyframe, or under another's sound
	Media       Media     `json:"media"`
	Rates       Rates     `json:"rates"`
}

// Status returns the stream's present state.
func (s *Stream) Status() StreamStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := StreamStatus{Name: s.name, Outputs: len(s.subs)}
	if s.session != nil {
		start := s.session.start
		st.Session, st.Live = &start, s.session.own().gop.open
	}
	for _, p := range s.pubs {
		switch {
		case p.who.Role == Stopgap:
		case p == s.active:
			status := p.status()
			st.Publisher = &status
		default:
			st.Standby = append(st.Standby, p.status())
		}
	}
	if o := s.orphan; s.session != nil && !o.since.IsZero() {
		st.Hold = &HoldStatus{Since: o.since, Why: o.why, Stopped: o.goodbye && len(st.Standby) == 0, Shown: s.active != nil, Slate: o.slate}
	}
	return st
}

func (p *Publication) status() PublisherStatus {
	return PublisherStatus{
		Role: p.who.Role, Key: p.who.Key, Remote: p.who.Remote, Agent: p.who.Agent, Since: p.since,
		LastPacket: p.meter.newest, Moved: p.meter.moved(), Keyframes: p.meter.keys, Bytes: p.meter.total.bytes, Frames: p.meter.total.frames,
		Ready: p.stream.ready(p), Undecodable: p.lost, Media: p.media, Rates: p.meter.now(time.Now()),
	}
}
