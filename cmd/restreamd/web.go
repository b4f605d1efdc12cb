package main

import (
	"context"

	"github.com/restreamd/restreamd/relay/hls"
	"github.com/restreamd/restreamd/relay/httpapi"
)

func (h *house) serveHTTP(ctx context.Context) error {
	s := &httpapi.Server{
		Reporter: h.reporter, Controller: h.reporter, History: h.story, HLS: hls.Handler{Dir: hlsDir(h.cfg.Data)}, AdminToken: h.keys.token, Log: h.log,
		Recorder: h.director.desk,
	}
	return s.Serve(ctx, h.ports.http)
}
