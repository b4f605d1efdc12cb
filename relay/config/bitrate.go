package config

import (
	"math"
	"regexp"
	"strconv"
)

const (
	kbps = 1000
	mbps = 1000 * kbps
	gbps = 1000 * mbps
)

var bitrateForm = regexp.MustCompile(`^([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(k|M|G)(?:bps)?$`)

// parseBitrate reads a bitrate with its unit, as in 2.5Mbps or, as encoders write it, 2500k. It returns bit/s.
func parseBitrate(text string) (rate int64, ok bool) {
	match := bitrateForm.FindStringSubmatch(text)
	if match == nil {
		return 0, false
	}
	number, err := strconv.ParseFloat(match[1], 64)
	if err != nil {
		return 0, false
	}
	unit := map[string]float64{"k": kbps, "M": mbps, "G": gbps}[match[2]]
	return int64(math.Round(number * unit)), true
}

// formatBitrate writes a bitrate as parseBitrate reads it, in the largest unit that is not below 1.
func formatBitrate(rate int64) string {
	unit, name := int64(kbps), "kbps"
	switch {
	case rate >= gbps:
		unit, name = gbps, "Gbps"
	case rate >= mbps:
		unit, name = mbps, "Mbps"
	}
	return strconv.FormatFloat(float64(rate)/float64(unit), 'f', -1, 64) + name
}
