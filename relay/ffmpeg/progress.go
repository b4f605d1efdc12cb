package ffmpeg

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Progress is one report of ffmpeg's -progress, about once a second.
type Progress struct {
	Frame   int64         // video frames written, copied ones too
	Bytes   int64         // bytes written; stays 0 where the muxer does not know (HLS)
	OutTime time.Duration // timestamp of the newest packet written
	Speed   float64       // media time written per time passed; 1 is live, 0 not known yet
	End     bool          // the last report of a child that ended in order
}

// ProgressParser puts reports together from lines. What a report does not tell is 0. Its zero value is ready to use.
type ProgressParser struct {
	next Progress
}

// Line takes one line, and returns a report when the line completes it.
func (p *ProgressParser) Line(line string) (Progress, bool) {
	key, value, found := strings.Cut(strings.TrimSpace(line), "=")
	if !found {
		return Progress{}, false
	}
	value = strings.TrimSpace(value) // ffmpeg pads some values
	switch key {
	case "frame":
		p.next.Frame = count(value)
	case "total_size":
		p.next.Bytes = count(value)
	case "out_time_us":
		p.next.OutTime = micros(value)
	case "speed":
		p.next.Speed = factor(value)
	case "progress":
		report := p.next
		report.End = value == "end"
		p.next = Progress{}
		return report, true
	}
	return Progress{}, false
}

// count reads a number of things; N/A is 0.
func count(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// micros may be negative: a stream's first packets can lie before 0.
func micros(s string) time.Duration {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
		return 0
	}
	return time.Duration(n) * time.Microsecond
}

func factor(s string) float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(s, "x")), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || f < 0 {
		return 0
	}
	return f
}
