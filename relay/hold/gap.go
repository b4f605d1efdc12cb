package hold

import (
	"math"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// firstFrame is how long after the publisher's last packet the first repeat comes, in milliseconds: a frame at 25 a
// second.
const firstFrame = 40

// shortest is how long a picture must be missing between two publishers for the last one to be repeated, in milliseconds.
const shortest = 100

// longestPause is how far sound may be behind the picture and still be filled up, in milliseconds.
const longestPause = 2_000

// gap is the time in which the keeper feeds. Times are on its own clock, in milliseconds from the publisher's last
// packet; what it sends never runs ahead of the wall.
type gap struct {
	pub    *relay.Publication
	since  time.Time
	frame  *relay.Packet // repeated; nil without video
	every  float64
	next   float64 // time of the next repeat
	quiet  quiet
	silent float64 // time of the next silent packet
	slate  *reel   // nil: none is shown
}

func newGap(pub *relay.Publication, f relay.Freeze, every time.Duration) *gap {
	g := &gap{pub: pub, since: f.Since, frame: f.Key, every: max(float64(every.Milliseconds()), firstFrame)}
	g.next = max(float64(f.Video), 0) + firstFrame
	g.quiet = newQuiet(f)
	if g.silent = float64(f.Audio) + g.quiet.lasts; g.silent < -longestPause {
		g.silent = 0 // there was none for long: what is missing is missing
	}
	return g
}

// over reports whether somebody else feeds.
func (g *gap) over() bool {
	select {
	case <-g.pub.Done():
		return true
	default:
		return false
	}
}

// fill sends what is due by now, in order of time.
func (g *gap) fill(now time.Time) {
	elapsed := float64(now.Sub(g.since).Milliseconds())
	for {
		picture, sound, slate := g.due()
		if min(picture, sound, slate) > elapsed || g.pub.Write(g.take(picture, sound, slate)) != nil {
			return // that is all, or somebody else feeds
		}
	}
}

// take is the next packet, the kinds being due then.
func (g *gap) take(picture, sound, slate float64) (p relay.Packet) {
	at := min(picture, sound, slate)
	switch at {
	case slate:
		p = g.slate.next()
	case picture:
		p = g.picture()
	default:
		p = g.sound()
	}
	p.DTS = clock(at)
	return p
}

// due is when the next packet of each kind is, infinity where there is none.
func (g *gap) due() (picture, sound, slate float64) {
	picture, sound, slate = math.Inf(1), math.Inf(1), math.Inf(1)
	if g.frame != nil {
		picture = g.next
	}
	if g.quiet.body != nil {
		sound = g.silent
	}
	if g.slate != nil {
		slate = g.slate.due()
	}
	return picture, sound, slate
}

// picture is the next repeat of the last picture.
func (g *gap) picture() relay.Packet {
	p := relay.Packet{Kind: relay.Video, Body: g.frame.Body, Keyframe: true}
	if g.slate != nil {
		p.Variant = relay.FreezeOnly
	}
	g.next += g.every
	return p
}

// sound is the next silent packet.
func (g *gap) sound() relay.Packet {
	p := relay.Packet{Kind: relay.Audio, Body: g.quiet.body}
	if g.slate != nil && g.slate.Sound && g.silent >= g.slate.start {
		p.Variant = relay.FreezeOnly
	}
	g.silent += g.quiet.lasts
	return p
}

// clock makes a time an RTMP timestamp, which is unsigned: sound may have ended before the picture did.
func clock(ms float64) int64 { return int64(uint32(int32(ms))) }
