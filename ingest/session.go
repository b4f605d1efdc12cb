package ingest

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/bluenviron/gortmplib/pkg/bytecounter"
	"github.com/bluenviron/gortmplib/pkg/handshake"
	"github.com/bluenviron/gortmplib/pkg/message"
	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/secret"
)

// session is one connection, from accept to close.
//
//	sniff ─▶ TLS? ─▶ handshake ─▶ connect, createStream, publish or play ─▶ authorize ─▶ media ─▶ end
//	└───────────────────── budget, absolute deadline ─────────────────────┘            └ idle deadline
type session struct {
	server  *Server
	visitor *visitor
	tls     *tls.Config // nil on the plain port
	log     *zap.Logger

	t *transport
	r *chunkReader
	w *message.Writer

	command command // publish or play
	app     string
	tcURL   string
	agent   string
	grant   Grant

	publishing
	bytes int64 // of media, received or sent
}

// run serves the connection to its end and returns why it ended.
func (s *session) run(ctx context.Context) error {
	limits := s.server.Limits()
	readBy := time.Now().Add(limits.Handshake)
	conn, err := s.open(ctx, readBy)
	if err != nil {
		return err
	}
	s.t = &transport{
		conn: conn, budget: handshakeBytes + commandBudget, writing: limits.Write, readBy: readBy, late: errSlow,
	}
	br := bufio.NewReaderSize(s.t, readBuffer)
	if err := s.shakeHands(br); err != nil {
		return err
	}
	w := bytecounter.NewWriter(s.t)
	s.w = message.NewWriter(w, w, false)
	s.r = newChunkReader(br, commandBudget, s.acknowledge)
	if s.command, err = s.negotiate(); err != nil {
		return err
	}
	if s.command.name == "play" {
		return s.play(ctx)
	}
	return s.publish(ctx)
}

// open looks at the first byte, which tells TLS from RTMP, and speaks TLS where it is due.
func (s *session) open(ctx context.Context, by time.Time) (net.Conn, error) {
	raw := s.visitor.conn
	if err := raw.SetReadDeadline(by); err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(raw, first); err != nil {
		return nil, fmt.Errorf("handshake: %w", late(err, errSlow))
	}
	const handshakeRecord = 0x16
	conn := &sniffed{Conn: raw, head: first}
	switch secure := first[0] == handshakeRecord; {
	case secure && s.tls == nil:
		return nil, errTLSOnPlain
	case s.tls != nil && (first[0] == versionPlain || first[0] == versionEncrypted):
		return nil, errPlainOnTLS
	case s.tls != nil && !secure:
		return nil, errNotRTMP
	case !secure:
		return conn, nil
	}
	ctx, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	t := tls.Server(conn, s.tls)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", errTLS, err)
	}
	s.log = s.log.With(zap.String("tls", tls.VersionName(t.ConnectionState().Version)))
	return t, nil
}

// sniffed is a connection whose first byte was looked at.
type sniffed struct {
	net.Conn
	head []byte
}

func (c *sniffed) Read(p []byte) (int, error) {
	if len(c.head) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.head)
	c.head = c.head[n:]
	return n, nil
}

// The first byte of RTMP, and of RTMPE.
const (
	versionPlain     = 3
	versionEncrypted = 6
)

// shakeHands begins with RTMP's version (RTMP 1.0 section 5.2.2) or something that has to be named.
func (s *session) shakeHands(br *bufio.Reader) error {
	version, err := br.Peek(1)
	switch {
	case err != nil:
	case version[0] == versionEncrypted:
		return errRTMPE
	case version[0] != versionPlain:
		return errNotRTMP
	default:
		_, _, err = handshake.DoServer(readWriter{br, s.t}, false)
	}
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	return nil
}

type readWriter struct {
	io.Reader
	io.Writer
}

// authorize finds out whether the peer may do what it asks for. Wrong keys are answered ever later.
func (s *session) authorize(ctx context.Context, action Action) (Request, error) {
	req, err := target(s.app, s.command.text(1))
	s.log = s.log.With(zap.String("app", showApp(req.App)))
	if err != nil {
		return req, err
	}
	req.Action, req.Agent, req.TCURL = action, s.agent, secret.New(s.tcURL)
	req.Remote = addrPort(s.visitor.conn.RemoteAddr())
	ctx, cancel := context.WithDeadline(ctx, s.t.readBy)
	defer cancel()
	s.grant, err = s.server.Auth.Authorize(ctx, req)
	if errors.Is(err, ErrUnknownKey) || errors.Is(err, ErrWebhookNo) {
		pause(ctx, s.server.penalties.wrong(req.Remote.Addr(), time.Now()))
	}
	if s.grant.Key != "" {
		s.log = s.log.With(zap.String("key", s.grant.Key))
	}
	if err != nil {
		return req, err
	}
	s.log = s.log.With(zap.String("stream", s.grant.Stream))
	return req, nil
}

// trust lets a peer cost more that was let in.
func (s *session) trust() {
	s.t.budget = noBudget
	s.r.limit = maxUnfinished
}

// refusal marks an error that was told to the peer as the reason why it may not have what it asked for.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// report logs and counts how a connection ended: one line, written here and nowhere else.
func (s *session) report(ctx context.Context, err error, lasted time.Duration) {
	if why := s.server.evicted(s.visitor); why != nil && ctx.Err() == nil {
		err = why
	}
	code := codeOf(ctx, err)
	var no refusal
	switch {
	case errors.As(err, &no):
		s.count(code)
		s.log.Warn(s.who()+" refused", zap.String("code", code), zap.String("reason", no.Error()))
		s.linger()
	case s.granted:
		s.count(code)
		s.log.Info(s.who()+" gone", zap.String("code", code), zap.String("reason", reason(ctx, err)),
			zap.Duration("lasted", lasted.Round(time.Millisecond)), zap.Int64("bytes", s.bytes),
			zap.Int64("average_bitrate", int64(float64(s.bytes)*8/lasted.Seconds())), zap.Int64("skipped", s.skipped),
			zap.Uint64("at_byte", s.t.count), zap.Duration("throttled", s.t.throttled))
		if errors.Is(err, errGoodbye) {
			s.linger()
		}
	case errors.Is(err, io.EOF): // a port scan, a health check: not worth a person's attention
		s.count(code)
		s.log.Debug("connection ended before a publish", zap.String("code", code), zap.String("reason", reason(ctx, err)))
	default:
		s.count(code)
		s.log.Warn("connection ended before a publish", zap.String("code", code), zap.String("reason", reason(ctx, err)))
	}
}

// count counts the end of one who was let in, or an attempt that came to nothing.
func (s *session) count(code string) {
	if s.granted {
		s.server.tally.end(code)
		return
	}
	s.server.tally.attempt(code)
}

func (s *session) who() string {
	if s.command.name == "play" {
		return "player"
	}
	return "publisher"
}

// linger lets the peer close first: closing at once, with its bytes unread, would reset the connection under our answer,
// and GStreamer's rtmp2sink fails when it is cut off in its own goodbye.
func (s *session) linger() {
	s.t.readBy = time.Now().Add(lingerTimeout)
	_, _ = io.Copy(io.Discard, s.t) // ends with the peer's close, or the deadline
}

// publisher is what the hub is told of the peer.
func (s *session) publisher() relay.Publisher {
	return relay.Publisher{Key: s.grant.Key, Holder: s.grant.Holder, Role: s.grant.Role, Remote: s.visitor.conn.RemoteAddr().String(), Agent: s.agent}
}
