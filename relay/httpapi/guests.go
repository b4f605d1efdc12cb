package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// guests bounds how many connections there are at once. Where there are too many, one that is idle makes room for the newest:
// the longest idle of the address that has most of them, so that a crowd is paid for by those who make it. One address
// has half of the places at most, but for this machine's own, where a reverse proxy may be.
type guests struct {
	most func() int // nil: no limit

	mu  sync.Mutex
	all map[net.Conn]*guest
}

type guest struct {
	from netip.Prefix
	idle time.Time // since when no request is under way on it; zero: one is
}

// see keeps the books; it is http.Server's ConnState.
func (g *guests) see(conn net.Conn, state http.ConnState) {
	if g.most == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch state {
	case http.StateNew:
		g.enter(conn)
	case http.StateActive:
		if one := g.all[conn]; one != nil {
			one.idle = time.Time{}
		}
	case http.StateIdle:
		if one := g.all[conn]; one != nil {
			one.idle = time.Now()
		}
	default:
		delete(g.all, conn)
	}
}

func (g *guests) enter(conn net.Conn) {
	if g.all == nil {
		g.all = map[net.Conn]*guest{}
	}
	from := origin(conn.RemoteAddr())
	share, most := 0, g.most()
	for _, o := range g.all {
		if o.from == from {
			share++
		}
	}
	crowded := share >= max(most/2, 1) && !from.Addr().IsLoopback()
	if (crowded || len(g.all) >= most) && !g.makeRoom(from, crowded) {
		_ = conn.Close()
		return
	}
	g.all[conn] = &guest{from: from, idle: time.Now()}
}

// makeRoom closes an idle connection, if own one from the same address, and reports whether there was one.
func (g *guests) makeRoom(from netip.Prefix, own bool) bool {
	idle := map[netip.Prefix]int{}
	for _, o := range g.all {
		if !o.idle.IsZero() {
			idle[o.from]++
		}
	}
	var victim net.Conn
	var v *guest
	for conn, o := range g.all {
		if o.idle.IsZero() || own && o.from != from {
			continue
		}
		if v == nil || idle[o.from] > idle[v.from] || o.from == v.from && o.idle.Before(v.idle) {
			victim, v = conn, o
		}
	}
	if v == nil {
		return false
	}
	delete(g.all, victim)
	_ = victim.Close()
	return true
}

// origin is a peer's address, or its network where one subscriber has a whole one.
func origin(a net.Addr) netip.Prefix {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip, bits := tcp.AddrPort().Addr().Unmap().WithZone(""), 32
	if ip.Is6() && !ip.IsLoopback() {
		bits = 64
	} else if ip.Is6() {
		bits = 128
	}
	p, _ := ip.Prefix(bits)
	return p
}
