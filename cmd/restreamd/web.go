package main

import (
	"context"
	"net"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/restreamd/restreamd/relay/hls"
	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/httpflv"
)

func (h *house) serveHTTP(ctx context.Context) error {
	s := &httpapi.Server{
		Reporter: h.reporter, Controller: h.reporter, History: h.story, Recorder: h.director.desk, AdminToken: h.keys.token, Log: h.log,
		Viewers: &h.door.viewers, HLS: hls.Handler{Dir: hlsDir(h.cfg.Data)}, FLV: httpflv.Handler{Hub: h.hub}, Thumbnail: h.thumbnails(),
		Known: h.knownHost, Places: h.places,
	}
	return s.Serve(ctx, h.ports.http)
}

// knownHost reports whether a browser may reach the relay by a name. On loopback, where nobody else is meant to come in,
// a name must be known; addresses cannot be made to point elsewhere.
func (h *house) knownHost(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	known := h.door.viewers.hosts()
	loopback := h.ports.http.Addr().(*net.TCPAddr).IP.IsLoopback() //nolint:forcetypeassert // listen makes no other
	listen, _, _ := net.SplitHostPort(h.cfg.HTTP.Listen)
	switch {
	case name == "", name == "localhost", net.ParseIP(name) != nil, name == strings.ToLower(listen), slices.Contains(known, name):
		return true
	}
	return !loopback && len(known) == 0
}

// places is how many connections for HTTP may be open: what limits.http says, but half of what the system lets this
// process open at most. Encoders and outputs must always find room.
func (h *house) places() int {
	most := h.door.viewers.places()
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) == nil && files.Cur/2 < uint64(most) {
		return int(files.Cur / 2)
	}
	return most
}
