package rendition

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// Settings say what a rendition shall be. Two that say the same are one need: see Name. The zero value re-encodes a
// stream at its own size.
type Settings struct {
	// Width and Height are bounds in pixels. A picture keeps its aspect and is never enlarged. Default 0: no bound.
	Width, Height int
	// FPS is the most frames a second; frames are left out, never made. Default 0: as many as the source has.
	FPS float64
	// VideoBitrate in bit/s is constant as far as the picture needs it. Default 0: by the bounds and FPS.
	VideoBitrate int64
	// GOP is the longest time between keyframes. Where the source has one, the rendition always has one. Default 0:
	// nowhere else.
	GOP time.Duration
	// Encoder is ffmpeg's name of an H.264 encoder: libx264, the default, or one of Encoders.
	Encoder string
	// Preset is one of the encoder's own. Default: veryfast for libx264 and h264_qsv, p4 for h264_nvenc.
	Preset string
	// CopyVideo leaves the video as it is; what is said about video above does not count then.
	CopyVideo bool

	// CopyAudio leaves the audio as it is; what is said about audio below does not count then. Otherwise it is AAC-LC.
	CopyAudio bool
	// AudioBitrate in bit/s. Default 128 000.
	AudioBitrate int64
	// AudioRate in Hz. Default 48 000.
	AudioRate int
	// Channels of audio. Default 2.
	Channels int
	// AudioTrack is which of the source's audio tracks it is made of. Default 0: the main one. Whoever feeds the job picks
	// it; here it only makes a need of its own.
	AudioTrack uint8
}

// Validate reports what cannot be encoded, for the person who wrote it.
func (s Settings) Validate() error {
	s = s.withDefaults()
	switch {
	case s.CopyVideo && s.CopyAudio:
		return errors.New("nothing to encode: both tracks are copied; leave the rendition out")
	case s.Width < 0 || s.Height < 0 || s.Width == 1 || s.Height == 1 || max(s.Width, s.Height) > maxSide:
		return fmt.Errorf("size %dx%d: 2 to %d pixels a side, 0 for no bound", s.Width, s.Height, maxSide)
	case s.FPS != 0 && !(s.FPS >= 1 && s.FPS <= 240):
		return fmt.Errorf("%v frames a second: 1 to 240, 0 for as many as the source has", s.FPS)
	case !s.CopyVideo && (s.VideoBitrate < 10_000 || s.VideoBitrate > 200_000_000):
		return fmt.Errorf("video bitrate of %d bit/s: 10k to 200M", s.VideoBitrate)
	case s.GOP < 0 || s.GOP > time.Minute:
		return fmt.Errorf("keyframes every %v: at most 1m, 0 for the source's alone", s.GOP)
	case !s.CopyAudio && (s.AudioBitrate < 8_000 || s.AudioBitrate > 512_000):
		return fmt.Errorf("audio bitrate of %d bit/s: 8k to 512k", s.AudioBitrate)
	case !s.CopyAudio && (s.AudioRate < 8_000 || s.AudioRate > 96_000 || s.Channels < 1 || s.Channels > 8):
		return fmt.Errorf("audio of %d Hz and %d channels: 8000 to 96000 Hz, 1 to 8 channels", s.AudioRate, s.Channels)
	case s.CopyVideo:
		return nil
	}
	return s.validateEncoder()
}

// maxSide is the largest picture of H.264 level 6.2, in pixels.
const maxSide = 8192

func (s Settings) validateEncoder() error {
	family, known := familyOf(s.Encoder)
	switch {
	case !known:
		return fmt.Errorf("encoder %q: choose one of %s", s.Encoder, strings.Join(Encoders(), ", "))
	case s.Preset != "" && family.preset == "":
		return fmt.Errorf("preset %q: %s has none", s.Preset, s.Encoder)
	case strings.Trim(s.Preset, "abcdefghijklmnopqrstuvwxyz0123456789") != "":
		return fmt.Errorf("preset %q: small letters and digits, such as veryfast", s.Preset)
	}
	return nil
}

// withDefaults fills in what is not said and drops what does not count, so that equal needs become equal values.
func (s Settings) withDefaults() Settings {
	if s.CopyVideo {
		s.Width, s.Height, s.FPS, s.VideoBitrate, s.GOP, s.Encoder, s.Preset = 0, 0, 0, 0, 0, "", ""
	} else {
		s.VideoBitrate = cmp.Or(s.VideoBitrate, s.defaultBitrate())
		s.Encoder = cmp.Or(s.Encoder, software)
		family, _ := familyOf(s.Encoder)
		s.Preset = cmp.Or(s.Preset, family.preset)
	}
	if s.CopyAudio {
		s.AudioBitrate, s.AudioRate, s.Channels = 0, 0, 0
	} else {
		s.AudioBitrate = cmp.Or(s.AudioBitrate, 128_000)
		s.AudioRate = cmp.Or(s.AudioRate, 48_000)
		s.Channels = cmp.Or(s.Channels, 2)
	}
	return s
}

// defaultBitrate is about what the platforms advise for H.264 at 30 frames a second, and half as much again above.
func (s Settings) defaultBitrate() int64 {
	width, height := s.fit(usualWidth, usualHeight)
	pixels := width * height
	bitrate := int64(16_000_000)
	for _, step := range []struct {
		pixels  int
		bitrate int64
	}{
		{426 * 240, 400_000}, {640 * 360, 800_000}, {854 * 480, 1_400_000}, {960 * 540, 2_000_000},
		{1280 * 720, 3_000_000}, {1920 * 1080, 4_500_000}, {2560 * 1440, 9_000_000},
	} {
		if pixels <= step.pixels {
			bitrate = step.bitrate
			break
		}
	}
	if s.FPS > 30 {
		bitrate += bitrate / 2
	}
	return bitrate
}

// fit is the size of a picture of the given size in this rendition.
func (s Settings) fit(width, height int) (int, int) {
	scale := 1.0
	if s.Width > 0 {
		scale = min(scale, float64(s.Width)/float64(width))
	}
	if s.Height > 0 {
		scale = min(scale, float64(s.Height)/float64(height))
	}
	even := func(side int) int { return 2 * int(math.Round(float64(side)*scale/2)) }
	return even(width), even(height)
}
