package egress

import (
	"cmp"
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

// Link is one opened way to a platform.
type Link struct {
	ln       *net.TCPListener
	tcp      *net.TCPConn // to the platform
	platform halfCloser   // the same, or TLS over it
	address  string
	meter    *meter
}

// halfCloser is a connection of which one direction can be ended: *net.TCPConn, *tls.Conn.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// Addr is the loopback host:port the child shall connect to. It takes one connection.
func (l *Link) Addr() string { return l.ln.Addr().String() }

// Delivery is how far the child's bytes have come by now. It is cheap, and stays what it last was when the link ends.
func (l *Link) Delivery() Delivery { return l.meter.delivery() }

// Serve carries bytes both ways. It returns nil when the child was done first, an *Error when the platform was, and
// the context's error when it was cancelled. All sockets are closed then.
func (l *Link) Serve(ctx context.Context) error {
	defer l.platform.Close() //nolint:errcheck // nothing is left to lose
	stop := context.AfterFunc(ctx, func() {
		_ = l.ln.Close()
		l.hangUp()
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
	wg.Go(func() { ahead.fill(child, l.meter.take) })

	var down error              // platform to child
	var first atomic.Bool       // the platform ended first
	gone := make(chan struct{}) // so did it by now
	wg.Go(func() {
		defer close(gone)
		_, down = io.Copy(&listener{child}, l.platform)
		first.Store(true)
		_ = child.Close() // tells the child, and ends the copy below
		l.hangUp()        // for that copy may hang in a write
	})
	out := &outlet{platform: l.platform, meter: l.meter}
	_, up := io.Copy(out, ahead)
	if first.Load() || (up != nil && !l.established()) {
		l.hangUp()
		<-gone
		return lost(l.address, cmp.Or(closedByOthers(down), closedByOthers(out.failed)))
	}
	// ffmpeg leaves replies unread when it goes, so its end may be a reset: up is no error then.
	_ = l.platform.CloseWrite()
	l.linger(gone)
	l.hangUp()
	return nil
}

// hangUp takes the last reading of what was delivered while the socket can still tell.
func (l *Link) hangUp() {
	l.meter.delivery()
	_ = l.tcp.Close()
}

// closedByOthers is what went wrong, if it was not that we closed the connection: a socket tells its failure once, to
// whoever reads or writes next.
func closedByOthers(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// outlet is the platform, with the books kept of what it is sent.
type outlet struct {
	platform io.Writer
	meter    *meter
	failed   error
}

func (o *outlet) Write(p []byte) (n int, err error) {
	n, o.failed = o.platform.Write(p)
	o.meter.send(n)
	return n, o.failed
}

// linger waits for the platform to close, for as long as it goes on acknowledging. Meanwhile its replies are read:
// closing a socket that has any unread, or gets one later, resets it, and what the platform has not read is lost.
func (l *Link) linger(gone <-chan struct{}) {
	tick := time.NewTicker(lingering)
	defer tick.Stop()
	acked := int64(-1)
	for range lingerings {
		now := l.Delivery().Acked
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
func (l *Link) established() bool {
	info, err := l.meter.info()
	return err == nil && info.State == unix.BPF_TCP_ESTABLISHED
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
		l.meter.begin()
		return child, nil
	}
}
