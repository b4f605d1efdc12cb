package push

import "time"

// Measure is what a stream carries at the moment. Zero values are unknown and break nothing.
type Measure struct {
	HasVideo     bool
	VideoCodec   string // as ingest tells it: "H.264", "HEVC", "AV1", "VP9"
	VideoProfile string
	Width        int // pixels
	Height       int
	FPS          float64
	GOP          time.Duration // between keyframes; the time since the last one, if that is longer
	VideoBitrate int64         // bit/s, over some seconds

	HasAudio     bool
	AudioCodec   string // "AAC", "MP3", "Opus"
	AudioRate    int    // Hz
	Channels     int
	AudioBitrate int64 // bit/s

	On time.Duration // since the show began
}
