package thumbnail

import (
	"bytes"
	"net/http"
	"sync"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// Source is a stream.
type Source interface {
	// Listen subscribes if a session is on.
	Listen(limit int) (sub *relay.Subscription, on bool)
}

// Pace is how often pictures are made, and how long that may take.
type Pace struct {
	Every    time.Duration // how old a picture gets before who asks has the next one made. Default 5 s
	Patience time.Duration // for one picture, the wait for a first keyframe included. Default 5 s
}

func (p Pace) withDefaults() Pace {
	const usual = 5 * time.Second
	if p.Every <= 0 {
		p.Every = usual
	}
	if p.Patience <= 0 {
		p.Patience = usual
	}
	return p
}

// Handler answers GET /api/v1/streams/{stream}/thumbnail.jpg. What cannot be shown is a 404 that says why.
type Handler struct {
	// Find returns the stream of that name, nil if there is none.
	Find func(stream string) Source
	Tool Tool
	Pace Pace

	mu    sync.Mutex
	views map[string]*view // of streams that Find has found
}

// ServeHTTP answers GET and HEAD. A picture is good for 5 s, and whoever has it asks with its ETag.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("stream")
	s := h.Find(name)
	if s == nil {
		h.forget(name)
		absent(w, "there is no stream of that name")
		return
	}
	p, err := h.view(name).look(r.Context(), s, h.Tool, h.Pace)
	if err != nil {
		absent(w, err.Error())
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Cache-Control", "max-age=5")
	w.Header().Set("ETag", p.etag)
	http.ServeContent(w, r, "", p.at, bytes.NewReader(p.jpeg))
}

func (h *Handler) view(stream string) *view {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.views == nil {
		h.views = map[string]*view{}
	}
	if h.views[stream] == nil {
		h.views[stream] = newView()
	}
	return h.views[stream]
}

// forget lets go of a stream that was derived and is gone.
func (h *Handler) forget(stream string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.views, stream)
}

// absent may be wrong a moment later: nobody shall keep it.
func absent(w http.ResponseWriter, why string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, why, http.StatusNotFound)
}
