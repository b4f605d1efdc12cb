package egress_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/restreamd/restreamd/relay/egress"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// each runs a test over a plain gate and over one that speaks TLS.
func each(t *testing.T, test func(t *testing.T, p *platform, g egress.Gate)) {
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		p := listen(t, nil)
		test(t, p, egress.Gate{Address: p.ln.Addr().String()})
	})
	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		ca := newAuthority(t)
		p := listen(t, ca.certify(t, "platform.test"))
		test(t, p, egress.Gate{Address: p.ln.Addr().String(), Host: "platform.test", TLS: true, RootCAs: ca.pool})
	})
}

func TestNoByteIsChanged(t *testing.T) {
	each(t, func(t *testing.T, p *platform, g egress.Gate) {
		r := open(t, t.Context(), g)
		peer := p.peer(t)
		up, down := noise(3<<20), noise(1<<20)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = peer.Write(down)
		}()
		go func() { _, _ = r.child.Write(up) }()
		sum := sha256.New()
		heard := make(chan error, 1)
		go func() {
			_, err := io.CopyN(sum, r.child, int64(len(down)))
			heard <- err
		}()
		if got := read(t, peer, len(up)); !bytes.Equal(got, up) {
			t.Error("the platform read other bytes than the child wrote")
		}
		<-done
		if err := <-heard; err != nil || [32]byte(sum.Sum(nil)) != sha256.Sum256(down) {
			t.Errorf("the child read other bytes than the platform wrote: %v", err)
		}
	})
}

func TestPlatformClosesFirst(t *testing.T) {
	for name, linger := range map[string]int{"in order": -1, "with a reset": 0} {
		t.Run(name, func(t *testing.T) {
			p := listen(t, nil)
			r := open(t, t.Context(), egress.Gate{Address: p.ln.Addr().String()})
			peer := p.peer(t).(*net.TCPConn)
			write(t, r.child, []byte("media"))
			read(t, peer, 5)
			write(t, peer, []byte("go away"))
			if got := read(t, r.child, 7); string(got) != "go away" {
				t.Errorf("the child read %q", got)
			}
			if err := peer.SetLinger(linger); err != nil {
				t.Fatal(err)
			}
			_ = peer.Close()
			err := r.end(t, soon)
			if !errors.Is(err, egress.ErrClosedByPlatform) || classOf(err) != egress.ClassClosed {
				t.Errorf("Serve returned %v", err)
			}
			if !strings.Contains(err.Error(), p.ln.Addr().String()) {
				t.Errorf("%q does not name the platform", err)
			}
			if _, err := r.child.Read(make([]byte, 1)); err == nil {
				t.Error("the child was not told")
			}
			if d := r.Delivery(); d.Acked != 5 || d.Queued != 0 { // though nobody has asked before
				t.Errorf("%+v, but the platform had read all", d)
			}
		})
	}
}

func TestPlatformClosesFirstOverTLS(t *testing.T) {
	ca := newAuthority(t)
	p := listen(t, ca.certify(t, "platform.test"))
	r := open(t, t.Context(), egress.Gate{Address: p.ln.Addr().String(), Host: "platform.test", TLS: true, RootCAs: ca.pool})
	_ = p.peer(t).Close()
	if err := r.end(t, soon); !errors.Is(err, egress.ErrClosedByPlatform) || classOf(err) != egress.ClassClosed {
		t.Errorf("Serve returned %v", err)
	}
}

// TLS 1.3 lets a client begin before the server has looked at its certificate: it is refused in mid-stream.
func TestPlatformRefusesTLSWhileServed(t *testing.T) {
	ca := newAuthority(t)
	p := listenTLS(t, &tls.Config{
		Certificates: []tls.Certificate{*ca.certify(t, "platform.test")}, ClientAuth: tls.RequireAnyClientCert,
	})
	r := open(t, t.Context(), egress.Gate{Address: p.ln.Addr().String(), Host: "platform.test", TLS: true, RootCAs: ca.pool})
	err := r.end(t, soon)
	if classOf(err) != egress.ClassTLS || errors.Is(err, egress.ErrClosedByPlatform) {
		t.Errorf("Serve returned class %q: %v", classOf(err), err)
	}
}

// A platform that says goodbye and reads no further must not hold the link up.
func TestPlatformThatOnlyHalfCloses(t *testing.T) {
	p := listen(t, nil)
	r := open(t, t.Context(), egress.Gate{Address: p.ln.Addr().String()})
	peer := p.peer(t).(*net.TCPConn)
	fill(r)
	stuck(t, r)
	if err := peer.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := r.end(t, soon); !errors.Is(err, egress.ErrClosedByPlatform) {
		t.Errorf("Serve returned %v", err)
	}
}

