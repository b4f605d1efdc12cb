package flv

import "github.com/restreamd/restreamd/relay"

// compositionSize is what Enhanced RTMP puts before the frames of codecs that reorder pictures, in CodedFrames.
const compositionSize = 3

// Payload is how many bytes of a packet are frames, which a container takes over as they are: the body without its
// headers. It is 0 for what holds none: codec headers, metadata, ends of sequences, a player's commands.
func Payload(p *relay.Packet) int {
	if p.Slot != 0 || len(p.Body) == 0 {
		return 0
	}
	switch p.Kind {
	case relay.Video:
		return videoPayload(p.Body)
	case relay.Audio:
		return audioPayload(p.Body)
	}
	return 0
}

func videoPayload(b []byte) int {
	switch {
	case b[0]&exVideo != 0:
		return exPayload(relay.Video, b)
	case frameType(b) == frameTypeCommand:
		return 0
	case b[0]&15 != legacyAVC && b[0]&15 != legacyHEVC:
		return len(b) - 1
	case len(b) < legacyVideoSize || b[1] != nalUnits:
		return 0
	}
	return len(b) - legacyVideoSize
}

func audioPayload(b []byte) int {
	switch {
	case b[0]>>4 == exAudio:
		return exPayload(relay.Audio, b)
	case b[0]>>4 != legacyAAC:
		return len(b) - 1
	case len(b) < legacyAACSize || b[1] == sequenceHeader:
		return 0
	}
	return len(b) - legacyAACSize
}

// exPayload sums the tracks of an Enhanced RTMP body.
func exPayload(kind relay.Kind, b []byte) int {
	h, err := parseEx(kind, b)
	n := 0
	for err == nil {
		n += h.frames(kind)
		if len(h.rest) == 0 {
			break
		}
		h, err = h.next()
	}
	return n
}

// frames is how many bytes of the track's payload are frames.
func (h exHeader) frames(kind relay.Kind) int {
	switch {
	case h.command || h.typ != exCodedFrames && (kind != relay.Video || h.typ != exCodedFramesX):
		return 0
	case kind == relay.Video && h.typ == exCodedFrames && reorders(h.fourCC):
		return max(len(h.payload)-compositionSize, 0)
	}
	return len(h.payload)
}

// reorders reports whether a codec's CodedFrames begin with a composition time (Enhanced RTMP v2, ExVideoTagBody).
func reorders(fourCC []byte) bool {
	switch string(fourCC) {
	case "avc1", "hvc1", "vvc1":
		return true
	}
	return false
}
