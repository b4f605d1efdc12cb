package hold

import (
	"time"

	"github.com/restreamd/restreamd/relay"
)

// Settings is what a stream's hold is like.
type Settings struct {
	For       time.Duration // how long a session outlives a publisher that was lost; 0: not at all
	AfterStop time.Duration // the same after a publisher's goodbye; 0: the show is over
	Every     time.Duration // between repeats of the last keyframe
	Stall     time.Duration // without media, or with a clock that stands still, a publisher has failed
	Floor     int64         // bit/s below which a publisher has failed; 0: none
	FailBack  time.Duration // how long the primary must be well before it feeds again; 0: only by hand
	Prove     bool          // a publisher that returns must send a whole GOP before it feeds; false: it feeds from its first keyframe
	// Slate gives what is shown in place of the last picture of a publisher that sends such media; nil while there is
	// none. It is asked again and again and must not block. nil: the last picture.
	Slate func(relay.Media) *Slate
}
