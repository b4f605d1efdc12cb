package main

import (
	"fmt"
	"net/http"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
	"github.com/restreamd/restreamd/relay/thumbnail"
)

// thumbnails shows what streams look like, renditions too.
func (h *house) thumbnails() http.Handler {
	return &thumbnail.Handler{
		Find: func(name string) thumbnail.Source {
			if s := h.hub.Stream(name); s != nil {
				return s
			}
			return nil
		},
		Tool: thumbnail.Tool{Path: h.cfg.FFmpeg, Env: h.env(), Reads: h.decodes},
	}
}

// decodes says in words what this ffmpeg cannot read: most often a codec that came to FLV with a later one.
func (h *house) decodes(p *relay.Packet) error {
	if h.caps.ReadsTag(uint8(p.Kind), p.Body) {
		return nil
	}
	if fourCC, _ := flv.Codec(*p); fourCC != "" {
		if err := h.caps.CanFLV(fourCC); err != nil {
			return err
		}
	}
	return fmt.Errorf("ffmpeg %s does not read this stream's video", h.caps.Version)
}
