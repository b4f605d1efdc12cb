package egress_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/restreamd/restreamd/relay/egress"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const soon = 5 * time.Second

// platform is a bare socket that stands for a platform. It takes one connection.
type platform struct {
	ln   net.Listener
	conn chan net.Conn
}

// listen opens a platform that speaks TLS if it has a certificate. Its buffers are small: what it has not read waits
// at the gate.
func listen(t *testing.T, cert *tls.Certificate) *platform {
	t.Helper()
	if cert == nil {
		return listenTLS(t, nil)
	}
	return listenTLS(t, &tls.Config{Certificates: []tls.Certificate{*cert}})
}

// listenTLS is listen with everything TLS knows; nil: plain.
func listenTLS(t *testing.T, config *tls.Config) *platform {
	t.Helper()
	small := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 16<<10)
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 1460)
		})
	}}
	ln, err := small.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &platform{ln: ln, conn: make(chan net.Conn, 1)}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		p.accept(config)
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-gone
		select {
		case c := <-p.conn:
			_ = c.Close()
		default:
		}
	})
	return p
}

func (p *platform) accept(config *tls.Config) {
	c, err := p.ln.Accept()
	if err != nil {
		return
	}
	if config != nil {
		s := tls.Server(c, config)
		if s.Handshake() != nil {
			_ = c.Close()
			return
		}
		c = s
	}
	p.conn <- c
}

// peer returns the connection the gate made.
func (p *platform) peer(t *testing.T) net.Conn {
	t.Helper()
	select {
	case c := <-p.conn:
		t.Cleanup(func() { _ = c.Close() })
		return c
	case <-time.After(soon):
		t.Fatal("the gate did not connect")
		return nil
	}
}

// classOf is the class an error has for those who do not import the gate.
func classOf(err error) egress.Class {
	var c interface{ Class() string }
	if !errors.As(err, &c) {
		return ""
	}
	return egress.Class(c.Class())
}

// running is a link that is served, with a child at its loopback end.
type running struct {
	*egress.Link
	child *net.TCPConn
	ended chan error
}

// open opens a gate, serves its link and connects a child.
func open(t *testing.T, ctx context.Context, g egress.Gate) *running {
	t.Helper()
	link, err := g.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &running{Link: link, ended: make(chan error, 1)}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		r.ended <- link.Serve(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-gone
	})
	child, err := net.Dial("tcp", link.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Close() })
	r.child = child.(*net.TCPConn)
	return r
}

// end waits for Serve to return.
func (r *running) end(t *testing.T, within time.Duration) error {
	t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(within):
		t.Fatalf("Serve did not return within %v", within)
		return nil
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return b
}

func write(t *testing.T, w io.Writer, b []byte) {
	t.Helper()
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, r io.Reader, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	return b
}
