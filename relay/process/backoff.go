package process

import (
	"math/rand/v2"
	"time"
)

// Defaults of Backoff.
const (
	defaultMin     = time.Second
	defaultMax     = time.Minute
	defaultHealthy = time.Minute

	jitter = 0.2
)

// Backoff tells how long to wait before a child is started again: Min after the first failure, twice as long after
// each further one, up to Max. Each wait is spread by ±20 %, so that outputs which fell together do not return
// together. It reads no clock. One Backoff belongs to one output and one goroutine.
type Backoff struct {
	Min     time.Duration  // default 1 s
	Max     time.Duration  // default 1 min, before the spread
	Healthy time.Duration  // default 1 min: a child that ran as long makes the next failure the first again
	Rand    func() float64 // in [0, 1); default math/rand

	next time.Duration
}

// Next returns the wait after a child that ran as long as told.
func (b *Backoff) Next(ran time.Duration) time.Duration {
	shortest, longest := orDefault(b.Min, defaultMin), orDefault(b.Max, defaultMax)
	if b.next < shortest || ran >= orDefault(b.Healthy, defaultHealthy) {
		b.next = shortest
	}
	wait := min(b.next, longest)
	b.next = min(2*wait, longest)

	random := b.Rand
	if random == nil {
		random = rand.Float64
	}
	return time.Duration(float64(wait) * (1 - jitter + 2*jitter*random()))
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}
