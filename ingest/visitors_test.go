package ingest_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/restreamd/restreamd/ingest"
)

// guest is a connection from an address, and what the model knows of it.
type guest struct {
	net.Conn
	ip           string
	in, out      bool
	admit, leave func()
	gone         func() error
	mu           sync.Mutex
	closed       bool
}

func (g *guest) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(g.ip), Port: 1} }

func (g *guest) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	return nil
}

func (g *guest) sentAway() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed && g.gone() != nil
}

func (g *guest) enter(v *ingest.Visitors, l ingest.Limits) (err error) {
	g.admit, g.leave, g.gone, err = v.Enter(g, l)
	return err
}

// model is what visitors is meant to be, in slow and plain words.
type model struct{ here []*guest }

func (m *model) of(kind func(*guest) bool) (n int, victim *guest) {
	crowd := map[string]int{}
	for _, g := range m.here {
		if kind(g) {
			n++
			if !g.in {
				crowd[g.ip]++
			}
		}
	}
	for _, g := range m.here {
		if kind(g) && !g.in && (victim == nil || crowd[g.ip] > crowd[victim.ip]) {
			victim = g
		}
	}
	return n, victim
}

func (m *model) away(g *guest) {
	g.out = true
	m.here = slices.DeleteFunc(m.here, func(o *guest) bool { return o == g })
}

// enter makes room among the newcomer's neighbours first: what one address costs others must not pay.
func (m *model) enter(g *guest, l ingest.Limits) bool {
	for _, kind := range []struct {
		is    func(*guest) bool
		limit int
	}{
		{func(o *guest) bool { return o.ip == g.ip }, l.PerIP},
		{func(o *guest) bool { return !o.in }, l.Unauthorized},
		{func(*guest) bool { return true }, l.Connections},
	} {
		n, victim := m.of(kind.is)
		if n < kind.limit {
			continue
		}
		if victim == nil {
			return false
		}
		m.away(victim)
	}
	m.here = append(m.here, g)
	return true
}

// Random visits, and after each the same visitors as in the model: nobody else was sent away, whoever is in stays.
func TestVisitorsAgainstAModel(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		l := ingest.Limits{Connections: 2 + random.IntN(12), PerIP: 1 + random.IntN(6), Unauthorized: 1 + random.IntN(6)}
		var v ingest.Visitors
		var m model
		var all []*guest
		for step := range 200 {
			switch n := random.IntN(10); {
			case n < 6:
				g := &guest{ip: fmt.Sprintf("192.0.2.%d", random.IntN(4))}
				want := m.enter(g, l)
				if err := g.enter(&v, l); (err == nil) != want {
					t.Fatalf("seed %d, step %d: %v, want %t", seed, step, err, want)
				} else if err == nil {
					all = append(all, g)
				}
			case len(m.here) == 0:
			case n < 8:
				g := m.here[random.IntN(len(m.here))]
				g.in = true
				g.admit()
			default:
				g := m.here[random.IntN(len(m.here))]
				m.here = slices.DeleteFunc(m.here, func(o *guest) bool { return o == g })
				g.leave()
			}
			pending, _ := m.of(func(g *guest) bool { return !g.in })
			if n, waiting := v.Count(); n != len(m.here) || waiting != pending || n > l.Connections {
				t.Fatalf("seed %d, step %d: %d visitors, %d waiting, want %d, %d", seed, step, n, waiting, len(m.here), pending)
			}
			for _, g := range all {
				if g.sentAway() != g.out {
					t.Fatalf("seed %d, step %d: one from %s sent away %t, want %t", seed, step, g.ip, g.sentAway(), g.out)
				}
			}
		}
	}
}

func TestVisitorsComeAndGoAtOnce(t *testing.T) {
	l := ingest.Limits{Connections: 20, PerIP: 8, Unauthorized: 6}
	var v ingest.Visitors
	var crowd sync.WaitGroup
	for i := range 16 {
		crowd.Go(func() {
			for n := range 500 {
				g := &guest{ip: fmt.Sprintf("192.0.2.%d", i%4)}
				if g.enter(&v, l) != nil {
					continue
				}
				if n%3 == 0 {
					g.admit()
				}
				if open, pending := v.Count(); open > l.Connections || pending > l.Unauthorized {
					t.Errorf("%d visitors, %d waiting", open, pending)
				}
				if n%3 == 0 && g.sentAway() {
					t.Log("sent away before it was let in") // it may have been, between the two
				}
				g.leave()
			}
		})
	}
	crowd.Wait()
	if open, _ := v.Count(); open != 0 {
		t.Errorf("%d visitors left", open)
	}
}
