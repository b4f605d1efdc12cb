package push

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What may stand above a limit before it is a finding.
const (
	bitrateTolerance = 0.15 // over a few seconds even a constant bitrate wobbles
	fpsTolerance     = 0.02 // 59.94 is 60, and a rate that is counted is off by a frame
	gopTolerance     = 500 * time.Millisecond

	// sessionWarning is how long before its end a show is warned.
	sessionWarning = 30 * time.Minute
)

// Examine compares a stream with the contract. What is unknown gives no finding. The order is always the same, and a
// stream made to the platform's own advice has none.
func (c Contract) Examine(m Measure) []Finding {
	var found []Finding
	for _, check := range []func(Contract, Measure) Finding{
		Contract.checkVideoCodec, Contract.checkSize, Contract.checkUpright, Contract.checkFPS, Contract.checkGOP,
		Contract.checkBitrateHigh, Contract.checkBitrateLow,
		Contract.checkNoAudio, Contract.checkAudioCodec, Contract.checkAudioRate, Contract.checkChannels,
		Contract.checkAudioBitrate, Contract.checkSession,
	} {
		if f := check(c, m); f.Code != "" {
			found = append(found, f)
		}
	}
	return found
}

func (c Contract) checkVideoCodec(m Measure) Finding {
	if takes(c.VideoCodecs, m.VideoCodec) {
		return Finding{}
	}
	return Finding{CodeVideoCodec, c.breaks("video_codecs"),
		fmt.Sprintf("the video is %s; %s takes %s", m.VideoCodec, c.name(), strings.Join(c.VideoCodecs, ", ")),
		"Settings, Output, Streaming: Video Encoder for " + c.VideoCodecs[0]}
}

func (c Contract) checkSize(m Measure) Finding {
	width, height := c.bounds(m)
	fits := (width == 0 || m.Width <= width) && (height == 0 || m.Height <= height)
	if fits || c.upright() && m.Width > m.Height {
		return Finding{}
	}
	return Finding{CodeSizeTooLarge, c.breaks("max_width") && c.breaks("max_height"),
		fmt.Sprintf("the picture is %s; %s takes at most %s", size(m.Width, m.Height), c.name(), size(width, height)),
		"Settings, Video: Output (Scaled) Resolution " + size(width, height)}
}

// A picture that lies breaks nothing: no encoder can turn it, and the platform shows it, small.
func (c Contract) checkUpright(m Measure) Finding {
	if !c.upright() || m.Width <= m.Height {
		return Finding{}
	}
	want := size(c.MaxWidth, c.MaxHeight)
	return Finding{CodeNotUpright, false,
		fmt.Sprintf("the picture is %s; %s shows upright ones, %s", size(m.Width, m.Height), c.name(), want),
		"Settings, Video: Base (Canvas) and Output (Scaled) Resolution " + want}
}

func (c Contract) checkFPS(m Measure) Finding {
	if !above(m.FPS, c.MaxFPS, fpsTolerance) {
		return Finding{}
	}
	return Finding{CodeFPSTooHigh, c.breaks("max_fps"),
		fmt.Sprintf("%.4g frames a second; %s takes at most %.4g", m.FPS, c.name(), c.MaxFPS),
		fmt.Sprintf("Settings, Video: Common FPS Values %.4g", c.MaxFPS)}
}

func (c Contract) checkGOP(m Measure) Finding {
	want := cmp.Or(c.GOP, c.MaxGOP)
	tooLong := c.MaxGOP > 0 && m.GOP > c.MaxGOP+gopTolerance
	if want == 0 || !tooLong && m.GOP <= want+gopTolerance {
		return Finding{}
	}
	text := fmt.Sprintf("a keyframe every %s; %s wants %s", seconds(m.GOP), c.name(), seconds(want))
	if c.MaxGOP > want {
		text += ", at most " + seconds(c.MaxGOP)
	}
	return Finding{CodeGOPTooLong, tooLong && c.breaks("max_gop"), text,
		"Settings, Output, Streaming: Keyframe Interval " + seconds(want)}
}

