package relay

import "slices"

// Bounds of the GOP cache. OBS sends a keyframe every 8 s or so by default: 20 Mb/s of that is 20 MiB.
const (
	MaxGOPBytes   = 48 << 20
	MaxGOPPackets = 16_384
)

// audioGOP is how much of a stream without video the cache holds, in milliseconds.
const audioGOP = 1_000

// gop is what an output that joins now is given: everything since the newest keyframe. For a stream without video it
// is the last second or two.
type gop struct {
	packets []*Packet
	bytes   int
	open    bool // packets begin where a decoder can begin
	video   bool // the stream has shown video
	full    bool // too large to keep: wait for the next keyframe
}

// add takes a media packet. Afterwards an output can join if the cache is open.
func (g *gop) add(p *Packet) {
	switch {
	case p.Kind == Video && p.Keyframe:
		g.restart()
		g.open, g.video = true, true
	case p.Kind == Video:
		g.video = true
	case p.Kind == Audio && !g.video && (p.Keyframe || g.full || g.aged(p)): // another cache may have marked it
		g.restart()
		g.open, p.Keyframe = true, true // every audio packet can be decoded by itself: this one is where outputs join
	}
	g.keep(p)
}

// restart empties the cache for a new GOP. What came before the very first keyframe is kept: it is audio that every
// output shall have.
func (g *gop) restart() {
	if g.open || g.full {
		g.empty()
	}
	g.full = false
}

func (g *gop) keep(p *Packet) {
	if g.full || (p.Kind == Video && !g.open) {
		return // undecodable without the keyframe that is missing
	}
	g.packets = append(g.packets, p)
	g.bytes += len(p.Body)
	if g.bytes > MaxGOPBytes || len(g.packets) > MaxGOPPackets {
		g.reset()
		g.full = true
	}
}

// reset empties the cache: nobody can join before the next keyframe.
func (g *gop) reset() {
	g.empty()
	g.open = false
}

// empty lets go of the packets and keeps the memory: subscriptions copied the pointers.
func (g *gop) empty() {
	clear(g.packets)
	g.packets, g.bytes = g.packets[:0], 0
}

// aged reports whether the cache spans enough of a stream without video. Times may be a publisher's own, which wrap and
// jump.
func (g *gop) aged(p *Packet) bool {
	i := slices.IndexFunc(g.packets, (*Packet).timed)
	if i < 0 {
		return false
	}
	span := int32(uint32(p.DTS) - uint32(g.packets[i].DTS))
	return span >= audioGOP || span < -maxBack
}

// newest is the newest packet with a time of its own. An open cache has one.
func (g *gop) newest() *Packet {
	for _, p := range slices.Backward(g.packets) {
		if p.timed() {
			return p
		}
	}
	return nil
}

// ages is how much older than the newest each packet is, in milliseconds by their publisher's clock. Where that jumped
// the times of arrival count.
func (g *gop) ages() []int64 {
	ages := make([]int64, len(g.packets))
	age, next := int64(0), (*Packet)(nil)
	for i, p := range slices.Backward(g.packets) {
		if p.timed() {
			if next != nil {
				passed := next.Arrived.Sub(p.Arrived)
				age += step(uint32(p.DTS), uint32(next.DTS), passed, passed)
			}
			next = p
		}
		ages[i] = age
	}
	return ages
}

// begin is where its sound and its picture begin, if its newest packet has its place at. Sound of which it has nothing
// yet may be a little behind the picture.
func (g *gop) begin(at int64) (sound, picture int64) {
	sound, picture = at-worthFilling.Milliseconds()/2, at
	for i, age := range g.ages() {
		switch p := g.packets[i]; {
		case !p.timed():
		case p.Kind == Audio:
			sound = min(sound, at-age)
		default:
			picture = min(picture, at-age)
		}
	}
	return sound, picture
}
