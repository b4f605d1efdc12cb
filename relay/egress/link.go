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

const (
	// lingering is how long a platform may take to acknowledge more, or to close, once the child is done.
	lingering = time.Second
	// lingerings is how often that may be granted: what is on its way then has filled the kernel's buffers, and a
	// platform that slow will not see the end of it anyway.
	lingerings = 10
)

// ErrClosedByPlatform is why a link ended when the platform closed it while the child was still publishing.
var ErrClosedByPlatform = errors.New("the platform closed the connection")

// Link is one opened way to a platform.
type Link struct {
	ln       *net.TCPListener
	tcp      *net.TCPConn // to the platform
	platform halfCloser   // the same, or TLS over it
	address  string
	begun    atomic.Bool  // a child has connected
	acked    atomic.Int64 // newest Progress
}

// halfCloser is a connection of which one direction can be ended: *net.TCPConn, *tls.Conn.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// Addr is the loopback host:port the child shall connect to. It takes one connection.
func (l *Link) Addr() string { return l.ln.Addr().String() }

// Progress is the number of bytes the platform's kernel has acknowledged (TCP_INFO, tcpi_bytes_acked; Linux 4.1), 0 as
// long as no child has connected. It stays what it was when the link ends.
func (l *Link) Progress() int64 {
	if !l.begun.Load() {
		return 0
	}
	if n := int64(l.info().Bytes_acked); n > 0 {
		l.acked.Store(n)
	}
	return l.acked.Load()
}

// Serve carries bytes both ways. It returns nil when the child was done first, ErrClosedByPlatform or what the network
// said when the platform was, and the context's error when it was cancelled. All sockets are closed then.
func (l *Link) Serve(ctx context.Context) error {
	defer l.platform.Close() //nolint:errcheck // nothing is left to lose
	stop := context.AfterFunc(ctx, func() {
		_ = l.ln.Close()
		_ = l.tcp.Close()
	})
	defer stop()
	// The port stays bound until the end: whoever else got it would be sent the key.
	var door sync.WaitGroup
	defer door.Wait()
	defer l.ln.Close() //nolint:errcheck // nothing is left to lose
	child, err := l.accept()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	door.Go(l.turnAway)
	defer child.Close() //nolint:errcheck // as above
	stopChild := context.AfterFunc(ctx, func() { _ = child.Close() })
	defer stopChild()
	err = l.carry(child)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// carry copies both ways until one side is done.
func (l *Link) carry(child *net.TCPConn) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ahead := newSlack()
	defer ahead.close()
	wg.Go(func() { ahead.fill(child) })

	var down error              // platform to child
	var first atomic.Bool       // the platform ended first
	gone := make(chan struct{}) // so did it by now
	wg.Go(func() {
		defer close(gone)
		_, down = io.Copy(&listener{child}, l.platform)
		first.Store(true)
		_ = child.Close() // tells the child, and ends the copy below
		_ = l.tcp.Close() // which may hang in a write
	})
	_, up := io.Copy(l.platform, ahead)
	if first.Load() || (up != nil && !l.established()) {
		_ = l.platform.Close()
		<-gone
		return l.closedByPlatform(down)
	}
	// ffmpeg leaves replies unread when it goes, so its end may be a reset: up is no error then.
	_ = l.platform.CloseWrite()
	l.linger(gone)
	_ = l.platform.Close()
	return nil
}

func (l *Link) closedByPlatform(why error) error {
	if why == nil || errors.Is(why, net.ErrClosed) {
		return fmt.Errorf("%w: %s", ErrClosedByPlatform, l.address)
	}
	return fmt.Errorf("%w: %s: %w", ErrClosedByPlatform, l.address, why)
}

// linger waits for the platform to close, for as long as it goes on acknowledging. Meanwhile its replies are read:
// closing a socket that has any unread, or gets one later, resets it, and what the platform has not read is lost.
func (l *Link) linger(gone <-chan struct{}) {
	tick := time.NewTicker(lingering)
	defer tick.Stop()
	acked := int64(-1)
	for range lingerings {
		now := l.Progress()
		if now == acked {
			return
		}
		acked = now
		select {
		case <-tick.C:
		case <-gone:
			return
		}
	}
}

// listener is a child that is told what the platform says. One that is gone hears no more: what it said before may
// still be on its way to the platform, and its end must not be taken for the platform's.
type listener struct{ child io.Writer }

func (l *listener) Write(p []byte) (int, error) {
	if _, err := l.child.Write(p); err != nil {
		l.child = io.Discard
	}
	return len(p), nil
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

// turnAway closes the connections of all who come after the child, until the port is closed.
func (l *Link) turnAway() {
	if l.ln.SetDeadline(time.Time{}) != nil {
		return
	}
	for {
		late, err := l.ln.AcceptTCP()
		if err != nil {
			return
		}
		_ = late.Close()
	}
}

func (l *Link) accept() (*net.TCPConn, error) {
	if err := l.ln.SetDeadline(time.Now().Add(acceptTimeout)); err != nil {
		return nil, fmt.Errorf("wait for ffmpeg: %w", err)
	}
	for {
		child, err := l.ln.AcceptTCP()
		if err != nil {
			return nil, fmt.Errorf("wait for ffmpeg: %w", err)
		}
		if !ours(child) { // another user of this machine, who came before the child
			_ = child.Close()
			continue
		}
		l.begun.Store(true)
		return child, nil
	}
}
