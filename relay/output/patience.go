package output

import (
	"time"

	"github.com/restreamd/restreamd/relay/process"
)

// defaultHealthy is how long a child must have run for the next failure to count as the first.
const defaultHealthy = time.Minute

// patience tells how long an output waits after a failure. It belongs to the runner's goroutine.
type patience struct {
	healthy time.Duration
	class   Class // of the last failure
	backoff process.Backoff
	told    time.Time // when a failure of this class was last told
}

// next returns the wait after a failure of a child that had run for a while, 0 if there was none.
func (p *patience) next(class Class, ran time.Duration) time.Duration {
	m := mannersFor(class)
	if p.class == "" || ran >= p.healthy {
		p.class, p.backoff, p.told = class, process.Backoff{Min: m.min, Max: m.max}, time.Time{}
		return m.fast
	}
	if p.class != class { // no second fast try: a platform may say one thing and then another for ever
		p.class, p.backoff, p.told = class, process.Backoff{Min: m.min, Max: m.max}, time.Time{}
	}
	return p.backoff.Next(0)
}

// tellEvery is how often an outage is told of that goes on and on.
const tellEvery = time.Minute

// news reports whether a failure should be told of: the first of its class, and then one a minute.
func (p *patience) news(now time.Time) bool {
	if now.Sub(p.told) < tellEvery {
		return false
	}
	p.told = now
	return true
}
