package relay

// Media describes what a publisher sends, as far as its headers tell. Zero values are unknown or absent.
type Media struct {
	Video VideoTrack `json:"video"`
	Audio AudioTrack `json:"audio"`
	// Encoder is what the encoder calls itself in onMetaData.
	Encoder string `json:"encoder,omitempty"`
}

// VideoTrack describes the main video track.
type VideoTrack struct {
	Codec   string  `json:"codec,omitempty"`   // "H.264", "HEVC", "AV1", "VP9", or the FourCC
	Profile string  `json:"profile,omitempty"` // "High", ...
	Width   int     `json:"width,omitempty"`   // pixels
	Height  int     `json:"height,omitempty"`
	FPS     float64 `json:"fps,omitempty"` // as declared by the header
}

// AudioTrack describes the main audio track.
type AudioTrack struct {
	Codec    string `json:"codec,omitempty"` // "AAC", "MP3", "Opus", or the FourCC
	Rate     int    `json:"rate,omitempty"`  // Hz
	Channels int    `json:"channels,omitempty"`
}