func (c Contract) checkBitrateHigh(m Measure) Finding {
	var over ceiling
	for _, limit := range c.ceilings(m) {
		// The one for the picture comes last and is the lower one, but advice does not hide what breaks.
		if above(m.VideoBitrate, limit.limit, bitrateTolerance) && (limit.breaks || !over.breaks) {
			over = limit
		}
	}
	if over.limit == 0 {
		return Finding{}
	}
	text := fmt.Sprintf("%s of video; %s takes at most %s", kilobits(m.VideoBitrate), c.name(), kilobits(over.limit))
	if over.at != "" {
		text += " at " + over.at
	}
	return Finding{CodeVideoBitrateHigh, over.breaks, text, setVideoBitrate(over.limit)}
}

// Too little breaks nothing: encoding it once more would not make it better.
func (c Contract) checkBitrateLow(m Measure) Finding {
	r, found := c.rung(m)
	if !found || r.Height != min(m.Width, m.Height) || m.VideoBitrate == 0 || !above(r.Min, m.VideoBitrate, bitrateTolerance) {
		return Finding{}
	}
	return Finding{CodeVideoBitrateLow, false,
		fmt.Sprintf("%s of video; %s wants %s or more at %s", kilobits(m.VideoBitrate), c.name(), kilobits(r.Min), r),
		setVideoBitrate(r.Min)}
}

func (c Contract) checkNoAudio(m Measure) Finding {
	if !c.AudioRequired || !m.HasVideo || m.HasAudio {
		return Finding{}
	}
	return Finding{CodeNoAudio, c.breaks("audio_required"),
		"no audio; " + c.name() + " demands it",
		"Settings, Output, Streaming: Audio Track; or audio: {silence_if_missing: true} in the destination's file"}
}

func (c Contract) checkAudioCodec(m Measure) Finding {
	if takes(c.AudioCodecs, m.AudioCodec) {
		return Finding{}
	}
	return Finding{CodeAudioCodec, c.breaks("audio_codecs"),
		fmt.Sprintf("the audio is %s; %s takes %s", m.AudioCodec, c.name(), strings.Join(c.AudioCodecs, ", ")),
		"Settings, Output, Streaming: Audio Encoder for " + c.AudioCodecs[0]}
}

func (c Contract) checkAudioRate(m Measure) Finding {
	if m.AudioRate == 0 || len(c.AudioRates) == 0 || slices.Contains(c.AudioRates, m.AudioRate) {
		return Finding{}
	}
	var rates []string
	for _, rate := range c.AudioRates {
		rates = append(rates, kilohertz(rate))
	}
	return Finding{CodeAudioRate, c.breaks("audio_rates"),
		fmt.Sprintf("audio at %s; %s takes %s", kilohertz(m.AudioRate), c.name(), strings.Join(rates, " or ")),
		"Settings, Audio: Sample Rate " + rates[0]}
}

func (c Contract) checkChannels(m Measure) Finding {
	if c.MaxChannels == 0 || m.Channels <= c.MaxChannels {
		return Finding{}
	}
	channels := strconv.Itoa(c.MaxChannels)
	if c.MaxChannels == 2 {
		channels = "Stereo"
	}
	return Finding{CodeAudioChannels, c.breaks("max_channels"),
		fmt.Sprintf("%d channels of audio; %s takes at most %d", m.Channels, c.name(), c.MaxChannels),
		"Settings, Audio: Channels " + channels}
}

func (c Contract) checkAudioBitrate(m Measure) Finding {
	if !above(m.AudioBitrate, c.MaxAudioBitrate, bitrateTolerance) {
		return Finding{}
	}
	return Finding{CodeAudioBitrateHigh, c.breaks("max_audio_bitrate"),
		fmt.Sprintf("%s of audio; %s takes at most %s", kilobits(m.AudioBitrate), c.name(), kilobits(c.MaxAudioBitrate)),
		fmt.Sprintf("Settings, Output: Audio Bitrate %d", c.MaxAudioBitrate/kbps)}
}

func (c Contract) checkSession(m Measure) Finding {
	if c.Session == 0 || m.On < c.Session-min(sessionWarning, c.Session) {
		return Finding{}
	}
	return Finding{CodeSessionLong, false,
		fmt.Sprintf("on air for %s; after %s %s ends the show or keeps no recording of it",
			hours(m.On), hours(c.Session), c.name()),
		"stop and start again before then, at a moment of your choice"}
}
