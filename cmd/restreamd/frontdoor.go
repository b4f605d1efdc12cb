package main

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/config"
)

// frontDoor decides who comes in and what becomes of the show when they go, by the configuration of the moment.
type frontDoor struct {
	lock    ingest.Lock
	limits  atomic.Pointer[ingest.Limits]
	holds   atomic.Pointer[map[string]config.Hold] // by stream
	viewers viewers
	forget  context.CancelFunc // ends what the authorizers in force hold; nil at first
}

// configure puts a configuration in force. After an error the one before stays.
func (d *frontDoor) configure(ctx context.Context, cfg *config.Config) error {
	ctx, cancel := context.WithCancel(ctx)
	tokens, err := tokensOf(ctx, cfg)
	if err == nil {
		err = d.viewers.change(cfg, tokens)
	}
	if err != nil {
		cancel()
		return err
	}
	if d.forget != nil {
		d.forget()
	}
	d.forget = cancel
	holds := map[string]config.Hold{}
	for _, s := range cfg.Streams {
		holds[s.Name] = s.Hold
	}
	l := cfg.Limits
	d.limits.Store(&ingest.Limits{
		Connections: l.Connections, PerIP: l.PerIP, Unauthorized: l.Unauthorized,
		Handshake: l.Handshake, Idle: l.Idle, Write: l.Write, Bitrate: l.Bitrate,
	})
	d.holds.Store(&holds)
	d.lock.Change(doorsOf(cfg, tokens))
	return nil
}

// hold returns how a stream is held; one that is gone from the configuration as if it said nothing.
func (d *frontDoor) hold(stream string) config.Hold {
	if h, ok := (*d.holds.Load())[stream]; ok {
		return h
	}
	return config.Default().Streams[0].Hold
}

// now returns the limits in force.
func (d *frontDoor) now() ingest.Limits { return *d.limits.Load() }

// tokensOf knows signed tokens, nil where there are none.
func tokensOf(ctx context.Context, cfg *config.Config) (ingest.Authorizer, error) {
	j := cfg.Auth.JWT
	if j.SecretFile+j.PublicKeyFile+j.JWKS == "" {
		return nil, nil
	}
	v, err := verifierOf(ctx, j)
	if err != nil {
		return nil, fmt.Errorf("auth.jwt: %w", err)
	}
	return ingest.NewTokens(streamsOf(cfg), v), nil
}

// doorsOf lists who is asked whether a peer may come in, in this order: tokens, which are known by their form, then
// keys, then the webhook.
func doorsOf(cfg *config.Config, tokens ingest.Authorizer) ingest.Doors {
	var doors ingest.Doors
	if tokens != nil {
		doors = append(doors, tokens)
	}
	streams := streamsOf(cfg)
	doors = append(doors, ingest.NewKeyring(streams))
	if cfg.Auth.Webhook != "" {
		doors = append(doors, &ingest.Webhook{URL: cfg.Auth.Webhook, Streams: streams})
	}
	return doors
}

func streamsOf(cfg *config.Config) []ingest.Stream {
	var streams []ingest.Stream
	for _, s := range cfg.Streams {
		streams = append(streams, streamOf(s))
	}
	return streams
}

func streamOf(s config.Stream) ingest.Stream {
	is := ingest.Stream{
		Name: s.Name, App: s.App, Revoke: s.Revoke == config.RevokeEnd,
		PlayWithKey: s.Play.Keys, PlayLocally: s.Play.Loopback,
	}
	for _, k := range s.Keys {
		is.Keys = append(is.Keys, ingest.Key{Name: k.Name, Digest: k.Digest, Expires: k.Expires, Allow: k.Allow, Role: relay.Role(k.Role)})
	}
	return is
}

func verifierOf(ctx context.Context, j config.JWT) (ingest.Verifier, error) {
	switch {
	case j.SecretFile != "":
		shared, err := readSecret(j.SecretFile)
		if err != nil {
			return ingest.Verifier{}, err
		}
		return ingest.SharedSecret(shared, j.Algorithm)
	case j.PublicKeyFile != "":
		text, err := os.ReadFile(j.PublicKeyFile)
		if err != nil {
			return ingest.Verifier{}, err
		}
		return ingest.PublicKey(text, j.Algorithm)
	}
	return ingest.KeySet(ctx, j.JWKS, j.Algorithm)
}

// reload keeps the front door as restreamd.yml says while the relay runs: keys, tokens, the webhook, limits and holds.
// Uploads follow as well: keys of stores are put right while a show is on.
func (h *house) reload(ctx context.Context) error {
	inForce := h.cfg.Clone()
	w := &config.FileWatcher{
		Path: h.cfg.file, Current: h.cfg.asRead,
		Apply: func(next *config.Config) {
			err := h.cfg.overlay(next)
			if err == nil {
				_, err = h.keys.fill(next)
			}
			if err == nil {
				err = h.door.configure(ctx, next)
			}
			if err == nil {
				h.uploads.configure(next)
			}
			h.reporter.configuration(err)
			if err != nil {
				_, _ = h.keys.fill(inForce) // the mask hides what is in force
				h.log.Error("restreamd.yml not taken up: what was in force stays", zap.Error(err))
				return
			}
			h.log.Info("restreamd.yml taken up: keys, tokens, webhook, limits, holds, playback and uploads are as it says")
			if needsRestart(inForce, next) {
				h.log.Warn("restreamd.yml has other changes as well: they wait for a restart")
			}
			for _, note := range next.Notes {
				h.log.Warn("restreamd.yml", zap.String("note", note))
			}
			inForce = next.Clone()
		},
		Refuse: func(err error) {
			h.reporter.configuration(err)
			h.log.Error("restreamd.yml not taken up: what was in force stays", zap.Error(err))
		},
	}
	return w.Serve(ctx)
}

// needsRestart reports whether a configuration differs in what is not taken up while the relay runs.
func needsRestart(before, after *config.Config) bool {
	same := after.Clone()
	same.Auth, same.Limits, same.Notes = before.Auth, before.Limits, before.Notes
	same.HTTP.CORS, same.HTTP.Hosts = before.HTTP.CORS, before.HTTP.Hosts
	for i := range same.Streams {
		s := &same.Streams[i]
		if old, ok := before.Stream(s.Name); ok {
			s.App, s.Keys, s.Revoke, s.Play, s.Playback = old.App, old.Keys, old.Revoke, old.Play, old.Playback
			s.Record.Upload = old.Record.Upload
			if s.Hold.Show == old.Hold.Show && s.Hold.Slate == old.Hold.Slate { // a slate is made at the start
				s.Hold = old.Hold
			}
		}
	}
	return !same.Equal(before)
}
