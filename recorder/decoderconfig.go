package recorder

import (
	"bytes"
	"encoding/binary"
)

// What all pictures, and all sounds, have in front of their codec's boxes (ISO/IEC 14496-12 sections 12.1.3, 12.2.3).
const (
	pictureEntry = 78
	soundEntry   = 28
)

// decoderConfig is what of an stsd box decoding depends on: codec, form of picture or sound and the codec's own header.
// Bitrates are left out: encoders and muxers estimate them.
func decoderConfig(stsd []byte, picture bool) (config []byte) {
	fixed := soundEntry
	if picture {
		fixed = pictureEntry
	}
	descriptions := stsd[min(8, len(stsd)):]
	for b := range boxes(bytes.NewReader(descriptions), 0, int64(len(descriptions))) {
		entry := descriptions[b.content:b.end]
		own := entry[min(fixed, len(entry)):]
		config = append(config, b.typ...)
		config = append(config, entry[:len(entry)-len(own)]...)
		for c := range boxes(bytes.NewReader(own), 0, int64(len(own))) {
			content := own[c.content:c.end]
			switch c.typ {
			case "btrt":
				continue
			case "esds":
				content = withoutBitrates(content)
			}
			config = binary.BigEndian.AppendUint32(append(config, c.typ...), uint32(len(content)))
			config = append(config, content...)
		}
	}
	return config
}

// Tags of descriptors (ISO/IEC 14496-1 section 7.2.2.1).
const (
	streamDescriptor  = 3
	decoderDescriptor = 4
)

// withoutBitrates returns an esds box with the bitrates and the buffer's size 0 (ISO/IEC 14496-1 section 7.2.6.6).
func withoutBitrates(esds []byte) []byte {
	esds = bytes.Clone(esds)
	rest := esds[min(4, len(esds)):]
	if len(rest) == 0 || rest[0] != streamDescriptor {
		return esds
	}
	rest = intoDescriptor(rest)
	rest = rest[min(3, len(rest)):] // its number and flags; ffmpeg sets none that something follows for
	if len(rest) == 0 || rest[0] != decoderDescriptor {
		return esds
	}
	rest = intoDescriptor(rest)
	const sizes, config = 2, 13 // behind the codec and the kind of stream
	if len(rest) >= config {
		clear(rest[sizes:config])
	}
	return esds
}

// intoDescriptor passes a descriptor's tag and length, which has up to four bytes.
func intoDescriptor(d []byte) []byte {
	n := 1
	for n < len(d) && n < 4 && d[n]&0x80 != 0 {
		n++
	}
	return d[min(n+1, len(d)):]
}
