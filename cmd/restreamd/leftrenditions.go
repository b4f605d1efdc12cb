package main

import (
	"sync"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/output"
)

// leftRenditions are the sessions of renditions that an earlier run left. A rendition goes on with its own when its source
// does, so that its playlist is one, too; it is on as long as the source's is, though its encoder has nothing to encode yet.
type leftRenditions struct {
	hub *relay.Hub

	mu  sync.Mutex
	all map[string]leftRendition
}

type leftRendition struct{ source, start time.Time } // when the sessions began: the source's, its own

// know takes those of the sessions that were left.
func (l *leftRenditions) know(left map[string]savedSession) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = map[string]leftRendition{}
	for _, s := range left {
		for name, start := range s.Renditions {
			l.all[name] = leftRendition{s.Start, start}
		}
	}
}

// session is the start of the one that a rendition will go on with, if there is one.
func (l *leftRenditions) session(name string) (start time.Time, ok bool) {
	l.mu.Lock()
	left, ok := l.all[name]
	l.mu.Unlock()
	of := l.hub.Stream(source(name))
	if !ok || of == nil {
		return time.Time{}, false
	}
	now, on := of.Session()
	return left.start, on && now.Equal(left.source)
}

func (l *leftRenditions) forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, name)
}

// heir is a derived stream that begins with the session that was left.
type heir struct {
	output.Derived
	name string
	left *leftRenditions
}

// Publish opens it again once: an encoder that was changed since begins a session of its own.
func (h heir) Publish(who relay.Publisher) (*relay.Publication, error) {
	if start, ok := h.left.session(h.name); ok {
		who.Start = start
	}
	pub, err := h.Derived.Publish(who)
	if err == nil {
		h.left.forget(h.name)
	}
	return pub, err
}
