package flv

import (
	"encoding/binary"
	"errors"

	"github.com/restreamd/restreamd/relay"
)

// legacyMP3 and legacyMP3At8 are the sound formats of MP3 (FLV 10.1, table E.4.2.1).
const (
	legacyMP3    = 2
	legacyMP3At8 = 14
)

var errNoMP3 = errors.New("make silent MP3: not a frame of MPEG audio layer III with a bitrate")

// SilentMP3 returns the body of a tag of silence that fits p, an audio packet of MP3: a frame of the same sampling rate,
// channels and bitrate that holds nothing. MP3 has no header of its own to make it from. It lasts samples/rate seconds.
func SilentMP3(p relay.Packet) (body []byte, samples, rate int, err error) {
	lead := 1
	switch b := p.Body; {
	case p.Kind != relay.Audio || p.Slot != 0 || len(b) < 5:
		return nil, 0, 0, errNoMP3
	case b[0]>>4 == legacyMP3, b[0]>>4 == legacyMP3At8:
	case b[0] == exAudio<<4|exCodedFrames && string(b[1:5]) == ".mp3":
		lead = 5
	default:
		return nil, 0, 0, errNoMP3
	}
	if len(p.Body) < lead+4 {
		return nil, 0, 0, errNoMP3
	}
	head := binary.BigEndian.Uint32(p.Body[lead:])
	size, samples, rate := layer3(head)
	if size == 0 {
		return nil, 0, 0, errNoMP3
	}
	const noCRC, padding = 1 << 16, 1 << 9
	body = make([]byte, lead+size) // side information of zeros: neither granule has anything, of this frame or another's
	copy(body, p.Body[:lead])
	binary.BigEndian.PutUint32(body[lead:], head&^padding|noCRC)
	return body, samples, rate, nil
}

// layer3 reads a frame header of MPEG-1, MPEG-2 or MPEG-2.5 audio layer III (ISO/IEC 11172-3, 2.4.1.3). size is that of
// a frame without padding, 0 where the header is no such one.
func layer3(head uint32) (size, samples, rate int) {
	const sync, layerIII = 0x7FF, 1
	version, layer := head>>19&3, head>>17&3
	bitrate, sampling := head>>12&15, head>>10&3
	if head>>21 != sync || layer != layerIII || version == 1 || bitrate == 0 || bitrate == 15 || sampling == 3 {
		return 0, 0, 0
	}
	rate = [3]int{44_100, 48_000, 32_000}[sampling]
	if version == 3 { // MPEG-1
		kbps := [15]int{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}[bitrate]
		return 144_000 * kbps / rate, 1152, rate
	}
	kbps := [15]int{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}[bitrate]
	if rate /= 2; version == 0 { // MPEG-2.5
		rate /= 2
	}
	return 72_000 * kbps / rate, 576, rate
}
