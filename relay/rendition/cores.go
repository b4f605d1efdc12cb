package rendition

// What an unknown source is taken for: off air, or its headers tell nothing.
const (
	usualWidth, usualHeight = 1920, 1080
	usualFPS                = 30
)

// The measure of a child in cores, by million pixels a second, fed at the pace of a live stream. Measured with ffmpeg
// 5.1.9 and libx264 -preset veryfast on two virtual cores of an Intel Xeon (Sapphire Rapids), busy with other work too:
// 1080p30 to 1080p30 took 1.35 to 1.46 cores, to 720p30 0.82 to 0.99, to 480p30 0.57 to 0.59, to 360p30 0.42; 720p30 to
// 720p30 0.72, to 480p30 0.41, to 360p30 0.26; a copy with AAC 0.05.
const (
	decodeAndScale = 0.004
	encodeX264     = 0.022
	encodeAAC      = 0.05
	hardware       = 0.1 // of a core, for handing frames over; decoding comes on top of it
)

// Cores estimates how many processor cores a rendition takes of a source with that picture. Zeros are unknown and taken
// for 1080p30.
func (s Settings) Cores(width, height int, fps float64) float64 {
	s = s.withDefaults()
	if s.CopyVideo {
		return encodeAAC
	}
	if width <= 0 || height <= 0 {
		width, height = usualWidth, usualHeight
	}
	if !(fps > 0) {
		fps = usualFPS
	}
	cores := encodeAAC + decodeAndScale*megapixels(width, height, fps)
	if s.Encoder != software {
		return cores + hardware
	}
	if s.FPS > 0 {
		fps = min(fps, s.FPS)
	}
	width, height = s.fit(width, height)
	return cores + encodeX264*effort(s.Preset)*megapixels(width, height, fps)
}

func megapixels(width, height int, fps float64) float64 {
	return float64(width) * float64(height) * fps / 1e6
}

// effort is what x264's presets take, veryfast being 1: measured down to medium at 480p, guessed from there.
func effort(preset string) float64 {
	switch preset {
	case "ultrafast":
		return 0.25
	case "superfast":
		return 0.4
	case "faster":
		return 1.25
	case "fast":
		return 1.8
	case "medium":
		return 2.4
	case "slow":
		return 4
	case "slower":
		return 8
	case "veryslow", "placebo":
		return 16
	}
	return 1
}
