package relaytest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Sink is a stand-in platform: an RTMP or RTMPS server on loopback that accepts every publish, records what each
// connection brought, and misbehaves on request.
//
// It has one behaviour at a time, which can be changed at any time from any goroutine:
//
//	Accept (default)      every publish is accepted, and what comes is kept
//	RefuseKey, RefuseWith every publish is refused in a platform's words, and the connection closed
//	ResetAfter(d)         every session is reset d after its publish was accepted
//	AnswerAfter(d)        TCP is accepted, and nothing said for d
//	Discard               every publish is accepted, read and thrown away
//	Throttle(rate)        so many bytes a second are read
//	Chatter               media is not read, but the sink keeps talking
//
// Beside that, whatever the behaviour:
//
//	Reset             the sessions of this moment are reset, once
//	Wedge, Unwedge    sockets are open, and accepted, but nobody reads them
//	Stop, Restart     nobody listens: connection refused
//
// What is wrong with its certificate is for good: [Expired], [SelfSigned], and [TLS] with another host's name.
type Sink struct {
	port      *keptPort  // nobody else gets it while the sink is stopped
	authority *authority // nil for plain RTMP
	ackWindow uint32     // in bytes, 0 for no acknowledgements
	bodies    bool       // are kept
	gate      *gate
	wg        sync.WaitGroup

	mu        sync.Mutex
	listener  net.Listener // nil while stopped
	behaviour behaviour
	conns     map[*sinkConn]struct{}
	sessions  []*Session
}

type sinkSpec struct {
	tls       bool
	issue     issue
	ackWindow uint32
	bodies    bool
}

// SinkOption changes what [OpenSink] opens.
type SinkOption func(*sinkSpec)

// TLS makes the sink speak RTMPS with a certificate for hosts, which default to 127.0.0.1 and localhost. Only
// [Sink.CAFile] and [Sink.CertPool] vouch for it.
func TLS(hosts ...string) SinkOption {
	return func(s *sinkSpec) { s.tls, s.issue.hosts = true, hosts }
}

// Expired makes the sink speak RTMPS with a certificate whose time was over an hour ago.
func Expired() SinkOption { return func(s *sinkSpec) { s.tls, s.issue.expired = true, true } }

// SelfSigned makes the sink speak RTMPS with a certificate that no authority vouches for, [Sink.CAFile] included.
func SelfSigned() SinkOption { return func(s *sinkSpec) { s.tls, s.issue.selfSigned = true, true } }

// AckEvery sets after how many received bytes the sink sends an RTMP acknowledgement, as platforms do; 0, the
// default, means never. ffmpeg as the client closes without reading the last of them, so its socket is reset and
// the end of the show is lost (measured: the last 6 to 16 of 50 packets). What is to arrive whole with
// acknowledgements on must go through something that reads them.
func AckEvery(bytes uint32) SinkOption {
	return func(s *sinkSpec) { s.ackWindow = bytes }
}

// KeepBodies makes the sink keep the media itself, for [Session.WriteFLV].
func KeepBodies() SinkOption { return func(s *sinkSpec) { s.bodies = true } }

// OpenSink opens a sink on a free port of 127.0.0.1. The caller closes it.
func OpenSink(opts ...SinkOption) (*Sink, error) {
	var spec sinkSpec
	for _, opt := range opts {
		opt(&spec)
	}
	port, err := keepPort()
	if err != nil {
		return nil, fmt.Errorf("sink listens: %w", err)
	}
	s := &Sink{
		port:      port,
		ackWindow: spec.ackWindow,
		bodies:    spec.bodies,
		gate:      newGate(),
		conns:     make(map[*sinkConn]struct{}),
	}
	if spec.tls {
		s.authority, err = newAuthority(spec.issue)
	}
	if err == nil {
		err = s.Restart()
	}
	if err != nil {
		port.release()
		return nil, err
	}
	return s, nil
}

