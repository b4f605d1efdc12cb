package config

import "time"

// Schedule is when a destination is pushed to. Its zero value is always.
type Schedule struct {
	From, To time.Time // UTC; zero: without a beginning, without an end
}

// On reports whether the destination is to be pushed to at now: from From on, until just before To.
func (s Schedule) On(now time.Time) bool {
	return !now.Before(s.From) && !s.Over(now)
}

// Over reports whether the schedule has ended for good.
func (s Schedule) Over(now time.Time) bool {
	return !s.To.IsZero() && !now.Before(s.To)
}

// Next returns when On changes after now; zero: never again.
func (s Schedule) Next(now time.Time) time.Time {
	for _, at := range []time.Time{s.From, s.To} {
		if !at.IsZero() && at.After(now) {
			return at
		}
	}
	return time.Time{}
}

func (s *Schedule) read(parent *section) {
	times, found := parent.optional("schedule")
	if !found {
		return
	}
	times.instant("from", &s.From)
	times.instant("to", &s.To)
	times.close()
	switch {
	case times.broken:
	case !times.has("from") && !times.has("to"):
		parent.fail("schedule", "neither from nor to is set", "write schedule: {from: 2027-01-01T18:00:00Z, to: 2027-01-01T22:00:00Z}")
	case !s.From.IsZero() && !s.To.IsZero() && !s.From.Before(s.To):
		times.fail("to", "not after from", "write a later date and time")
	}
}
