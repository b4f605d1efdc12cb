package push

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// name is the platform's, for texts.
func (c Contract) name() string { return cmp.Or(c.platform, "the platform") }

// String is how people name a picture: 1080p60.
func (r Rung) String() string { return fmt.Sprintf("%dp%.4g", r.Height, r.FPS) }

// takes reports whether codec is one of wanted. What is unknown on either side is taken.
func takes(wanted []string, codec string) bool {
	return codec == "" || len(wanted) == 0 ||
		slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(w, codec) })
}

// above reports whether value is above limit by more than the tolerance, a share of the limit. No limit is 0.
func above[N int64 | float64](value, limit N, tolerance float64) bool {
	return limit > 0 && float64(value) > float64(limit)*(1+tolerance)
}

func setVideoBitrate(rate int64) string {
	return fmt.Sprintf("Settings, Output, Streaming: Video Bitrate %d Kbps", rate/kbps)
}

func kilobits(rate int64) string { return fmt.Sprintf("%d kb/s", (rate+kbps/2)/kbps) }

func kilohertz(rate int) string { return strconv.FormatFloat(float64(rate)/1000, 'f', -1, 64) + " kHz" }

// seconds prints tenths: 8.3 s, 2 s.
func seconds(d time.Duration) string {
	return strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".0") + " s"
}

func hours(d time.Duration) string {
	minutes := int(d / time.Minute)
	if minutes%60 == 0 {
		return fmt.Sprintf("%d h", minutes/60)
	}
	return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
}

// size prints a width and a height; 0 is any.
func size(width, height int) string {
	switch {
	case width == 0:
		return fmt.Sprintf("%d high", height)
	case height == 0:
		return fmt.Sprintf("%d wide", width)
	}
	return fmt.Sprintf("%dx%d", width, height)
}
