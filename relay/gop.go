package relay

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

// add takes a media packet. It reports whether the packet is the first an output could have joined at.
func (g *gop) add(p *Packet) (opened bool) {
	was := g.open
	switch {
	case p.Keyframe:
		g.restart(was)
		g.open, g.video = true, true
	case p.Kind == Video:
		g.video = true
	case p.Kind == Audio && !g.video && g.span(p) >= audioGOP:
		g.restart(was)
		g.open, p.Keyframe = true, true // every audio packet can be decoded by itself: this one is where outputs join
	}
	g.keep(p)
	return g.open && !was
}

// restart empties the cache for a new GOP. What came before the very first keyframe is kept: it is audio that every
// output shall have.
func (g *gop) restart(open bool) {
	if open || g.full {
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

func (g *gop) span(p *Packet) int64 {
	if len(g.packets) == 0 {
		return 0
	}
	return p.DTS - g.packets[0].DTS
}
