package egress

import "time"

const (
	windowLength = 4 * time.Second
	windowStep   = 250 * time.Millisecond // between readings kept, however often somebody asks
)

// window measures a rate over its length, or since the last reading before that.
type window struct{ readings []reading } // oldest first

type reading struct {
	at    time.Time
	total int64 // bytes
}

// read takes a reading and returns the rate in bit/s.
func (w *window) read(now time.Time, total int64) int64 {
	for len(w.readings) > 1 && now.Sub(w.readings[1].at) >= windowLength {
		w.readings = w.readings[1:]
	}
	if n := len(w.readings); n == 0 || now.Sub(w.readings[n-1].at) >= windowStep {
		w.readings = append(w.readings, reading{now, total})
	}
	first := w.readings[0]
	// The first instants say nothing about a second.
	return int64(float64(total-first.total) * 8 / max(now.Sub(first.at), time.Second).Seconds())
}
