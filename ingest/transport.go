package ingest

import (
	"errors"
	"net"
	"os"
	"time"
)

// Why a transport gave up.
var (
	errBudget = errors.New("too much data before a publish")
	errSlow   = errors.New("no publish in time (limits.handshake)")
	errIdle   = errors.New("idle: no audio or video in time (limits.idle)")
	errDeaf   = errors.New("the encoder does not read our replies")
)

// transport is a connection whose reads and writes have deadlines and, until trusted, a budget. It belongs to the
// session's goroutine.
type transport struct {
	conn    net.Conn
	budget  int       // bytes that may still be read; negative: no limit
	readBy  time.Time // absolute
	late    error     // what it means when readBy passes
	writing time.Duration

	count     uint32 // bytes read, modulo 2^32 as in acknowledgements
	acked     uint32 // bytes the peer has heard of
	ackWindow uint32 // bytes after which it wants to hear of them, 0: never
}

func (t *transport) Read(p []byte) (int, error) {
	if t.budget == 0 {
		return 0, errBudget
	}
	if t.budget > 0 {
		p = p[:min(len(p), t.budget)]
	}
	if err := t.conn.SetReadDeadline(t.readBy); err != nil {
		return 0, err
	}
	n, err := t.conn.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = t.late
	}
	t.count += uint32(n)
	if t.budget > 0 {
		t.budget -= n
	}
	return n, err
}

func (t *transport) Write(p []byte) (int, error) {
	if err := t.conn.SetWriteDeadline(time.Now().Add(t.writing)); err != nil {
		return 0, err
	}
	n, err := t.conn.Write(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errDeaf
	}
	return n, err
}

// ackDue reports whether the peer shall hear of what was read, and counts it as told.
func (t *transport) ackDue() bool {
	if t.ackWindow == 0 || t.count-t.acked < t.ackWindow {
		return false
	}
	t.acked = t.count
	return true
}

// trust lifts the budget; from now on the peer must send media, at least every idle.
func (t *transport) trust(idle time.Duration) {
	t.budget, t.late = -1, errIdle
	t.alive(idle)
}

// alive gives the peer time to send the next media.
func (t *transport) alive(idle time.Duration) { t.readBy = time.Now().Add(idle) }
