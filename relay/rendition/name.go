package rendition

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Name is a short name for renditions nobody has named, such as 720p30-3000k. Settings that mean the same have the
// same name, others another. It is made of letters, digits and dashes.
func (s Settings) Name() string {
	s = s.withDefaults()
	parts := append(s.videoName(), s.audioName()...)
	if s.AudioTrack > 0 {
		parts = append(parts, fmt.Sprintf("track%d", s.AudioTrack+1))
	}
	return strings.Join(parts, "-")
}

func (s Settings) videoName() []string {
	if s.CopyVideo {
		return []string{"copy"}
	}
	parts := []string{s.sizeName() + decimal(s.FPS), bitrateName(s.VideoBitrate)}
	if s.GOP > 0 {
		parts = append(parts, "gop"+durationName(s.GOP))
	}
	if s.Encoder != software {
		parts = append(parts, strings.NewReplacer("h264_", "", "_", "").Replace(s.Encoder))
	}
	if family, _ := familyOf(s.Encoder); s.Preset != family.preset {
		parts = append(parts, s.Preset)
	}
	return parts
}

func (s Settings) sizeName() string {
	switch {
	case s.Width > 0 && s.Height > 0:
		return fmt.Sprintf("%dx%dp", s.Width, s.Height)
	case s.Height > 0:
		return fmt.Sprintf("%dp", s.Height)
	case s.Width > 0:
		return fmt.Sprintf("%dw", s.Width)
	}
	return "source"
}

// audioName says only what is unusual.
func (s Settings) audioName() []string {
	if s.CopyAudio {
		return []string{"acopy"}
	}
	var parts []string
	if s.AudioBitrate != 128_000 {
		parts = append(parts, "a"+bitrateName(s.AudioBitrate))
	}
	if s.AudioRate != 48_000 {
		parts = append(parts, fmt.Sprintf("%dhz", s.AudioRate))
	}
	if s.Channels != 2 {
		parts = append(parts, fmt.Sprintf("%dch", s.Channels))
	}
	return parts
}

// decimal writes 29.97 as 29d97, and nothing for 0.
func decimal(f float64) string {
	if f == 0 {
		return ""
	}
	return strings.ReplaceAll(strconv.FormatFloat(f, 'f', -1, 64), ".", "d")
}

func bitrateName(bitrate int64) string {
	if bitrate%1000 == 0 {
		return fmt.Sprintf("%dk", bitrate/1000)
	}
	return fmt.Sprintf("%dbit", bitrate)
}

func durationName(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dns", d.Nanoseconds())
}
