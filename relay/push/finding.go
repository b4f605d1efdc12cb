package push

// Finding is one thing about a stream that a platform's contract does not want.
type Finding struct {
	Code   string `json:"code"`
	Breaks bool   `json:"breaks"` // false: advice
	Text   string `json:"text"`   // with numbers: a keyframe every 8.3 s; twitch wants 2 s, at most 4 s
	Fix    string `json:"fix"`    // what to change in OBS
}

// The codes of findings.
const (
	CodeVideoCodec       = "video_codec"
	CodeSizeTooLarge     = "size_too_large"
	CodeNotUpright       = "not_upright"
	CodeFPSTooHigh       = "fps_too_high"
	CodeGOPTooLong       = "gop_too_long"
	CodeVideoBitrateHigh = "video_bitrate_high"
	CodeVideoBitrateLow  = "video_bitrate_low"
	CodeNoAudio          = "no_audio"
	CodeAudioCodec       = "audio_codec"
	CodeAudioRate        = "audio_rate"
	CodeAudioChannels    = "audio_channels"
	CodeAudioBitrateHigh = "audio_bitrate_high"
	CodeSessionLong      = "session_long"
)
