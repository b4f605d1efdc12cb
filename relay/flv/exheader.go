package flv

import "github.com/restreamd/restreamd/relay"

// Enhanced RTMP v2 packet types, video and audio (sections "ExVideoTagHeader", "ExAudioTagHeader").
const (
	exSequenceStart   = 0
	exCodedFrames     = 1
	exSequenceEnd     = 2
	exCodedFramesX    = 3 // video
	exVideoMetadata   = 4
	exAudioChannels   = 4 // MultichannelConfig
	exMPEG2TSSequence = 5 // video: AV1 in MPEG-2 TS form
	exAudioMultitrack = 5
	exVideoMultitrack = 6
	exModifier        = 7 // ModEx
)

// AvMultitrackType: all but oneTrack give every track a size.
const (
	oneTrack   = 0
	manyCodecs = 2 // a FourCC for each track, one for all of them otherwise
)

const (
	maxModifiers = 8
	fourCCSize   = 4
	sizeSize     = 3
)

// exHeader is what an Enhanced RTMP header says, and one track of what follows it: the first, until next is called.
type exHeader struct {
	typ        byte   // packet type, of all tracks
	command    bool   // a player's command, video only: no codec, no payload
	multitrack bool   // the tag says which tracks it carries
	mode       byte   // AvMultitrackType
	track      uint8  // 0 without multitrack
	fourCC     []byte // of the track
	payload    []byte // of the track
	rest       []byte // the tracks behind it
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

// tracks reads a multitrack header and the first track.
func (h exHeader) tracks(b []byte) (exHeader, error) {
	if len(b) < 1 {
		return exHeader{}, ErrMalformed
	}
	h.multitrack = true
	h.mode, h.typ, b = b[0]>>4, b[0]&15, b[1:]
	if h.mode != manyCodecs {
		if len(b) < fourCCSize {
			return exHeader{}, ErrMalformed
		}
		h.fourCC, b = b[:fourCCSize], b[fourCCSize:]
	}
	h.rest = b
	return h.next()
}

// next reads the track that rest begins with. Every call makes rest shorter.
func (h exHeader) next() (exHeader, error) {
	b := h.rest
	if h.mode == manyCodecs {
		if len(b) < fourCCSize {
			return exHeader{}, ErrMalformed
		}
		h.fourCC, b = b[:fourCCSize], b[fourCCSize:]
	}
	if len(b) < 1 {
		return exHeader{}, ErrMalformed
	}
	h.track, b = b[0], b[1:]
	if h.mode == oneTrack {
		h.payload, h.rest = b, nil
		return h, nil
	}
	if len(b) < sizeSize {
		return exHeader{}, ErrMalformed
	}
	size := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
	if b = b[sizeSize:]; len(b) < size {
		return exHeader{}, ErrMalformed
	}
	h.payload, h.rest = b[:size], b[size:]
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
