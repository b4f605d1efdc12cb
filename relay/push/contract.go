package push

import (
	"reflect"
	"slices"
	"time"
)

// Contract is what a platform takes. Zero values are limits it does not have, or that nobody knows. Codecs are named as
// in "H.264", "HEVC", "AAC"; bitrates are in bit/s.
type Contract struct {
	VideoCodecs     []string
	MaxVideoBitrate int64
	// GOP is the time between keyframes that the platform asks for, MaxGOP the longest that it puts up with.
	GOP, MaxGOP time.Duration
	// An upright picture is held to the same size, turned. A size that is upright itself asks for an upright picture.
	MaxWidth, MaxHeight int
	MaxFPS              float64
	Ladder              []Rung // which bitrate goes with which picture; the smallest picture first

	AudioRequired   bool
	AudioCodecs     []string
	MaxAudioBitrate int64
	AudioRates      []int // Hz; first the one to choose
	MaxChannels     int

	// FixedHeaders says that codec, size and profile must stay what they were at the start of the broadcast.
	FixedHeaders bool
	Session      time.Duration // how long a show may last
	// Weak are the settings, by their names in YAML, that advise and never break: figures from memory or hearsay, and
	// advice that the platform itself does not insist on.
	Weak []string

	platform string // for the texts
}

// Rung is the bitrate a platform wants for H.264 pictures up to a size and a rate.
type Rung struct {
	Height int     // of the shorter side, in pixels
	FPS    float64 // at most
	Min    int64   // bit/s; advice, for pictures of exactly this height
	Max    int64   // bit/s
}

// settings are where the contract's settings are, by their names in YAML.
func (c *Contract) settings() map[string]any {
	return map[string]any{
		"video_codecs":      &c.VideoCodecs,
		"max_video_bitrate": (*bitrate)(&c.MaxVideoBitrate),
		"gop":               &c.GOP,
		"max_gop":           &c.MaxGOP,
		"max_width":         &c.MaxWidth,
		"max_height":        &c.MaxHeight,
		"max_fps":           &c.MaxFPS,
		"ladder":            &c.Ladder,
		"audio_required":    &c.AudioRequired,
		"audio_codecs":      &c.AudioCodecs,
		"max_audio_bitrate": (*bitrate)(&c.MaxAudioBitrate),
		"audio_rates":       &c.AudioRates,
		"max_channels":      &c.MaxChannels,
		"fixed_headers":     &c.FixedHeaders,
		"session":           &c.Session,
		"weak":              &c.Weak,
	}
}

// Override returns c with what o sets in the place of its own. What a person sets is meant: it is no longer weak,
// unless o says so. A zero value in o, a false included, changes nothing.
func (c Contract) Override(o Contract) Contract {
	mine, theirs := c.settings(), o.settings()
	weak := slices.Concat(c.Weak, o.Weak)
	for name, setting := range theirs {
		value := reflect.ValueOf(setting).Elem()
		if value.IsZero() {
			continue
		}
		reflect.ValueOf(mine[name]).Elem().Set(value)
		if !slices.Contains(o.Weak, name) {
			weak = slices.DeleteFunc(weak, func(w string) bool { return w == name })
		}
	}
	slices.Sort(weak)
	c.Weak = slices.Compact(weak)
	return c
}

// breaks reports whether the setting of that name is more than advice.
func (c Contract) breaks(name string) bool { return !slices.Contains(c.Weak, name) }

// upright reports whether the platform asks for pictures that are higher than wide.
func (c Contract) upright() bool { return c.MaxWidth > 0 && c.MaxHeight > c.MaxWidth }

// bounds are the largest width and height for a picture of m's orientation; 0 is none.
func (c Contract) bounds(m Measure) (width, height int) {
	if !c.upright() && m.Height > m.Width {
		return c.MaxHeight, c.MaxWidth
	}
	return c.MaxWidth, c.MaxHeight
}

// rung finds the first rung that is large and fast enough for m.
func (c Contract) rung(m Measure) (Rung, bool) {
	height := min(m.Width, m.Height)
	if height == 0 || m.FPS == 0 || m.VideoCodec != "" && m.VideoCodec != "H.264" {
		return Rung{}, false
	}
	for _, r := range c.Ladder {
		if height <= r.Height && !above(m.FPS, r.FPS, fpsTolerance) {
			return r, true
		}
	}
	return Rung{}, false
}

// ceiling is one limit of the video bitrate.
type ceiling struct {
	limit  int64
	at     string // the picture it is for; empty: every one
	breaks bool
}

// ceilings are the limits that hold for m's picture.
func (c Contract) ceilings(m Measure) []ceiling {
	var all []ceiling
	if c.MaxVideoBitrate > 0 {
		all = append(all, ceiling{c.MaxVideoBitrate, "", c.breaks("max_video_bitrate")})
	}
	if r, found := c.rung(m); found && r.Max > 0 {
		all = append(all, ceiling{r.Max, r.String(), c.breaks("ladder")})
	}
	return all
}
