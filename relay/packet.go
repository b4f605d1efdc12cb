package relay

import "time"

// Kind is the type of an FLV tag, which is also the type of the RTMP message that carried it
// (RTMP 1.0 section 7.1; FLV 10.1, annex E.4.1).
type Kind uint8

// The kinds of packets a stream carries.
const (
	Audio  Kind = 8
	Video  Kind = 9
	Script Kind = 18
)

// String returns the kind in the field's words.
func (k Kind) String() string {
	switch k {
	case Audio:
		return "audio"
	case Video:
		return "video"
	case Script:
		return "script"
	}
	return "unknown"
}

// Slot names the place of an init packet: a stream keeps the newest packet of each slot and gives them to whoever
// joins. Zero is no slot: ordinary media.
type Slot uint32

// What an init packet is. A slot is one of these, of one kind, for one track.
const (
	slotHeader   = 1 // codec header: decoding starts with it
	slotChannels = 2 // Enhanced RTMP v2 multichannel configuration
	slotMetadata = 3 // onMetaData, Enhanced RTMP colour metadata
)

// HeaderSlot is the slot of a track's codec header (AVC or AAC sequence header, Enhanced RTMP SequenceStart).
func HeaderSlot(k Kind, track uint8) Slot { return slot(k, slotHeader, track) }

// ChannelsSlot is the slot of a track's Enhanced RTMP v2 multichannel configuration.
func ChannelsSlot(k Kind, track uint8) Slot { return slot(k, slotChannels, track) }

// MetadataSlot is the slot of a stream's (Script) or a track's (Video) metadata.
func MetadataSlot(k Kind, track uint8) Slot { return slot(k, slotMetadata, track) }

func slot(k Kind, what, track uint8) Slot { return Slot(k)<<16 | Slot(what)<<8 | Slot(track) }

// IsHeader reports whether a decoder cannot go on without the packet in this slot. A change of it is what ends a
// recording's or an HLS packager's child.
func (s Slot) IsHeader() bool {
	what := uint8(s >> 8)
	return what == slotHeader || what == slotChannels
}

// Variant says which outputs a packet is for. While a stopgap shows a slate there are two pictures to see, each with
// its own codec header; at all other times there is one for all.
type Variant uint8

// The variants.
const (
	Both       Variant = iota // every output
	SlateOnly                 // outputs that live through another codec header: they see the slate
	FreezeOnly                // the others: they see the publisher's own last picture
)

// Packet is one sealed FLV tag. It is immutable once written to a stream: its bytes are shared by every output.
type Packet struct {
	// Body is the FLV tag's body, which is the RTMP message's body.
	Body []byte
	// Arrived is when the publisher's goroutine handed the packet to the stream.
	Arrived time.Time
	// DTS is the decoding time on the session's timeline, in milliseconds from the session's start. The publisher
	// sets it to the tag's own 32-bit timestamp; Publication.Write replaces it.
	DTS int64
	// Slot is set for init packets.
	Slot Slot
	Kind Kind
	// Variant is which outputs see the packet. Default: all.
	Variant Variant
	// Keyframe marks a packet at which an output can join: a key frame of the main video track.
	Keyframe bool
}

// timed reports whether the packet's timestamp says anything.
func (p *Packet) timed() bool { return p.Slot == 0 && p.Kind != Script }

func (p *Packet) isFor(v Variant) bool { return p.Variant == Both || p.Variant == v }

// Tracks reports which kinds of track packets belong to. A picture's metadata promises none.
func Tracks(packets []*Packet) (audio, video bool) {
	for _, p := range packets {
		audio = audio || p.Kind == Audio
		video = video || p.Kind == Video && p.Slot != MetadataSlot(Video, 0)
	}
	return audio, video
}

// Base is where the clock of one who joined with these packets begins: the earliest DTS of media among them. Init
// packets have no time of their own. It reports false where there is no media.
func Base(packets []*Packet) (dts int64, ok bool) {
	for _, p := range packets {
		if p.Slot == 0 && (!ok || p.DTS < dts) {
			dts, ok = p.DTS, true
		}
	}
	return dts, ok
}
