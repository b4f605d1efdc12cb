package ingest

import (
	"errors"
	"net"
	"time"
)

// errBudget ends a peer that talks without publishing.
var errBudget = errors.New("too much data before a publish")

// transport is a connection whose reads and writes have deadlines and, until trusted, a budget. It belongs to the
// session's goroutine.
type transport struct {
	conn    net.Conn
	budget  int       // bytes that may still be read; negative: no limit
	readBy  time.Time // absolute
	writing time.Duration
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
	if t.budget > 0 {
		t.budget -= n
	}
	return n, err
}

func (t *transport) Write(p []byte) (int, error) {
	if err := t.conn.SetWriteDeadline(time.Now().Add(t.writing)); err != nil {
		return 0, err
	}
	return t.conn.Write(p)
}

// trust lifts the budget.
func (t *transport) trust() { t.budget = -1 }
