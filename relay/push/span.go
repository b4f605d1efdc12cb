package push

import (
	"math"
	"time"
)

// span is the range of a setting, both ends included, in its own unit: bit/s, nanoseconds, pixels, Hz. What lies outside
// is a slip of the unit or a stray digit, and would set an encoder to what no player plays.
type span struct {
	least, most float64
	text        string // for people
}

// spanOf returns the range of the setting of that name; found is false for those that are no numbers.
func spanOf(name string) (s span, found bool) {
	switch name {
	case "max_video_bitrate", "min", "max":
		return span{10 * kbps, math.MaxFloat64, "10kbps or more"}, true
	case "max_audio_bitrate":
		return span{8 * kbps, math.MaxFloat64, "8kbps or more"}, true
	case "gop", "max_gop":
		return span{float64(100 * time.Millisecond), float64(time.Minute), "100ms to 60s"}, true
	case "max_width", "max_height", "height":
		return span{16, 8192, "16 to 8192"}, true
	case "max_fps", "fps":
		return span{1, math.MaxFloat64, "1 or more"}, true
	case "audio_rates":
		return span{8000, 96000, "8000 to 96000"}, true
	case "max_channels":
		return span{1, 8, "1 to 8"}, true
	case "session":
		return span{float64(time.Second), math.MaxFloat64, "1s or more"}, true
	}
	return span{}, false
}

// misses is true of NaN, which is in no range.
func (s span) misses(value float64) bool { return !(s.least <= value && value <= s.most) }

// numbers are those in the setting; none when it holds something else.
func numbers(setting any) []float64 {
	switch value := setting.(type) {
	case *bitrate:
		return []float64{float64(*value)}
	case *time.Duration:
		return []float64{float64(*value)}
	case *int:
		return []float64{float64(*value)}
	case *float64:
		return []float64{*value}
	case *[]int:
		var all []float64
		for _, n := range *value {
			all = append(all, float64(n))
		}
		return all
	}
	return nil
}
