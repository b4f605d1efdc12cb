package recorder

import (
	"encoding/binary"
	"math"
	"strings"
)

// TrackInfo is what a finished file's sidecar says of a track. What a picture has a sound has not, and is 0.
type TrackInfo struct {
	Kind     string  `json:"kind"`  // video or audio
	Codec    string  `json:"codec"` // as ffmpeg names it: h264, hevc, av1, aac, opus …
	Width    int     `json:"width,omitempty"`
	Height   int     `json:"height,omitempty"`
	FPS      float64 `json:"fps,omitempty"` // on average
	Rate     int     `json:"sample_rate,omitempty"`
	Channels int     `json:"channels,omitempty"`
	Packets  int     `json:"packets"`
}

// info tells of a track of a recording, and of what a finished file has of it.
func (t *track) info(made *track) TrackInfo {
	i := TrackInfo{Kind: "audio", Packets: len(made.sizes)}
	kind, entry := t.header[:min(4, len(t.header))], t.header[min(4, len(t.header)):]
	if len(entry) < 4 {
		return i
	}
	i.Codec = codecName(string(entry[:4]), entry)
	entry = entry[4:]
	if string(kind) == "vide" {
		i.Kind = "video"
		i.Width, i.Height = u16(entry, 24), u16(entry, 26)
		if from, to := made.span(); to > from {
			i.FPS = math.Round(float64(len(made.sizes))/(to-from)*100) / 100
		}
		return i
	}
	i.Channels, i.Rate = u16(entry, 16), u16(entry, 24) // the rate is in 16.16
	return i
}

// u16 is the number at an offset of a sample entry (ISO/IEC 14496-12 sections 12.1.3, 12.2.3).
func u16(entry []byte, at int) int {
	if len(entry) < at+2 {
		return 0
	}
	return int(binary.BigEndian.Uint16(entry[at:]))
}

// codecName is ffmpeg's name of what MP4 calls so. One that is not known keeps its own.
func codecName(typ string, entry []byte) string {
	switch typ {
	case "avc1", "avc3":
		return "h264"
	case "hvc1", "hev1":
		return "hevc"
	case "av01":
		return "av1"
	case "vp08":
		return "vp8"
	case "vp09":
		return "vp9"
	case "mp4a":
		return mpegSound(entry)
	case "ac-3":
		return "ac3"
	case "ec-3":
		return "eac3"
	}
	return strings.ToLower(strings.TrimSpace(typ)) // Opus, fLaC, .mp3
}

// mpegSound is the codec in an esds box: ffmpeg writes MP3 into MP4 as mp4a too.
func mpegSound(entry []byte) string {
	const aac = 0x40 // ISO/IEC 14496-1 table 5
	at := strings.Index(string(entry), "esds")
	if at < 0 {
		return "aac"
	}
	esds := entry[at+4:]
	esds = esds[min(8, len(esds)):] // the length that decoderConfig puts before it, and version and flags
	for i := 0; i < 2 && len(esds) > 0; i++ {
		tag := esds[0]
		esds = intoDescriptor(esds)
		if tag == decoderDescriptor {
			if len(esds) > 0 && esds[0] != aac {
				return "mp3"
			}
			break
		}
		esds = esds[min(3, len(esds)):]
	}
	return "aac"
}
