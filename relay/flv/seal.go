package flv

import (
	"errors"

	"github.com/restreamd/restreamd/relay"
)

// FLV's own tag headers (E.4.2.1, E.4.3.1), and the marks of Enhanced RTMP's in their place.
const (
	exVideo          = 0x80
	exAudio          = 9
	legacyAAC        = 10
	legacyAVC        = 7
	legacyHEVC       = 12 // not in the specification, sent by some encoders
	frameTypeKey     = 1
	frameTypeCommand = 5
	sequenceHeader   = 0 // AVCPacketType, AACPacketType
	nalUnits         = 1
	legacyVideoSize  = 5
	legacyAACSize    = 2
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
	if b[0]&exVideo != 0 {
		return sealEx(p)
	}
	key := frameType(b) == frameTypeKey
	switch b[0] & 15 {
	case legacyAVC, legacyHEVC:
		if len(b) < legacyVideoSize {
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

func frameType(body []byte) byte { return body[0] >> 4 & 7 }

func sealAudio(p *relay.Packet) error {
	b := p.Body
	switch b[0] >> 4 {
	case exAudio:
		return sealEx(p)
	case legacyAAC:
		if len(b) < legacyAACSize {
			return ErrMalformed
		}
		if b[1] == sequenceHeader {
			p.Slot = relay.HeaderSlot(relay.Audio, 0)
		}
	}
	return nil
}

// sealEx takes from an Enhanced RTMP header what the hub must know. Of several tracks only track 0 has keyframes to it.
func sealEx(p *relay.Packet) error {
	h, err := parseEx(p.Kind, p.Body)
	if err != nil {
		return err
	}
	video := p.Kind == relay.Video
	switch {
	case video && h.command:
	case h.typ == exSequenceStart, video && h.typ == exMPEG2TSSequence:
		p.Slot = relay.HeaderSlot(p.Kind, h.track)
	case video && h.typ == exVideoMetadata:
		p.Slot = relay.MetadataSlot(p.Kind, h.track)
	case !video && h.typ == exAudioChannels:
		p.Slot = relay.ChannelsSlot(p.Kind, h.track)
	case h.typ == exCodedFrames, h.typ == exCodedFramesX:
		p.Keyframe = video && h.track == 0 && frameType(p.Body) == frameTypeKey
	}
	return nil
}

// onMetaData as an AMF 0 string.
const metadataName = "\x02\x00\x0aonMetaData"

func isMetadata(b []byte) bool {
	return len(b) >= len(metadataName) && string(b[:len(metadataName)]) == metadataName
}
