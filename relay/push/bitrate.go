package push

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

const (
	kbps = 1000
	mbps = 1000 * kbps
)

var bitrateForm = regexp.MustCompile(`^([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(k|M)(?:bps)?$`)

// bitrate reads bit/s as people write them: 6000kbps, 2.5Mbps, 3000k.
type bitrate int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *bitrate) UnmarshalText(text []byte) error {
	match := bitrateForm.FindSubmatch(text)
	if match == nil {
		return fmt.Errorf("%q is not a bitrate, such as 6000kbps or 6Mbps", text)
	}
	number, err := strconv.ParseFloat(string(match[1]), 64)
	if err != nil {
		return fmt.Errorf("%q is not a bitrate: %w", text, err)
	}
	unit := float64(kbps)
	if string(match[2]) == "M" {
		unit = mbps
	}
	*b = bitrate(math.Round(number * unit))
	return nil
}

// usual is the bitrate nearest to rate of those that people set: 2500, 4500, 6000 kb/s. Every one stands at least 5 %
// away from where its neighbour begins, so a measurement that wobbles by so much around a usual bitrate stays the same.
func usual(rate int64) int64 {
	if rate == 0 {
		return 0
	}
	step := int64(5 * mbps)
	switch {
	case rate < 1*mbps:
		step = 100 * kbps
	case rate < 2500*kbps:
		step = 250 * kbps
	case rate < 5*mbps:
		step = 500 * kbps
	case rate < 10*mbps:
		step = 1 * mbps
	case rate < 20*mbps:
		step = 2 * mbps
	}
	return max((rate+step/2)/step*step, step)
}
