package relaytest

import (
	"net"
	"time"
)

// heldConn is a TCP connection that is read no faster than its sink wants: not at all behind a gate that is shut, and
// evenly at a rate. That is all a wedge and a slow platform are.
type heldConn struct {
	*net.TCPConn
	gate *gate
	gone <-chan struct{}
	rate func() int // in bytes a second, 0 for no limit
	next time.Time  // when the bytes read so far are paid for
}

func (h *heldConn) Read(p []byte) (int, error) {
	rate := h.rate()
	if rate > 0 {
		// Of a large buffer only a twentieth of a second's worth, or the pace would not be even.
		p = p[:min(len(p), max(1, rate/20))]
		if !pause(time.Until(h.next), h.gone) {
			return 0, net.ErrClosed
		}
	}
	if !h.gate.pass(h.gone) {
		return 0, net.ErrClosed
	}
	n, err := h.TCPConn.Read(p)
	if rate > 0 {
		h.next = time.Now().Add(time.Duration(n) * time.Second / time.Duration(rate))
	}
	return n, err
}

// pause reports false when gone was closed before d had passed.
func pause(d time.Duration, gone <-chan struct{}) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-gone:
		return false
	}
}
