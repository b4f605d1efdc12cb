package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay"
)

// Hub is where media goes.
type Hub interface {
	// Publish puts a publisher on a stream.
	Publish(stream string, who relay.Publisher) (*relay.Publication, error)
}

// Server accepts RTMP publishers. The zero value of a limit is not a default: start from DefaultLimits.
type Server struct {
	Hub  Hub
	Auth Authorizer
	// Carries refuses a codec, named by its FourCC, that outputs could not carry: better no show than a black one.
	// Default: every codec is let in.
	Carries func(fourCC string) error
	Limits  Limits
	Log     *zap.Logger

	mu    sync.Mutex
	open  int
	perIP map[netip.Addr]int
}

// Serve accepts connections from ln until ctx is cancelled, then ends every session and returns when all are gone.
// It closes ln, and may be called for several listeners at once. Running out of file descriptors does not end it.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	var sessions sync.WaitGroup
	defer sessions.Wait()
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			s.admit(ctx, &sessions, conn)
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept RTMP: %w", err)
		default: // EMFILE, ECONNABORTED: passes
			s.Log.Warn("accept failed, trying again", zap.Error(err))
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
func (s *Server) admit(ctx context.Context, sessions *sync.WaitGroup, conn net.Conn) {
	ip := addrPort(conn.RemoteAddr()).Addr()
	if why := s.take(ip); why != nil {
		_ = conn.Close()
		s.Log.Warn("publisher refused", zap.Stringer("remote", ip), zap.Error(why))
		return
	}
	sessions.Go(func() {
		defer s.give(ip)
		defer conn.Close() //nolint:errcheck // nothing is left to lose
		unblock := context.AfterFunc(ctx, func() { _ = conn.Close() })
		defer unblock()
		c := &session{server: s, conn: conn, log: s.Log.With(zap.String("remote", conn.RemoteAddr().String()))}
		begun := time.Now()
		err := c.run(ctx)
		c.report(ctx, err, time.Since(begun))
	})
}

func (s *Server) take(ip netip.Addr) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= s.Limits.Connections {
		return fmt.Errorf("more than %d connections (limits.connections)", s.Limits.Connections)
	}
	if s.perIP[ip] >= s.Limits.PerIP {
		return fmt.Errorf("more than %d connections from one address (limits.per_ip)", s.Limits.PerIP)
	}
	if s.perIP == nil {
		s.perIP = map[netip.Addr]int{}
	}
	s.open++
	s.perIP[ip]++
	return nil
}

func (s *Server) give(ip netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.perIP[ip]--; s.perIP[ip] == 0 {
		delete(s.perIP, ip)
	}
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

// refusal marks an error that was told to the peer as the reason why it may not publish.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// report logs how a session ended: one line, written here and nowhere else.
func (s *session) report(ctx context.Context, err error, lasted time.Duration) {
	var no refusal
	switch {
	case errors.As(err, &no):
		s.log.Warn("publisher refused", zap.String("reason", no.Error()))
		s.linger()
	case s.pub == nil && quiet(err):
		s.log.Debug("connection ended before a publish", zap.String("reason", reason(ctx, err)))
	case s.pub == nil:
		s.log.Warn("connection ended before a publish", zap.String("reason", reason(ctx, err)))
	default:
		s.log.Info("publisher gone", zap.String("reason", reason(ctx, err)),
			zap.Duration("lasted", lasted.Round(time.Millisecond)), zap.Int64("bytes", s.bytes),
			zap.Int64("average_bitrate", int64(float64(s.bytes)*8/lasted.Seconds())), zap.Int64("skipped", s.skipped))
		if errors.Is(err, errGoodbye) {
			s.linger()
		}
	}
}

// quiet reports whether a connection that never published is not worth a person's attention: a port scan, a health
// check.
func quiet(err error) bool { return errors.Is(err, io.EOF) }

// reason puts an end into words. Errors of the libraries below are not shown where they could quote the peer.
func reason(ctx context.Context, err error) string {
	var network net.Error
	switch {
	case ctx.Err() != nil:
		return "the relay is stopping"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed without a goodbye"
	case errors.As(err, &network):
		return "connection lost: " + network.Error()
	}
	return printable(err.Error())
}

// linger lets the peer close first: closing at once, with its bytes unread, would reset the connection under our answer,
// and GStreamer's rtmp2sink fails when it is cut off in its own goodbye.
func (s *session) linger() {
	s.t.readBy = time.Now().Add(lingerTimeout)
	_, _ = io.Copy(io.Discard, s.t) // ends with the peer's close, or the deadline
}
