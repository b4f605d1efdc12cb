package push

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// codecGain is how much more bitrate H.264, which everything is encoded in, needs for the picture of a later codec.
const codecGain = 1.5

// Remedy is what must be encoded anew, and how, so that a stream keeps a contract. Zero values are as in the source.
// Remedies compare with ==, and destinations with the same trouble have the same one wherever their limits allow it, so
// that they can share an encode.
type Remedy struct {
	Video         bool
	Width, Height int // bounds; the picture keeps its shape
	FPS           float64
	VideoBitrate  int64         // bit/s
	GOP           time.Duration // at most

	Audio        bool
	AudioBitrate int64 // bit/s
	AudioRate    int   // Hz
	Channels     int

	Silence bool // add silent audio
}

// Any reports whether there is anything to do.
func (r Remedy) Any() bool { return r != Remedy{} }

// Remedy is the least that keeps the contract: nothing for advice, and no video encode for audio's sake.
//
// Bitrates are measured and wobble, remedies must not: what is encoded anew gets the usual bitrate nearest to the
// source's. A bitrate that is off by 5 % from such a one gives the same remedy. Around one halfway between two of them
// it may not: keep the first remedy while the show lasts.
func (c Contract) Remedy(m Measure) Remedy {
	var r Remedy
	for _, f := range c.Examine(m) {
		if f.Breaks {
			c.cure(&r, f.Code, m)
		}
	}
	if r.Video {
		r.GOP = cmp.Or(c.GOP, c.MaxGOP)
		r.VideoBitrate = c.videoBitrate(m, r)
	}
	if r.Audio {
		r.AudioBitrate = c.audioBitrate(m)
	}
	return r
}

// cure does what one broken limit needs; bitrates and keyframes follow for every encode.
func (c Contract) cure(r *Remedy, code string, m Measure) {
	switch code {
	case CodeVideoCodec, CodeGOPTooLong, CodeVideoBitrateHigh:
		r.Video = true
	case CodeSizeTooLarge:
		r.Video = true
		r.Width, r.Height = c.bounds(m)
	case CodeFPSTooHigh:
		r.Video = true
		r.FPS = reducedFPS(m.FPS, c.MaxFPS)
	case CodeAudioCodec, CodeAudioBitrateHigh:
		r.Audio = true
	case CodeAudioRate:
		r.Audio = true
		r.AudioRate = c.AudioRates[0]
	case CodeAudioChannels:
		r.Audio = true
		r.Channels = c.MaxChannels
	case CodeNoAudio:
		r.Silence = true
	}
}

// reducedFPS leaves out the same number of frames each time, because a rate that does not divide the source's judders.
func reducedFPS(fps, limit float64) float64 {
	fps = math.Round(fps)
	return fps / math.Ceil(fps/(limit*(1+fpsTolerance)))
}

// videoBitrate is the lower of what the source has and the limit allows for the picture that r leaves, less 5 %. Without
// either it is 0.
func (c Contract) videoBitrate(m Measure, r Remedy) int64 {
	source := float64(m.VideoBitrate)
	if !takes([]string{"H.264"}, m.VideoCodec) {
		source *= codecGain
	}
	rate := usual(int64(source))
	for _, limit := range c.ceilings(r.picture(m)) {
		safe := max(limit.limit*95/100/(100*kbps), 1) * 100 * kbps
		if rate == 0 || safe < rate {
			rate = safe
		}
	}
	return rate
}

// picture is what is left of m after the remedy, encoded in H.264.
func (r Remedy) picture(m Measure) Measure {
	m.VideoCodec = "H.264"
	if r.FPS > 0 {
		m.FPS = r.FPS
	}
	shrink := 1.0
	if r.Width > 0 && m.Width > 0 {
		shrink = min(shrink, float64(r.Width)/float64(m.Width))
	}
	if r.Height > 0 && m.Height > 0 {
		shrink = min(shrink, float64(r.Height)/float64(m.Height))
	}
	m.Width, m.Height = int(float64(m.Width)*shrink), int(float64(m.Height)*shrink)
	return m
}

func (c Contract) audioBitrate(m Measure) int64 {
	rates := []int64{64 * kbps, 96 * kbps, 128 * kbps, 160 * kbps, 192 * kbps, 256 * kbps, 320 * kbps}
	want := m.AudioBitrate
	if want == 0 {
		want = 128 * kbps
	}
	if c.MaxAudioBitrate > 0 {
		rates = slices.DeleteFunc(rates, func(rate int64) bool { return rate > c.MaxAudioBitrate })
	}
	if len(rates) == 0 {
		return c.MaxAudioBitrate
	}
	return slices.MinFunc(rates, func(a, b int64) int { return int(abs(a-want) - abs(b-want)) })
}

func abs(n int64) int64 { return max(n, -n) }
