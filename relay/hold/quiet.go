package hold

import (
	"slices"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

// quiet is silence that fits a publisher's own audio header.
type quiet struct {
	body  []byte  // of each packet; nil: there is no sound, or of a codec whose silence nobody here knows
	lasts float64 // milliseconds
}

// opusSilence is a frame of 20 ms of stereo or mono silence (RFC 6716: CELT, full band; the encoder's own for silence).
var opusSilence = []byte{0xFC, 0xFF, 0xFE}

// mappingFamily is where an Opus header says how many streams a packet holds, 0 being one (RFC 7845, section 5.1).
const mappingFamily = 18

// newQuiet makes silence for the main audio track. For AAC it is an access unit of the very configuration the header
// has, for Opus its own silence, for MP3, which has no header, an empty frame like the newest one. Any other codec, AC-3
// among them, gets none: its track pauses while held.
func newQuiet(f relay.Freeze) quiet {
	i := slices.IndexFunc(f.Inits, func(p *relay.Packet) bool { return p.Slot == relay.HeaderSlot(relay.Audio, 0) })
	if i < 0 {
		return quietMP3(f.Sound)
	}
	header := *f.Inits[i]
	fourCC, config := flv.Codec(header)
	switch fourCC {
	case "mp4a":
		frame, samples, rate, err := flv.SilentAAC(config)
		if err != nil || rate == 0 {
			return quiet{}
		}
		return quiet{body: coded(header, fourCC, frame), lasts: float64(samples) / float64(rate) * 1000}
	case "Opus":
		if len(config) > mappingFamily && config[mappingFamily] == 0 {
			return quiet{body: coded(header, fourCC, opusSilence), lasts: 20}
		}
	case ".mp3":
		return quietMP3(f.Sound)
	}
	return quiet{}
}

func quietMP3(newest *relay.Packet) quiet {
	if newest == nil {
		return quiet{}
	}
	body, samples, rate, err := flv.SilentMP3(*newest)
	if err != nil {
		return quiet{}
	}
	return quiet{body: body, lasts: float64(samples) / float64(rate) * 1000}
}

// coded frames an access unit as the publisher's header is framed: as a legacy AAC tag (FLV 10.1, annex E.4.2.1) or an
// Enhanced RTMP one.
func coded(header relay.Packet, fourCC string, frame []byte) []byte {
	const exHeader, codedFrames, raw = 9, 1, 1
	first := header.Body[0]
	if first>>4 != exHeader {
		return append([]byte{first, raw}, frame...)
	}
	return append(append([]byte{exHeader<<4 | codedFrames}, fourCC...), frame...)
}
