package ingest

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// visitor is an open connection.
type visitor struct {
	conn net.Conn
	ip   netip.Prefix
	in   bool  // it was let in, as a publisher or a player
	gone error // it had to make room
}

// visitors are all open connections, oldest first. Where there are too many, one that has not been let in makes room
// for the newest: whoever dawdles at the door keeps nobody out, and whoever is in stays.
type visitors struct {
	mu  sync.Mutex
	all []*visitor
}

// enter takes a connection in, or says which limit keeps it out.
func (v *visitors) enter(conn net.Conn, l Limits) (*visitor, error) {
	one := &visitor{conn: conn, ip: neighbours(addrPort(conn.RemoteAddr()).Addr())}
	anyone := func(*visitor) bool { return true }
	neighbour := func(o *visitor) bool { return o.ip == one.ip }
	waiting := func(o *visitor) bool { return !o.in }
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.room(waiting, l.Unauthorized); !v.room(neighbour, l.PerIP) {
		return nil, fmt.Errorf("%w: %d from one address (limits.per_ip)", errTooMany, l.PerIP)
	}
	if !v.room(anyone, l.Connections) {
		return nil, fmt.Errorf("%w: %d in all (limits.connections)", errTooMany, l.Connections)
	}
	v.all = append(v.all, one)
	return one, nil
}

var errTooMany = &Cause{"too_many", "too many connections"}

// room makes sure that fewer than limit visitors are of a kind, by sending away the oldest of them that was not let in.
func (v *visitors) room(kind func(*visitor) bool, limit int) bool {
	n, oldest := 0, -1
	for i, o := range v.all {
		if !kind(o) {
			continue
		}
		n++
		if !o.in && oldest < 0 {
			oldest = i
		}
	}
	switch {
	case n < limit:
		return true
	case oldest < 0:
		return false
	}
	v.all[oldest].gone = errCrowded
	_ = v.all[oldest].conn.Close()
	v.all = slices.Delete(v.all, oldest, oldest+1)
	return true
}

// leave forgets a connection that is closed.
func (v *visitors) leave(one *visitor) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = slices.DeleteFunc(v.all, func(o *visitor) bool { return o == one })
}

// admitted: a connection was let in.
func (v *visitors) admitted(one *visitor) {
	v.mu.Lock()
	defer v.mu.Unlock()
	one.in = true
}

// evicted returns why a connection had to make room, nil if it had not.
func (v *visitors) evicted(one *visitor) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return one.gone
}

func (v *visitors) count() (open, pending int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, o := range v.all {
		if !o.in {
			pending++
		}
	}
	return len(v.all), pending
}
