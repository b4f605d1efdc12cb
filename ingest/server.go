package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay"
)

// Hub is where media goes to and comes from.
type Hub interface {
	// Publish puts a publisher on a stream.
	Publish(stream string, who relay.Publisher) (*relay.Publication, error)
	// Listen joins a stream if a session is on.
	Listen(stream string, limit int) (*relay.Subscription, bool)
}

// Server accepts RTMP publishers and players.
type Server struct {
	Hub  Hub
	Auth Authorizer
	// Limits are asked for anew for each connection. A zero limit is not a default: start from DefaultLimits.
	Limits func() Limits
	// Carries refuses a codec, named by its FourCC, that outputs could not carry: better no show than a black one.
	// Default: every codec is let in.
	Carries func(fourCC string) error
	Log     *zap.Logger

	visitors
	penalties penalties
	tally     tally
}

// Serve accepts RTMP connections from ln until ctx is cancelled, then ends every session and returns when all are gone.
// It closes ln, and may be called for several listeners at once. Running out of file descriptors does not end it.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error { return s.ServeTLS(ctx, ln, nil) }

// ServeTLS is Serve for RTMPS connections. Without a configuration it is Serve.
func (s *Server) ServeTLS(ctx context.Context, ln net.Listener, config *tls.Config) error {
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	var sessions sync.WaitGroup
	defer sessions.Wait()
	failing := false // told once
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			failing = false
			s.admit(ctx, &sessions, conn, config)
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept RTMP: %w", err)
		default: // EMFILE, ECONNABORTED: passes
			if !failing {
				s.Log.Warn("accept failed, trying again until it works", zap.Error(err))
			}
			failing = true
			if !pause(ctx, 100*time.Millisecond) {
				return nil
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// admit serves a connection unless there are too many.
func (s *Server) admit(ctx context.Context, sessions *sync.WaitGroup, conn net.Conn, config *tls.Config) {
	log := s.Log.With(zap.String("remote", conn.RemoteAddr().String()))
	visit, cancel := context.WithCancel(ctx)
	v, err := s.enter(conn, cancel, s.Limits())
	if err != nil {
		cancel()
		_ = conn.Close()
		s.tally.attempt(errTooMany.Code)
		log.Warn("connection refused", zap.String("code", errTooMany.Code), zap.String("reason", err.Error()))
		return
	}
	sessions.Go(func() {
		defer cancel()
		defer s.leave(v)
		defer conn.Close() //nolint:errcheck // nothing is left to lose
		unblock := context.AfterFunc(visit, func() { _ = conn.Close() })
		defer unblock()
		c := &session{server: s, visitor: v, tls: config, log: log}
		begun := time.Now()
		err := c.run(visit)
		c.report(ctx, err, time.Since(begun))
	})
}

// Counts returns what became of all connections so far.
func (s *Server) Counts() Counts {
	c := s.tally.counts()
	c.Open, c.Pending = s.count()
	return c
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}
