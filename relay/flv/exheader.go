package flv

import "github.com/restreamd/restreamd/relay"

// Enhanced RTMP v2 packet types, video and audio (sections "ExVideoTagHeader", "ExAudioTagHeader").
const (
	exSequenceStart   = 0
	exCodedFrames     = 1
	exCodedFramesX    = 3 // video
	exVideoMetadata   = 4
	exAudioChannels   = 4 // MultichannelConfig
	exMPEG2TSSequence = 5 // video: AV1 in MPEG-2 TS form
	exAudioMultitrack = 5
	exVideoMultitrack = 6
	exModifier        = 7 // ModEx
)

const (
	maxModifiers = 8
	fourCCSize   = 4
	oneTrack     = 0 // AvMultitrackType: the other two give every track a size
)

// exHeader is what an Enhanced RTMP header says, and what follows it.
type exHeader struct {
	typ     byte   // packet type
	track   uint8  // the first track, 0 without multitrack
	command bool   // a player's command, video only: no codec, no payload
	fourCC  []byte // of the first track
	payload []byte // of the first track
}

// parseEx reads modifiers, then perhaps a multitrack header, then the codec's FourCC.
func parseEx(kind relay.Kind, body []byte) (exHeader, error) {
	multitrack := byte(exAudioMultitrack)
	if kind == relay.Video {
		multitrack = exVideoMultitrack
	}
	h := exHeader{typ: body[0] & 15}
	b := body[1:]
	for n := 0; h.typ == exModifier; n++ {
		var ok bool
		if h.typ, b, ok = skipModifier(b); !ok || n == maxModifiers {
			return exHeader{}, ErrMalformed
		}
	}
	if kind == relay.Video && frameType(body) == frameTypeCommand && h.typ != exVideoMetadata {
		h.command = true
		return h, nil
	}
	if h.typ == multitrack {
		return h.tracks(b)
	}
	if len(b) < fourCCSize {
		return exHeader{}, ErrMalformed
	}
	h.fourCC, h.payload = b[:fourCCSize], b[fourCCSize:]
	return h, nil
}

// tracks reads a multitrack header. A FourCC stands before the first track's number in every mode: once for all tracks
// or once for each.
func (h exHeader) tracks(b []byte) (exHeader, error) {
	if len(b) < 1+fourCCSize+1 {
		return exHeader{}, ErrMalformed
	}
	mode := b[0] >> 4
	h.typ, b = b[0]&15, b[1:]
	h.fourCC, b = b[:fourCCSize], b[fourCCSize:]
	h.track, h.payload = b[0], b[1:]
	if mode == oneTrack {
		return h, nil
	}
	if len(h.payload) < 3 {
		return exHeader{}, ErrMalformed
	}
	size := int(h.payload[0])<<16 | int(h.payload[1])<<8 | int(h.payload[2])
	if h.payload = h.payload[3:]; len(h.payload) < size {
		return exHeader{}, ErrMalformed
	}
	h.payload = h.payload[:size]
	return h, nil
}

// skipModifier passes over one ModEx: its size, its data, and the type of what follows.
func skipModifier(b []byte) (typ byte, rest []byte, ok bool) {
	if len(b) < 1 {
		return 0, nil, false
	}
	size := int(b[0]) + 1
	b = b[1:]
	if size == 256 {
		if len(b) < 2 {
			return 0, nil, false
		}
		size = int(b[0])<<8 + int(b[1]) + 1
		b = b[2:]
	}
	if len(b) < size+1 {
		return 0, nil, false
	}
	return b[size] & 15, b[size+1:], true
}
