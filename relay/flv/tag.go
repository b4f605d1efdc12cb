package flv

import (
	"encoding/binary"

	"github.com/restreamd/restreamd/relay"
)

// Sizes of FLV's framing, in bytes.
const (
	HeaderSize    = 9 + TrailerSize // file header and PreviousTagSize0 (E.2)
	TagHeaderSize = 11              // (E.4.1)
	TrailerSize   = 4               // PreviousTagSize
)

// AppendHeader appends the file header and the first PreviousTagSize. ffmpeg waits for every track announced here, so
// the flags must be true.
func AppendHeader(b []byte, audio, video bool) []byte {
	var flags byte
	if audio {
		flags |= 4
	}
	if video {
		flags |= 1
	}
	return append(b, 'F', 'L', 'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0)
}

// AppendTagHeader appends the header of a tag of size bytes with a timestamp of ms milliseconds. FLV holds 32 bits of
// it and ffmpeg reads 31.
func AppendTagHeader(b []byte, kind relay.Kind, size int, ms int64) []byte {
	ts := uint32(ms)
	return append(b, byte(kind),
		byte(size>>16), byte(size>>8), byte(size),
		byte(ts>>16), byte(ts>>8), byte(ts), byte(ts>>24),
		0, 0, 0)
}

// AppendTrailer appends the PreviousTagSize that follows a tag whose body has size bytes.
func AppendTrailer(b []byte, size int) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(size+TagHeaderSize))
}
