package flv

import "github.com/restreamd/restreamd/relay"

// Legacy tag headers of picked audio. The other bits of the first byte (44 kHz, 16 bits, stereo) are what the
// specification wants for AAC whatever it really is, and decoders read the truth from MP3's own frames.
const (
	pickedAAC = legacyAAC<<4 | 15
	pickedMP3 = 2<<4 | 15
	rawAAC    = 1 // AACPacketType
)

// Pick returns what a listener to one audio track shall have of p, as if the publisher had sent no other: an ordinary
// tag, which is all that ffmpeg 5.1 reads. Track 0 is the one that OBS sends in ordinary tags, others come in
// Enhanced RTMP v2 multitrack tags. Packets of other kinds and ordinary tags of the track are p itself; a track that
// had to be unwrapped is a new packet. It reports false for other tracks, for a malformed tag, and for what an ordinary
// tag cannot say (the end of an AAC sequence).
func Pick(p *relay.Packet, track uint8) (picked *relay.Packet, ok bool) {
	if p.Kind != relay.Audio {
		return p, true
	}
	var h exHeader // of an ordinary tag: track 0
	_, err := Seal(p.Kind, 0, p.Body)
	if err == nil && p.Body[0]>>4 == exAudio {
		h, err = parseEx(p.Kind, p.Body)
	}
	for err == nil && h.track != track {
		h, err = h.next()
	}
	switch {
	case err != nil || h.track != track:
		return nil, false
	case !h.multitrack:
		return p, true
	}
	return h.unwrap(p)
}

// unwrap makes an ordinary tag of the track. Sealing it gives it the slot of an only track.
func (h exHeader) unwrap(p *relay.Packet) (*relay.Packet, bool) {
	body := h.ordinary()
	if body == nil {
		return nil, false
	}
	picked, err := Seal(relay.Audio, 0, body)
	if err != nil {
		return nil, false
	}
	picked.DTS, picked.Arrived, picked.Keyframe = p.DTS, p.Arrived, p.Keyframe
	return &picked, true
}

// ordinary returns the body of a tag that says the same of the track without multitrack, nil where there is none.
func (h exHeader) ordinary() []byte {
	start := h.typ == exSequenceStart && len(h.payload) > 0
	frames := h.typ == exCodedFrames && len(h.payload) > 0
	switch fourCC := string(h.fourCC); {
	case fourCC == "mp4a" && start:
		return h.with(pickedAAC, sequenceHeader)
	case fourCC == "mp4a" && frames:
		return h.with(pickedAAC, rawAAC)
	case fourCC == ".mp3" && frames:
		return h.with(pickedMP3)
	case fourCC == "mp4a", fourCC == ".mp3":
		return nil
	}
	switch h.typ {
	case exSequenceStart, exCodedFrames, exSequenceEnd, exAudioChannels:
		return h.with(exAudio<<4|h.typ, h.fourCC...)
	}
	return nil
}

// with returns the payload behind another header.
func (h exHeader) with(first byte, more ...byte) []byte {
	body := make([]byte, 0, 1+len(more)+len(h.payload))
	body = append(body, first)
	body = append(body, more...)
	return append(body, h.payload...)
}
