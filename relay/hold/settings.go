package hold

import (
	"time"

	"github.com/restreamd/restreamd/relay"
)

// Settings is what a stream's hold is like. The zero value of a field is not its default: Defaults has those.
type Settings struct {
	For       time.Duration // how long a session outlives a publisher that was lost; 0: not at all
	AfterStop time.Duration // the same after a publisher's goodbye; default 0: the show is over
	Every     time.Duration // between repeats of the last keyframe
	Stall     time.Duration // without media, or with a clock that stands still, a publisher has failed
	Floor     int64         // bit/s below which a publisher has failed; default 0: none
	FailBack  time.Duration // how long the primary must be well before it feeds again; 0: only by hand
	Prove     bool          // a publisher that returns must send a whole GOP before it feeds; default false: it feeds from its first keyframe
	// Slate gives what is shown in place of the last picture of a publisher that sends such media; nil while there is
	// none. It is asked again and again and must not block. Default: the last picture.
	Slate func(relay.Media) *Slate
}

// Defaults returns the settings of a stream whose configuration says nothing. OBS tries again after 2 s × 1.5 each time,
// so an outage of 80 s ends only at 99 to 118 s: a session is held for 120.
func Defaults() Settings {
	return Settings{For: 120 * time.Second, Every: 500 * time.Millisecond, Stall: time.Second, FailBack: 10 * time.Second}
}
