package hold

import (
	"fmt"
	"time"

	"github.com/restreamd/restreamd/relay"
)

const (
	// lowFor is how long a bitrate must be below the floor for that to count: encoders drop to nearly nothing in still
	// scenes and for a moment after a change. Rates are taken over 4 s: one low reading alone is no illness.
	lowFor = 5 * time.Second
	// enough is how far above the floor a bitrate must be to be well again.
	enough = 1.2
)

// doctor says which publishers are well. All are examined all the time, those that stand by as well. A stream has one of
// each role at most.
type doctor map[relay.Role]chart

// chart is what is known of one publisher.
type chart struct {
	of   time.Time // when its publication began: the next one has a chart of its own
	well time.Time // since when
	low  time.Time // since when its bitrate is below the floor
	ill  string    // what is wrong; "": nothing
	bad  bool      // it sends, but not well enough
}

// examine looks at all publishers. What they did not send before awake does not count.
func (d doctor) examine(set Settings, s relay.StreamStatus, awake, now time.Time) {
	all := s.Standby
	if s.Publisher != nil {
		all = append(all[:len(all):len(all)], *s.Publisher)
	}
	here := map[relay.Role]bool{}
	for _, p := range all {
		here[p.Role] = true
		c := d[p.Role]
		if !c.of.Equal(p.Since) {
			c = chart{of: p.Since}
		}
		c.examine(set, p, awake, now)
		d[p.Role] = c
	}
	for role := range d {
		if !here[role] {
			delete(d, role)
		}
	}
}

func (c *chart) examine(set Settings, p relay.PublisherStatus, awake, now time.Time) {
	c.weigh(set, p, now)
	c.ill = ""
	begun := !p.LastPacket.IsZero()
	last := p.LastPacket
	if !begun {
		last = p.Since
	}
	switch {
	case now.Sub(last) > set.Stall && now.Sub(awake) > set.Stall:
		c.ill = fmt.Sprintf("no media for %s", set.Stall)
	case !p.Moved.IsZero() && now.Sub(p.Moved) > set.Stall && now.Sub(awake) > set.Stall:
		c.ill, c.bad = "its timestamps stand still", true
	case !c.low.IsZero() && now.Sub(c.low) > lowFor:
		c.ill, c.bad = fmt.Sprintf("below the floor of %d kb/s", set.Floor/1000), true
	}
	switch {
	case c.ill != "":
		c.well = time.Time{}
	case begun && c.well.IsZero():
		c.well, c.bad = now, false
	}
}

// weigh compares a bitrate with the floor. One that is ill must be well above it to be well again.
func (c *chart) weigh(set Settings, p relay.PublisherStatus, now time.Time) {
	rate, floor := float64(p.Rates.VideoBitrate+p.Rates.AudioBitrate), float64(set.Floor)
	if c.bad {
		floor *= enough
	}
	switch {
	case rate == 0 || rate >= floor: // it is not known at first
		c.low = time.Time{}
	case c.low.IsZero():
		c.low = now
	}
}

// barred are those that must not feed although they send: each of their keyframes would look like a return.
func (d doctor) barred() (all []relay.Role) {
	for role, c := range d {
		if c.bad {
			all = append(all, role)
		}
	}
	return all
}
