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
	in   bool   // it was let in, as a publisher or a player
	play bool   // as a player
	gone error  // it had to make room
	stop func() // ends what is done for it
}

// visitors are all open connections, oldest first. Where there are too many, one that has not been let in makes room
// for the newest: whoever dawdles at the door keeps nobody out, and whoever is in stays.
type visitors struct {
	mu  sync.Mutex
	all []*visitor
}

// enter takes a connection in, or says which limit keeps it out.
func (v *visitors) enter(conn net.Conn, stop func(), l Limits) (*visitor, error) {
	one := &visitor{conn: conn, stop: stop, ip: neighbours(addrPort(conn.RemoteAddr()).Addr())}
	anyone := func(*visitor) bool { return true }
	neighbour := func(o *visitor) bool { return o.ip == one.ip }
	waiting := func(o *visitor) bool { return !o.in }
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.room(neighbour, l.PerIP) { // first, so that one address's many visits are paid for by itself
		return nil, fmt.Errorf("%w: %d from one address (limits.per_ip)", errTooMany, l.PerIP)
	}
	if v.room(waiting, l.Unauthorized); !v.room(anyone, l.Connections) {
		return nil, fmt.Errorf("%w: %d in all (limits.connections)", errTooMany, l.Connections)
	}
	v.all = append(v.all, one)
	return one, nil
}

var errTooMany = &Cause{"too_many", "too many connections"}

// room makes sure that fewer than limit visitors are of a kind, by sending away one that was not let in: the oldest from
// the address that has most of them at the door, so that a crowd is paid for by those who make it.
func (v *visitors) room(kind func(*visitor) bool, limit int) bool {
	n, waiting := 0, map[netip.Prefix]int{}
	for _, o := range v.all {
		if kind(o) {
			n++
			if !o.in {
				waiting[o.ip]++
			}
		}
	}
	if n < limit {
		return true
	}
	victim := -1
	for i, o := range v.all {
		if kind(o) && !o.in && (victim < 0 || waiting[o.ip] > waiting[v.all[victim].ip]) {
			victim = i
		}
	}
	if victim < 0 {
		return false
	}
	v.all[victim].gone = errCrowded
	v.all[victim].stop()
	_ = v.all[victim].conn.Close()
	v.all = slices.Delete(v.all, victim, victim+1)
	return true
}

// seat lets a player in unless players have half of the places already: viewers must not keep the encoder out.
func (v *visitors) seat(one *visitor, l Limits) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	all, near := 0, 0
	for _, o := range v.all {
		if o.play {
			all++
			if o.ip == one.ip {
				near++
			}
		}
	}
	if all >= max(l.Connections/2, 1) || near >= max(l.PerIP/2, 1) {
		return errFull
	}
	one.in, one.play = true, true
	return nil
}

var errFull = &Cause{"players_full", "too many players: half of limits.connections and limits.per_ip is for them"}

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
