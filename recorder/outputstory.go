package recorder

import (
	"fmt"
	"time"
)

// maxFailures is how many kinds of failures of an output are told apart: some reasons hold numbers.
const maxFailures = 10

// States of an output that matter here.
const (
	stateStarting = "starting"
	stateRunning  = "running"
	stateRetrying = "retrying"
	stateDown     = "down" // with the relay
)

// outputStory is what became of one output.
type outputStory struct {
	name     string
	state    string
	since    time.Time // of state
	starts   int
	missed   time.Duration // it should have delivered and did not
	failures []failures
	drops    total
	bitrate  mean // bit/s while it ran
}

// recording is the name of the output that records.
const recording = "record/record"

// failures are those of an output that were alike.
type failures struct {
	class, why string
	first      time.Time
	count      int
}

func (o *outputStory) enter(e Entry) {
	if e.State == stateStarting && o.state != stateStarting {
		o.starts++
	}
	if e.State == stateRetrying {
		o.fail(e)
	}
	if e.State != o.state {
		o.leave(e.At)
		o.state, o.since = e.State, e.At
	}
}

// leave ends the state that the output is in.
func (o *outputStory) leave(at time.Time) {
	switch o.state {
	case stateStarting, stateRetrying:
		if o.name != recording { // what comes meanwhile is recorded later
			o.missed += max(at.Sub(o.since), 0)
		}
	case stateDown:
		o.missed += max(at.Sub(o.since), 0)
	}
	o.state = ""
}

// fall ends it with the relay. Until the output is heard of again, if it is, it delivers nothing.
func (o *outputStory) fall(at time.Time) {
	switch o.state {
	case stateStarting, stateRunning, stateRetrying:
		o.leave(at)
		o.state, o.since = stateDown, at
	}
}

// close ends it with the session.
func (o *outputStory) close(at time.Time) {
	if o.state != stateDown {
		o.leave(at)
	}
}

func (o *outputStory) fail(e Entry) {
	for i, f := range o.failures {
		if f.class == e.Class && f.why == e.Why {
			o.failures[i].count++
			return
		}
	}
	f := failures{e.Class, e.Why, e.At, 1}
	switch n := len(o.failures); {
	case n < maxFailures:
		o.failures = append(o.failures, f)
	case n == maxFailures:
		f.class, f.why = "various", "other reasons: see the black box"
		o.failures = append(o.failures, f)
	default:
		o.failures[maxFailures].count++
	}
}

func (o *outputStory) measure(e Entry) {
	if n, told := e.Numbers["drops"]; told {
		o.drops.add(n)
	}
	if o.state == stateRunning {
		o.bitrate.add(e.Numbers["bitrate"])
	}
}

// mean is the mean of numbers above 0.
type mean struct {
	sum   float64
	count int
}

func (m *mean) add(n float64) {
	if n > 0 {
		m.sum, m.count = m.sum+n, m.count+1
	}
}

func (m mean) String() string {
	if m.count == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f Mb/s", m.sum/float64(m.count)/1e6)
}

// total is how much a count rose. Where it falls, counting began anew.
type total struct {
	last, sum float64
	begun     bool
}

func (t *total) add(n float64) {
	switch {
	case !t.begun:
	case n < t.last:
		t.sum += n
	default:
		t.sum += n - t.last
	}
	t.begun, t.last = true, n
}
