package main

import (
	"context"

	"github.com/restreamd/restreamd/relay/hls"
	"github.com/restreamd/restreamd/relay/httpapi"
)

func (h *house) serveHTTP(ctx context.Context) error {
	s := &httpapi.Server{
		Reporter: h.reporter, Controller: h.reporter, HLS: hls.Handler{Dir: hlsDir(h.cfg.Data)}, AdminToken: h.keys.token, Log: h.log,
		Thumbnail: h.thumbnails(),
	}
	return s.Serve(ctx, h.ports.http)
}
