package hold

import (
	"math"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// bridge is what a gap would have sent between the last media of a publisher that fell silent and the first of the one
// that takes over: its GOP, which is at hand, begins where it begins. Less than a frame of a track stays empty.
func bridge(f relay.Freeze, every time.Duration) (fill []relay.Packet) {
	g := newGap(nil, f, every)
	nextPicture, nextSound := float64(f.NextVideo), float64(f.NextAudio)
	if nextPicture-g.next < shortest {
		g.frame = nil
	}
	for {
		picture, sound, slate := g.due()
		if picture+firstFrame > nextPicture {
			picture = math.Inf(1)
		}
		if sound+g.quiet.lasts > nextSound {
			sound = math.Inf(1)
		}
		if math.IsInf(min(picture, sound), 1) {
			return fill
		}
		fill = append(fill, g.take(picture, sound, slate))
	}
}
