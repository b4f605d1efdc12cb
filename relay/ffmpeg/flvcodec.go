package ffmpeg

import "fmt"

// flvSupport is what FLV's codecs are called, and since which release ffmpeg reads and writes them in FLV. Legacy FLV
// carries H.264, AAC and MP3; Enhanced RTMP's video came with 6.1, its audio and multitrack with 8.0.
type flvSupport struct {
	name         string
	major, minor int
}

func supportOf(fourCC string) (flvSupport, bool) {
	switch fourCC {
	case "avc1":
		return flvSupport{name: "H.264"}, true
	case "mp4a":
		return flvSupport{name: "AAC"}, true
	case ".mp3":
		return flvSupport{name: "MP3"}, true
	case "hvc1":
		return flvSupport{"HEVC", 6, 1}, true
	case "av01":
		return flvSupport{"AV1", 6, 1}, true
	case "vp09":
		return flvSupport{"VP9", 6, 1}, true
	case "vp08":
		return flvSupport{"VP8", 8, 0}, true
	case "Opus":
		return flvSupport{"Opus", 8, 0}, true
	case "fLaC":
		return flvSupport{"FLAC", 8, 0}, true
	case "ac-3":
		return flvSupport{"AC-3", 8, 0}, true
	case "ec-3":
		return flvSupport{"E-AC-3", 8, 0}, true
	}
	return flvSupport{}, false
}

// CanFLV reports whether this ffmpeg carries the codec, given by its FourCC, in FLV. The error names the codec and the
// version needed, for the person who chose the encoder's settings.
func (c Capabilities) CanFLV(fourCC string) error {
	codec, known := supportOf(fourCC)
	if !known {
		return fmt.Errorf("codec %q: ffmpeg does not carry it in FLV; set the encoder to H.264 and AAC", fourCC)
	}
	if codec.major == 0 || c.Version.AtLeast(codec.major, codec.minor) {
		return nil
	}
	return fmt.Errorf("codec %s needs ffmpeg %d.%d or later, this is %s; install a newer one or set the encoder to H.264 and AAC",
		codec.name, codec.major, codec.minor, c.Version)
}

// FLV tag types, annex E.4.1 of the FLV specification 10.1.
const (
	tagAudio = 8
	tagVideo = 9
)

// ReadsTag reports whether this ffmpeg's FLV demuxer understands a tag of that type and body. One that does not takes
// the tag for a further stream of an unknown codec, and most muxers then refuse the whole job: on 5.1.9 one HDR or
// multitrack tag beside good H.264 ends the recording (measured). So such tags must be left out of its stdin.
func (c Capabilities) ReadsTag(kind uint8, body []byte) bool {
	if len(body) == 0 {
		return true
	}
	switch {
	case kind == tagAudio && body[0]>>4 == 9: // Enhanced RTMP v2 ExAudioTagHeader
		return c.Version.AtLeast(8, 0)
	case kind == tagVideo && body[0]&0x80 != 0: // Enhanced RTMP IsExVideoHeader
		return c.readsEnhancedVideo(body)
	}
	return true
}

func (c Capabilities) readsEnhancedVideo(body []byte) bool {
	if c.Version.AtLeast(8, 0) {
		return true
	}
	// Before 8.0 only frames and sequence starts (0 to 3): no metadata (4), multitrack (6) or ModEx (7), and not the
	// codecs which that release added to the enhanced header, H.264 among them.
	if len(body) < 5 || body[0]&0x0f > 3 || !c.Version.AtLeast(6, 1) {
		return false
	}
	switch string(body[1:5]) {
	case "hvc1", "av01", "vp09":
		return true
	}
	return false
}
