package flv

import (
	"errors"

	"github.com/restreamd/restreamd/relay"
)

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
	legacyAAC         = 10
	legacyExAudio     = 9
	legacyAVC         = 7
	legacyHEVC        = 12 // not in the specification, sent by some encoders
	frameTypeKey      = 1
	sequenceHeader    = 0 // AVCPacketType, AACPacketType
	nalUnits          = 1
	maxModifiers      = 8
	fourCCSize        = 4
)

// ErrMalformed is returned for a body that ends before its own header does. It is skipped and counted: one bad packet
// does not end a show.
var ErrMalformed = errors.New("malformed FLV tag body")

// Seal makes a packet of a tag's body with the tag's own timestamp ts in milliseconds. The body is not copied.
func Seal(kind relay.Kind, ts uint32, body []byte) (relay.Packet, error) {
	p := relay.Packet{Kind: kind, DTS: int64(ts), Body: body}
	if len(body) == 0 {
		return p, ErrMalformed
	}
	var err error
	switch kind {
	case relay.Video:
		err = sealVideo(&p)
	case relay.Audio:
		err = sealAudio(&p)
	case relay.Script:
		if isMetadata(body) {
			p.Slot = relay.MetadataSlot(relay.Script, 0)
		}
	default:
		err = ErrMalformed
	}
	return p, err
}

func sealVideo(p *relay.Packet) error {
	b := p.Body
	key := b[0]>>4&7 == frameTypeKey
	if b[0]&0x80 != 0 {
		return sealEx(p, key, exVideoMultitrack)
	}
	switch b[0] & 15 {
	case legacyAVC, legacyHEVC:
		if len(b) < 5 {
			return ErrMalformed
		}
		if b[1] == sequenceHeader {
			p.Slot = relay.HeaderSlot(relay.Video, 0)
		}
		p.Keyframe = key && b[1] == nalUnits
	default:
		p.Keyframe = key
	}
	return nil
}

func sealAudio(p *relay.Packet) error {
	b := p.Body
	switch b[0] >> 4 {
	case legacyExAudio:
		return sealEx(p, false, exAudioMultitrack)
	case legacyAAC:
		if len(b) < 2 {
			return ErrMalformed
		}
		if b[1] == sequenceHeader {
			p.Slot = relay.HeaderSlot(relay.Audio, 0)
		}
	}
	return nil
}

// sealEx reads an Enhanced RTMP header: modifiers, then perhaps a multitrack header, then the packet type. Of the
// packets of several tracks only those of track 0 are keyframes to the hub.
func sealEx(p *relay.Packet, key bool, multitrack byte) error {
	typ, b := p.Body[0]&15, p.Body[1:]
	for n := 0; typ == exModifier; n++ {
		var ok bool
		if typ, b, ok = skipModifier(b); !ok || n == maxModifiers {
			return ErrMalformed
		}
	}
	var track uint8
	if typ == multitrack {
		if len(b) < 1 {
			return ErrMalformed
		}
		// A FourCC stands before the first track's number in every mode: once for all tracks or once for each.
		typ, b = b[0]&15, b[1:]
		if len(b) < fourCCSize+1 {
			return ErrMalformed
		}
		track = b[fourCCSize]
	}
	switch {
	case typ == exSequenceStart, typ == exMPEG2TSSequence && p.Kind == relay.Video:
		p.Slot = relay.HeaderSlot(p.Kind, track)
	case typ == exVideoMetadata && p.Kind == relay.Video:
		p.Slot = relay.MetadataSlot(p.Kind, track)
	case typ == exAudioChannels && p.Kind == relay.Audio:
		p.Slot = relay.ChannelsSlot(p.Kind, track)
	case typ == exCodedFrames, typ == exCodedFramesX:
		p.Keyframe = key && track == 0
	}
	return nil
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

// onMetaData as an AMF 0 string.
const metadataName = "\x02\x00\x0aonMetaData"

func isMetadata(b []byte) bool {
	return len(b) >= len(metadataName) && string(b[:len(metadataName)]) == metadataName
}
