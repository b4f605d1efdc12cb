package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/secret"
)

// passValid is how long a pass for the dashboard lets somebody watch.
const passValid = 12 * time.Hour

// viewers decides who may watch over HTTP, by the configuration of the moment.
type viewers struct {
	now atomic.Pointer[viewing]
	own secret.String // signs passes. It is made at the start and goes with the process
}

// viewing is what a configuration says of watching.
type viewing struct {
	http    config.HTTP
	places  int
	streams map[string]config.Stream
	forms   []config.Rendition
	doors   []ingest.Authorizer // who know tokens
}

// change puts a configuration in force. tokens may be nil. It is for one goroutine.
func (v *viewers) change(cfg *config.Config, tokens ingest.Authorizer) error {
	if v.own.IsZero() {
		v.own = secret.New(rand.Text())
	}
	passes, err := ingest.SharedSecret(v.own, "HS256")
	if err != nil {
		return fmt.Errorf("passes for viewers: %w", err)
	}
	next := &viewing{
		http: cfg.HTTP, places: cfg.Limits.HTTP, streams: map[string]config.Stream{}, forms: cfg.Renditions,
		doors: []ingest.Authorizer{ingest.NewTokens(streamsOf(cfg), passes)},
	}
	for _, s := range cfg.Streams {
		next.streams[s.Name] = s
	}
	if tokens != nil {
		next.doors = append(next.doors, tokens)
	}
	v.now.Store(next)
	return nil
}

// source is the name of the stream that a rendition is made of.
func source(stream string) string {
	name, _, _ := strings.Cut(stream, "@")
	return name
}

// Terms returns on what terms a stream is watched; renditions are watched on their source's.
func (v *viewers) Terms(stream string) httpapi.Terms {
	now := v.now.Load()
	s, ok := now.streams[source(stream)]
	if !ok {
		return httpapi.Terms{Playback: httpapi.PlaybackNone}
	}
	return httpapi.Terms{Playback: httpapi.Playback(s.Playback), Origins: now.http.CORS}
}

// Admit lets in who brings a token for playing the stream. A token that names an address is checked against the peer's:
// behind a proxy that is the proxy's.
func (v *viewers) Admit(r *http.Request, stream string) error {
	now := v.now.Load()
	token := r.URL.Query().Get("token")
	if token == "" {
		return httpapi.ErrNoToken
	}
	remote, _ := netip.ParseAddrPort(r.RemoteAddr)
	asked := ingest.Request{
		Action: ingest.Play, App: now.streams[source(stream)].App, Query: secret.New("token=" + url.QueryEscape(token)),
		Remote: netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port()),
	}
	var err error
	for _, door := range now.doors {
		var grant ingest.Grant
		if grant, err = door.Authorize(r.Context(), asked); err == nil && grant.Stream == source(stream) {
			return nil
		}
	}
	if err == nil || errors.Is(err, ingest.ErrTokenScope) {
		return ingest.ErrTokenScope
	}
	return fmt.Errorf("%w (%w)", httpapi.ErrNoToken, err)
}

// has reports whether there is such a stream, or a rendition of that name to make of it.
func (now *viewing) has(stream string) bool {
	_, there := now.streams[source(stream)]
	_, form, derived := strings.Cut(stream, "@")
	return there && (!derived || slices.ContainsFunc(now.forms, func(r config.Rendition) bool { return r.Name == form }))
}

// Pass makes a token that lets somebody watch a stream for a while.
func (v *viewers) Pass(stream string) (httpapi.Pass, error) {
	switch {
	case !v.now.Load().has(stream):
		return httpapi.Pass{}, httpapi.ErrNoStream
	case v.Terms(stream).Playback != httpapi.PlaybackToken:
		return httpapi.Pass{}, httpapi.ErrNoPass
	}
	now := time.Now()
	token, err := ingest.SignToken(v.own, "HS256", ingest.NewClaims(source(stream), ingest.Play, "", "dashboard", now, passValid))
	return httpapi.Pass{Token: token, Expires: now.Add(passValid).UTC().Truncate(time.Second)}, err
}

func (v *viewers) hosts() []string { return slices.Clone(v.now.Load().http.Hosts) }

func (v *viewers) places() int { return v.now.Load().places }
