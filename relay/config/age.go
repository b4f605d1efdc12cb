package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// parseAge reads a duration that may begin with days, as in 30d or 1d12h.
func parseAge(text string) (d time.Duration, ok bool) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		d, err := time.ParseDuration(text)
		return d, err == nil
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil || n > uint64(math.MaxInt64/day/2) {
		return 0, false
	}
	if rest != "" {
		if d, err = time.ParseDuration(rest); err != nil || d < 0 || d >= day {
			return 0, false
		}
	}
	return time.Duration(n)*day + d, true
}

// age takes a duration of days.
func (s *section) age(key string, value *time.Duration, most time.Duration) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	d, ok := parseAge(text)
	if !ok || d < 0 || d > most {
		s.fail(key, "not a duration in range", fmt.Sprintf("write one from 0 to %dd, with its unit, as in 30d or 36h", most/day))
		return
	}
	*value = d
}
