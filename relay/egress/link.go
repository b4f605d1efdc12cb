package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// lingering is how long a platform may take to close after the child is done.
const lingering = time.Second

// ErrClosedByPlatform is why a link ended when the platform closed it while the child was still publishing.
var ErrClosedByPlatform = errors.New("the platform closed the connection")

// Link is one opened way to a platform.
type Link struct {
	ln       *net.TCPListener
	tcp      *net.TCPConn // to the platform
	platform halfCloser   // the same, or TLS over it
	address  string
}

// halfCloser is a connection of which one direction can be ended: *net.TCPConn, *tls.Conn.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// Addr is the loopback host:port the child shall connect to. It takes one connection.
func (l *Link) Addr() string { return l.ln.Addr().String() }

// Progress is the number of bytes the platform's kernel has acknowledged (TCP_INFO, tcpi_bytes_acked; Linux 4.1).
func (l *Link) Progress() int64 { return int64(l.info().Bytes_acked) }

// Serve carries bytes both ways. It returns nil when the child was done first, ErrClosedByPlatform or what the network
// said when the platform was, and the context's error when it was cancelled. All sockets are closed then.
func (l *Link) Serve(ctx context.Context) error {
	defer l.platform.Close() //nolint:errcheck // nothing is left to lose
	stop := context.AfterFunc(ctx, func() {
		_ = l.ln.Close()
		_ = l.tcp.Close()
	})
	defer stop()
	child, err := l.accept()
	if err != nil {
		return errors.Join(ctx.Err(), err)
	}
	defer child.Close() //nolint:errcheck // as above
	stopChild := context.AfterFunc(ctx, func() { _ = child.Close() })
	defer stopChild()

	var down error        // platform to child
	var first atomic.Bool // the platform ended first
	var wg sync.WaitGroup
	wg.Go(func() {
		_, down = io.Copy(child, l.platform)
		first.Store(true)
		_ = child.Close() // tells the child, and ends the copy below
	})
	_, up := io.Copy(l.platform, child)
	platformFirst := first.Load() || (up != nil && !l.established())
	if platformFirst {
		_ = l.platform.Close()
	} else { // ffmpeg leaves replies unread when it goes, so its end may be a reset: up is no error then
		_ = l.platform.CloseWrite()
		_ = l.platform.SetReadDeadline(time.Now().Add(lingering))
	}
	wg.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case !platformFirst:
		return nil
	case down != nil && !errors.Is(down, net.ErrClosed):
		return fmt.Errorf("%w: %s: %w", ErrClosedByPlatform, l.address, down)
	}
	return fmt.Errorf("%w: %s", ErrClosedByPlatform, l.address)
}

// established reports whether the connection to the platform is whole (tcpi_state TCP_ESTABLISHED).
func (l *Link) established() bool { return l.info().State == unix.BPF_TCP_ESTABLISHED }

func (l *Link) info() unix.TCPInfo {
	raw, err := l.tcp.SyscallConn()
	if err != nil {
		return unix.TCPInfo{}
	}
	var info unix.TCPInfo
	_ = raw.Control(func(fd uintptr) {
		if i, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			info = *i
		}
	})
	return info
}

func (l *Link) accept() (*net.TCPConn, error) {
	defer l.ln.Close() //nolint:errcheck // it took its one connection
	if err := l.ln.SetDeadline(time.Now().Add(acceptTimeout)); err != nil {
		return nil, fmt.Errorf("wait for ffmpeg: %w", err)
	}
	child, err := l.ln.AcceptTCP()
	if err != nil {
		return nil, fmt.Errorf("wait for ffmpeg: %w", err)
	}
	return child, nil
}
