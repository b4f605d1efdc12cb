package ingest

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// maxPenalties bounds how many addresses are remembered. When it is reached the longest unheard of is forgotten.
	maxPenalties = 4096
	// freeMistakes is how many wrong keys cost nothing: people mistype.
	freeMistakes = 3
	// firstPenalty doubles with each wrong key up to longestPenalty, which is shorter than the time to publish.
	firstPenalty   = 250 * time.Millisecond
	longestPenalty = 4 * time.Second
	// forgiveAfter without a wrong key an address starts anew.
	forgiveAfter = 10 * time.Minute
)

// penalties slows down guessing: each further wrong key from an address is answered later. A right key is never slowed.
type penalties struct {
	mu sync.Mutex
	of map[netip.Prefix]penalty
}

type penalty struct {
	mistakes int
	last     time.Time
}

// wrong counts a wrong key and returns how long its answer shall wait.
func (p *penalties) wrong(ip netip.Addr, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[netip.Prefix]penalty{}
	}
	who := neighbours(ip)
	one, known := p.of[who]
	if now.Sub(one.last) > forgiveAfter {
		one.mistakes = 0
	}
	if !known && len(p.of) >= maxPenalties {
		p.forgetOldest()
	}
	one.mistakes++
	one.last = now
	p.of[who] = one
	if one.mistakes <= freeMistakes {
		return 0
	}
	return min(firstPenalty<<min(one.mistakes-freeMistakes-1, 8), longestPenalty)
}

func (p *penalties) forgetOldest() {
	var oldest netip.Prefix
	for who, one := range p.of {
		if !oldest.IsValid() || one.last.Before(p.of[oldest].last) {
			oldest = who
		}
	}
	delete(p.of, oldest)
}

// neighbours is whom an address is counted with: itself, or in IPv6 the /64 that one subscriber has.
func neighbours(ip netip.Addr) netip.Prefix {
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // the length is right
	return p
}
