package relay

import (
	"fmt"
	"slices"
	"sync"
)

// Hub is the streams of a relay, by name: those it was made with, and those derived from them while they are needed.
type Hub struct {
	mu      sync.Mutex // held before any stream's own
	streams []*Stream
	derived []*Stream
	closed  bool
}

// NewHub returns a hub of streams that are off air. Names are in the order given.
func NewHub(names ...string) *Hub {
	h := &Hub{}
	for _, name := range names {
		h.streams = append(h.streams, NewStream(name))
	}
	return h
}

// Observe has every event of the streams that the hub was made with told to see, which must neither block nor call back.
// It is for before the first publish.
func (h *Hub) Observe(see func(Event)) {
	for _, s := range h.streams {
		s.observe = see
	}
}

// Stream returns the stream of that name, nil if there is none.
func (h *Hub) Stream(name string) *Stream {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.find(name)
}

func (h *Hub) find(name string) *Stream {
	for _, list := range [][]*Stream{h.streams, h.derived} {
		if i := slices.IndexFunc(list, func(s *Stream) bool { return s.name == name }); i >= 0 {
			return list[i]
		}
	}
	return nil
}

// Streams returns all streams: those the hub was made with in their order, then derived ones in theirs.
func (h *Hub) Streams() []*Stream {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Concat(h.streams, h.derived)
}

// Derive returns the derived stream of that name, a rendition's. It is added if there is none.
func (h *Hub) Derive(name string) *Stream {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.find(name); s != nil {
		return s
	}
	s := NewStream(name)
	if h.closed {
		s.Close()
	}
	h.derived = append(h.derived, s)
	return s
}

// Retire closes a derived stream and forgets it.
func (h *Hub) Retire(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.derived = slices.DeleteFunc(h.derived, func(s *Stream) bool {
		if s.name == name {
			s.Close()
		}
		return s.name == name
	})
}

// Publish puts a publisher on a stream.
func (h *Hub) Publish(stream string, who Publisher) (*Publication, error) {
	s := h.Stream(stream)
	if s == nil {
		return nil, fmt.Errorf("no stream %q", stream)
	}
	return s.Publish(who)
}

// Listen subscribes to a stream if a session is on.
func (h *Hub) Listen(stream string, limit int) (sub *Subscription, on bool) {
	s := h.Stream(stream)
	if s == nil {
		return nil, false
	}
	return s.Listen(limit)
}

// Close takes every stream off air for good; derived ones at the end of their session, so that their outputs get what
// is still being encoded.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, s := range h.streams {
		s.Close()
	}
	for _, s := range h.derived {
		s.Finish()
	}
}