// ffmpeg goes without reading the platform's last acknowledgements, so that its end is a reset. What it wrote before
// must reach the platform all the same, however slow that is.
func TestChildThatIsResetLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, p *platform, g egress.Gate) {
		r := open(t, t.Context(), g)
		peer := p.peer(t)
		media := noise(2 << 20)     // far more than the kernel takes for a platform that does not read
		write(t, peer, noise(1000)) // for the child to leave unread
		write(t, r.child, media)
		relaytest.Eventually(t, soon, "the gate's kernel to have all", func() bool { return queued(t, r.child) == 0 })
		unread(t, r.child)
		_ = r.child.Close()

		pace := time.NewTicker(50 * time.Millisecond)
		defer pace.Stop()
		var got bytes.Buffer
		for got.Len() < len(media) {
			<-pace.C
			n, err := io.CopyN(&got, peer, min(64<<10, int64(len(media)-got.Len())))
			if err != nil {
				t.Fatalf("after %d of %d bytes: %v", got.Len(), len(media), err)
			}
			if _, err := peer.Write(make([]byte, 16)); err != nil {
				t.Fatalf("acknowledge %d bytes: %v", n, err)
			}
		}
		if sha256.Sum256(got.Bytes()) != sha256.Sum256(media) {
			t.Error("other bytes arrived")
		}
		if _, err := peer.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("then the platform read %v, want the end", err)
		}
		_ = peer.Close()
		if err := r.end(t, soon); err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
}

// A platform need not close: the link ends by itself when the child is done.
func TestChildClosesFirst(t *testing.T) {
	each(t, func(t *testing.T, p *platform, g egress.Gate) {
		r := open(t, t.Context(), g)
		peer := p.peer(t)
		write(t, r.child, []byte("goodbye"))
		_ = r.child.Close()
		if got, err := io.ReadAll(peer); string(got) != "goodbye" || err != nil {
			t.Errorf("the platform read %q, %v", got, err)
		}
		if err := r.end(t, soon); err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
}

func TestWedgedPlatform(t *testing.T) {
	each(t, func(t *testing.T, p *platform, g egress.Gate) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := open(t, ctx, g)
		p.peer(t)
		fill(r)
		at := stuck(t, r)
		begun := time.Now()
		cancel()
		if err := r.end(t, soon); !errors.Is(err, context.Canceled) {
			t.Errorf("Serve returned %v", err)
		}
		if took := time.Since(begun); took > 500*time.Millisecond {
			t.Errorf("Serve took %v to let go", took)
		}
		if d := r.Delivery(); d.Acked < at || d != r.Delivery() {
			t.Errorf("after the end %+v, then %+v: want both the same, no less than %d", d, r.Delivery(), at)
		}
	})
}

func TestServeWithoutAChildCanBeCancelled(t *testing.T) {
	p := listen(t, nil)
	link, err := (&egress.Gate{Address: p.ln.Addr().String()}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := link.Delivery(); d != (egress.Delivery{}) {
		t.Errorf("%+v before there was a child", d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := link.Serve(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Serve returned %v", err)
	}
	if _, err := p.peer(t).Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the platform's connection: %v, want its end", err)
	}
}

func TestLinkTakesOneChild(t *testing.T) {
	p := listen(t, nil)
	r := open(t, t.Context(), egress.Gate{Address: p.ln.Addr().String()})
	write(t, r.child, []byte("x"))
	read(t, p.peer(t), 1) // so the first one is being served
	late, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatalf("the port was given up while the child uses it: %v", err)
	}
	defer late.Close()
	if _, err := late.Read(make([]byte, 1)); err == nil {
		t.Error("a second child got in")
	}
}

// fill writes until the link is closed.
func fill(r *running) {
	go func() { _, _ = io.Copy(r.child, endless{}) }()
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// stuck waits until progress has stood still for a while, and returns it.
func stuck(t *testing.T, r *running) int64 {
	t.Helper()
	var at int64
	since := time.Now()
	relaytest.Eventually(t, soon, "the link to stand still", func() bool {
		if now := r.Delivery().Acked; now != at {
			at, since = now, time.Now()
		}
		return time.Since(since) > 400*time.Millisecond
	})
	if at < 4<<10 {
		t.Errorf("stuck after %d bytes", at)
	}
	return at
}

// queued is how many bytes the peer's kernel has not taken yet.
func queued(t *testing.T, c *net.TCPConn) int { return ioctl(t, c, unix.SIOCOUTQ) }

// unread waits until there is something to leave unread.
func unread(t *testing.T, c *net.TCPConn) {
	t.Helper()
	relaytest.Eventually(t, soon, "something unread", func() bool { return waiting(t, c) > 0 })
}

// waiting is how many bytes a connection has got and nobody has read.
func waiting(t *testing.T, c *net.TCPConn) int { return ioctl(t, c, unix.SIOCINQ) }

func ioctl(t *testing.T, c *net.TCPConn, req uint) (n int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var ierr error
	if err := raw.Control(func(fd uintptr) { n, ierr = unix.IoctlGetInt(int(fd), req) }); err != nil || ierr != nil {
		t.Fatal(err, ierr)
	}
	return n
}
