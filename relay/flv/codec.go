package flv

import "github.com/restreamd/restreamd/relay"

// Legacy names the codec of a media packet of FLV's own codecs that have no header (E.4.2.1, E.4.3.1) and that no other
// container than FLV carries today, "" for all others.
func Legacy(p relay.Packet) string {
	if p.Slot != 0 || len(p.Body) == 0 {
		return ""
	}
	video, audio := p.Body[0]&15, p.Body[0]>>4
	switch {
	case p.Kind == relay.Video && p.Body[0]&exVideo == 0:
		return map[byte]string{2: "Sorenson H.263", 3: "Screen video", 4: "VP6", 5: "VP6 with alpha", 6: "Screen video 2"}[video]
	case p.Kind == relay.Audio:
		return map[byte]string{1: "ADPCM", 4: "Nellymoser 16 kHz", 5: "Nellymoser 8 kHz", 6: "Nellymoser", 11: "Speex"}[audio]
	}
	return ""
}

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
