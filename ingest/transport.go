package ingest

import (
	"errors"
	"net"
	"os"
	"slices"
	"time"
)

const (
	// noBudget is the budget of a peer that was let in.
	noBudget = -1
	// burst is how many seconds of the permitted bitrate may come at once: keyframes are large.
	burst = 4
	// readsPerSecond is how often a peer that is held to its bitrate is read at least: no wait is so long that a close
	// goes unnoticed.
	readsPerSecond = 4
	// writePiece is what a peer must at least take within limits.write where its progress cannot be seen, in bytes.
	writePiece = 16 << 10
)

// transport is a connection whose reads and writes have deadlines and, until trusted, a budget. It belongs to the
// session's goroutine.
type transport struct {
	conn    net.Conn
	budget  int       // bytes that may still be read, or noBudget
	readBy  time.Time // absolute
	late    error     // what it means when readBy passes
	writing time.Duration

	count     uint64 // bytes read
	acked     uint32 // bytes the peer has heard of, modulo 2^32
	ackWindow uint32 // bytes after which it wants to hear of them, 0: never

	rate      int64 // bit/s that may be read; 0: no limit
	paced     time.Time
	credit    float64 // bytes that may be read at once
	throttled time.Duration
}

func (t *transport) Read(p []byte) (int, error) {
	if t.budget == 0 {
		return 0, errBudget
	}
	if t.budget > 0 {
		p = p[:min(len(p), t.budget)]
	}
	if t.rate > 0 {
		p = p[:min(len(p), max(1, int(t.rate/8/readsPerSecond)))]
	}
	if err := t.conn.SetReadDeadline(t.readBy); err != nil {
		return 0, err
	}
	n, err := t.conn.Read(p)
	t.count += uint64(n)
	if t.budget > 0 {
		t.budget -= n
	}
	if t.rate > 0 {
		t.pace(n)
	}
	return n, late(err, t.late)
}

func (t *transport) Write(p []byte) (int, error) {
	if err := t.conn.SetWriteDeadline(time.Now().Add(t.writing)); err != nil {
		return 0, err
	}
	n, err := t.conn.Write(p)
	return n, late(err, errDeaf)
}

// ackDue reports whether the peer shall hear of what was read, and counts it as told.
func (t *transport) ackDue() bool {
	if t.ackWindow == 0 || uint32(t.count)-t.acked < t.ackWindow {
		return false
	}
	t.acked = uint32(t.count)
	return true
}

// WriteAll writes buffers: without copying them if the connection is plain TCP. The deadline is one on progress: a
// player may need longer for all of a GOP, as long as it reads.
func (t *transport) WriteAll(b net.Buffers) error {
	to := t.conn
	if plain, ok := to.(*sniffed); ok {
		to = plain.Conn
	}
	if tcp, ok := to.(*net.TCPConn); ok {
		return t.writeVectors(tcp, b)
	}
	for piece := range slices.Chunk(slices.Concat(b...), writePiece) { // TLS cannot go on after a deadline
		if _, err := t.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

func (t *transport) writeVectors(to *net.TCPConn, b net.Buffers) error {
	for {
		if err := to.SetWriteDeadline(time.Now().Add(t.writing)); err != nil {
			return err
		}
		n, err := b.WriteTo(to) // leaves in b what was not written
		if n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return late(err, errDeaf)
		}
	}
}

// late names a deadline that has passed.
func late(err, meaning error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return meaning
	}
	return err
}

// alive gives the peer time to send the next media.
func (t *transport) alive(idle time.Duration) { t.readBy = time.Now().Add(idle) }

// pace holds the peer to the permitted bitrate by reading later: TCP lets it wait, and its show goes on.
func (t *transport) pace(n int) {
	now := time.Now()
	perSecond := float64(t.rate) / 8
	if t.paced.IsZero() {
		t.credit = burst * perSecond
	} else {
		t.credit = min(t.credit+perSecond*now.Sub(t.paced).Seconds(), burst*perSecond)
	}
	t.paced = now
	if t.credit -= float64(n); t.credit < 0 {
		wait := time.Duration(-t.credit / perSecond * float64(time.Second))
		t.throttled += wait
		time.Sleep(wait)
	}
}