// NewSink opens a sink that is closed at the end of the test.
func NewSink(t testing.TB, opts ...SinkOption) *Sink {
	t.Helper()
	s, err := OpenSink(opts...)
	if err != nil {
		t.Fatalf("open sink: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// Addr is host:port. It stays the same across [Sink.Stop] and [Sink.Restart].
func (s *Sink) Addr() string { return s.port.addr }

// URL is what a platform shows beside the stream key: rtmp://127.0.0.1:port/live, or rtmps.
func (s *Sink) URL() string {
	if s.authority != nil {
		return "rtmps://" + s.port.addr + "/live"
	}
	return "rtmp://" + s.port.addr + "/live"
}

// CAFile is the path of the authority's certificate, as PEM; CertPool holds the same. Both need [TLS].
func (s *Sink) CAFile() string { return s.authority.file }

// CertPool holds the authority's certificate.
func (s *Sink) CertPool() *x509.CertPool { return s.authority.pool }

// Reset ends every open connection with a TCP reset.
func (s *Sink) Reset() {
	for _, conn := range s.openConns() {
		conn.reset()
	}
}

// Wedge makes the sink stop reading. Connections stay open and new ones are accepted, but a peer's writes block
// after about 230 kB, two seconds of 1 Mb/s. What a session already read stays recorded; its end is noticed only
// after [Sink.Unwedge].
func (s *Sink) Wedge() { s.gate.shut() }

// Unwedge makes the sink read again.
func (s *Sink) Unwedge() { s.gate.open() }

// Stop closes the listener and every connection.
func (s *Sink) Stop() {
	s.mu.Lock()
	listener := s.listener
	s.listener = nil
	s.mu.Unlock()
	if listener != nil {
		// A listener that fails to close has nothing more to give.
		_ = listener.Close()
	}
	for _, conn := range s.openConns() {
		conn.close()
	}
	s.wg.Wait()
}

// Restart listens again on the same port after [Sink.Stop].
func (s *Sink) Restart() error {
	// The buffer is set before listen, because the window a connection may ever have is agreed in its first packets.
	config := net.ListenConfig{Control: shrinkBuffers}
	listener, err := config.Listen(context.Background(), "tcp", s.port.addr)
	if err != nil {
		return fmt.Errorf("sink listens: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener = listener
	s.wg.Go(func() { s.serve(listener) })
	return nil
}

// Close ends the sink. What it recorded stays readable.
func (s *Sink) Close() {
	s.Stop()
	s.port.release()
	if s.authority != nil {
		os.Remove(s.authority.file)
	}
}

// Sessions returns a copy of everything recorded so far, one entry a TCP connection, in the order they came.
func (s *Sink) Sessions() []Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	sessions := make([]Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		snapshot := *session
		// Tags are only ever appended, so the copy may share them up to here.
		snapshot.Tags = slices.Clip(snapshot.Tags)
		sessions = append(sessions, snapshot)
	}
	return sessions
}

// Wait polls until cond holds for the sessions and returns them; it fails the test after the deadline.
func (s *Sink) Wait(t testing.TB, deadline time.Duration, cond func([]Session) bool) []Session {
	t.Helper()
	var sessions []Session
	met := poll(deadline, func() bool {
		sessions = s.Sessions()
		return cond(sessions)
	})
	if !met {
		t.Fatalf("timed out after %v waiting for the sink %s, which saw:\n%s", deadline, s.port.addr, describe(sessions))
	}
	return sessions
}

func describe(sessions []Session) string {
	if len(sessions) == 0 {
		return "no connection at all"
	}
	var b strings.Builder
	for i, session := range sessions {
		fmt.Fprintf(&b, "session %d: app %q key %q, %d video, %d audio, clean %t, closed %t\n", i, session.App,
			session.Key, len(session.VideoHashes()), len(session.AudioHashes()), session.Clean, !session.Closed.IsZero())
	}
	return b.String()
}

func (s *Sink) serve(listener net.Listener) {
	for {
		tcp, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		conn := newSinkConn(s, tcp.(*net.TCPConn))
		if !s.add(listener, conn) {
			conn.close()
			return
		}
		s.wg.Go(func() {
			conn.serve()
			s.remove(conn)
		})
	}
}

// add reports false when the listener was stopped meanwhile: nobody would close the connection.
func (s *Sink) add(listener net.Listener, conn *sinkConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != listener {
		return false
	}
	s.conns[conn] = struct{}{}
	s.sessions = append(s.sessions, conn.session)
	return true
}

func (s *Sink) remove(conn *sinkConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
	conn.session.Closed = time.Now()
}

func (s *Sink) openConns() []*sinkConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := make([]*sinkConn, 0, len(s.conns))
	for conn := range s.conns {
		conns = append(conns, conn)
	}
	return conns
}

// record changes a session under the lock that [Sink.Sessions] copies it under.
func (s *Sink) record(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *Sink) tlsConfig(onHello func(name string)) *tls.Config {
	return &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		onHello(hello.ServerName)
		return &s.authority.leaf, nil
	}}
}

// shrinkBuffers makes a wedge bite soon: with the kernel's own sizes a peer writes 3.9 MB first, half a minute of
// 1 Mb/s. A small receive buffer alone is not enough, because the sender's starts at some forty segments, and those
// of loopback are 64 KiB; hence the segment size of an Ethernet.
func shrinkBuffers(_, _ string, raw syscall.RawConn) error {
	const receiveBuffer, segment = 16 << 10, 1460
	var err error
	control := raw.Control(func(fd uintptr) {
		err = errors.Join(
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, receiveBuffer),
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, segment))
	})
	return errors.Join(control, err)
}
