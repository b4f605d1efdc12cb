package flv

import "github.com/restreamd/restreamd/relay"

// Codec reads a codec header, a packet in a HeaderSlot: the codec's FourCC and its configuration record. Codecs older
// than Enhanced RTMP have the FourCC they were given there. It returns "" for every other packet.
func Codec(p relay.Packet) (fourCC string, config []byte) {
	b := p.Body
	if p.Slot != relay.HeaderSlot(p.Kind, uint8(p.Slot)) || len(b) == 0 {
		return "", nil
	}
	video := p.Kind == relay.Video
	switch {
	case video && b[0]&exVideo != 0, !video && b[0]>>4 == exAudio:
		h, err := parseEx(p.Kind, b)
		if err != nil {
			return "", nil
		}
		return string(h.fourCC), h.payload
	case video && b[0]&15 == legacyAVC && len(b) >= legacyVideoSize:
		return "avc1", b[legacyVideoSize:]
	case video && b[0]&15 == legacyHEVC && len(b) >= legacyVideoSize:
		return "hvc1", b[legacyVideoSize:]
	case !video && b[0]>>4 == legacyAAC && len(b) >= legacyAACSize:
		return "mp4a", b[legacyAACSize:]
	}
	return "", nil
}
