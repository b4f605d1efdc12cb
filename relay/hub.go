package relay

import (
	"fmt"
	"slices"
)

// Hub is the streams of a relay, by name. It is immutable: streams are made with it.
type Hub struct{ streams []*Stream }

// NewHub returns a hub of streams that are off air. Names are in the order given.
func NewHub(names ...string) *Hub {
	h := &Hub{}
	for _, name := range names {
		h.streams = append(h.streams, NewStream(name))
	}
	return h
}

// Stream returns the stream of that name, nil if there is none.
func (h *Hub) Stream(name string) *Stream {
	i := slices.IndexFunc(h.streams, func(s *Stream) bool { return s.name == name })
	if i < 0 {
		return nil
	}
	return h.streams[i]
}

// Streams returns all streams in order.
func (h *Hub) Streams() []*Stream { return slices.Clone(h.streams) }

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

// Close takes every stream off air for good.
func (h *Hub) Close() {
	for _, s := range h.streams {
		s.Close()
	}
}
