package relay

import "time"

// StreamStatus is a consistent picture of a stream at one moment.
type StreamStatus struct {
	Name      string           `json:"name"`
	Live      bool             `json:"live"` // an output that joined now would get media
	Session   *time.Time       `json:"session,omitempty"`
	Publisher *PublisherStatus `json:"publisher,omitempty"`
	Outputs   int              `json:"subscriptions"`
}

// PublisherStatus tells of the publisher that feeds a stream.
type PublisherStatus struct {
	Key         string    `json:"key"` // the key's name
	Remote      string    `json:"remote"`
	Agent       string    `json:"agent,omitempty"`
	Since       time.Time `json:"since"`
	LastPacket  time.Time `json:"last_packet"`
	Bytes       int64     `json:"bytes"`
	Frames      int64     `json:"frames"`
	Undecodable int64     `json:"undecodable"` // video packets before the first keyframe
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
		st.Session, st.Live = &start, s.session.gop.open
	}
	if p := s.pub; p != nil {
		st.Publisher = &PublisherStatus{
			Key: p.who.Key, Remote: p.who.Remote, Agent: p.who.Agent, Since: p.since,
			LastPacket: p.meter.newest, Bytes: p.meter.total.bytes, Frames: p.meter.total.frames,
			Undecodable: p.lost, Media: p.media, Rates: p.meter.now(time.Now()),
		}
	}
	return st
}
