package rendition

import "github.com/restreamd/restreamd/relay/ffmpeg"

// software is the encoder that works everywhere.
const software = "libx264"

// Encoders are those Settings.Encoder may name. Whether one works on this machine is for ffmpeg.ProbeEncoder to say.
func Encoders() []string {
	return []string{software, "h264_nvenc", "h264_vaapi", "h264_qsv", "h264_videotoolbox"}
}

// family is what a kind of encoder is told.
type family struct {
	preset  string // default; empty where there are none
	options ffmpeg.Options
}

// familyOf knows the options of each. All make an IDR picture, at which a decoder can start, of every forced keyframe;
// VA-API and VideoToolbox do so unasked. Encoders in hardware make no B-frames: some generations cannot.
//
// libx264, -preset veryfast at 720p, 1.5 Mb/s, two threads: with 2 B-frames and 5 frames of lookahead 0.41 s of delay
// and SSIM 15.98 dB; its defaults 0.54 s and 16.09 dB; -tune zerolatency 0.06 s and 15.84 dB for the same processor
// time. Half a second is nothing to viewers who are seconds behind, quality is all of a rendition.
func familyOf(encoder string) (family, bool) {
	switch encoder {
	case software:
		return family{"veryfast", ffmpeg.Options{
			"bf": "2", "rc-lookahead": "5", "sc_threshold": "0", "forced-idr": "1",
		}}, true
	case "h264_nvenc":
		return family{"p4", ffmpeg.Options{"tune": "ll", "rc": "cbr", "bf": "0", "forced-idr": "1"}}, true
	case "h264_vaapi":
		return family{"", ffmpeg.Options{"rc_mode": "CBR", "bf": "0"}}, true
	case "h264_qsv":
		return family{"veryfast", ffmpeg.Options{"bf": "0", "forced_idr": "1"}}, true
	case "h264_videotoolbox":
		return family{"", ffmpeg.Options{"realtime": "1", "bf": "0"}}, true
	}
	return family{}, false
}
