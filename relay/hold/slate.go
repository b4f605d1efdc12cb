package hold

import (
	"time"

	"github.com/restreamd/restreamd/relay"
)

// Slate is what is shown in place of the publisher's last picture, again and again: a picture, a clip.
type Slate struct {
	// Packets are its codec headers, then its media in order of time, the first at 0.
	Packets []relay.Packet
	// Length is how long it lasts: longer than the time of its last packet.
	Length time.Duration
	// Sound tells that it has its own, with its own header. Without, the publisher's silence goes with it.
	Sound bool
}

// reel is a slate that runs. Outputs that can live with its header see it; the others go on with the last picture.
type reel struct {
	*Slate
	start float64 // of its first turn, on the gap's clock
	turns int     // that are over
	at    int     // the next packet
}

// due is the time of its next packet.
func (r *reel) due() float64 {
	return r.start + float64(r.turns)*r.Length.Seconds()*1000 + float64(r.Packets[r.at].DTS)
}

// next is its next packet, without its time. Headers come again with each turn: the hub passes on what is new.
func (r *reel) next() relay.Packet {
	p := r.Packets[r.at]
	p.Variant = relay.SlateOnly
	if r.at++; r.at == len(r.Packets) {
		r.at, r.turns = 0, r.turns+1
	}
	return p
}

// show has a slate begin where the next repeat of the last picture is due. One that has begun goes on.
func (g *gap) show(s *Slate) {
	if g.slate == nil && s != nil && g.frame != nil && len(s.Packets) > 0 && s.Length > 0 {
		g.slate = &reel{Slate: s, start: g.next}
	}
}
