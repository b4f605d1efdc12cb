package config_test

import (
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/config"
)

func TestSchedule(t *testing.T) {
	var never time.Time
	at := func(hour int) time.Time { return time.Date(2026, 12, 1, hour, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		name     string
		schedule config.Schedule
		now      time.Time
		on       bool
		over     bool
		next     time.Time
	}{
		{"always", config.Schedule{}, at(12), true, false, never},
		{"before", config.Schedule{From: at(18), To: at(22)}, at(12), false, false, at(18)},
		{"begins", config.Schedule{From: at(18), To: at(22)}, at(18), true, false, at(22)},
		{"during", config.Schedule{From: at(18), To: at(22)}, at(20), true, false, at(22)},
		{"ends", config.Schedule{From: at(18), To: at(22)}, at(22), false, true, never},
		{"no end", config.Schedule{From: at(18)}, at(23), true, false, never},
		{"no beginning", config.Schedule{To: at(18)}, at(12), true, false, at(18)},
		{"no beginning, past", config.Schedule{To: at(18)}, at(19), false, true, never},
		{"another zone", config.Schedule{From: at(18)}, at(18).In(time.FixedZone("", 3600)), true, false, never},
	} {
		on, over, next := c.schedule.On(c.now), c.schedule.Over(c.now), c.schedule.Next(c.now)
		if on != c.on || over != c.over || !next.Equal(c.next) {
			t.Errorf("%s: on %v, over %v, next %v", c.name, on, over, next)
		}
	}
}
