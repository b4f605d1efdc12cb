package relay

import (
	"bytes"
	"slices"
)

// view is a session as the outputs of one variant see it: what those who join now are given. A publisher that stands by
// has one of its own.
type view struct {
	variant Variant
	inits   []*Packet // newest packet of each slot, in the order in which the slots appeared
	gop     gop
}

// header is the codec header of the main video track, nil if there is none.
func (v *view) header() *Packet {
	i := slices.IndexFunc(v.inits, func(q *Packet) bool { return q.Slot == HeaderSlot(Video, 0) })
	if i < 0 {
		return nil
	}
	return v.inits[i]
}

// remember keeps an init packet for those who join later. It reports whether the packet says anything new: repeats of
// the same bytes, which encoders and platforms' libraries send at will, go no further.
func (v *view) remember(p *Packet) (changed bool) {
	i := slices.IndexFunc(v.inits, func(q *Packet) bool { return q.Slot == p.Slot })
	if i >= 0 && bytes.Equal(v.inits[i].Body, p.Body) {
		return false
	}
	if p.Slot.IsHeader() && p.Kind == Video {
		v.gop.video = true
	}
	if i >= 0 {
		v.inits[i] = p
		if p.Slot.IsHeader() {
			v.gop.reset() // packets of the old header must not follow the new one
		}
		return true
	}
	if len(v.inits) == maxSlots {
		return false // nobody who joins later could decode that track
	}
	v.inits = append(v.inits, p)
	return true
}
