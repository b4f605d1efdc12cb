package recorder

import (
	"encoding/binary"
	"io"
	"iter"
)

// A box header's size and the large form's (ISO/IEC 14496-12 section 4.2).
const (
	boxHeader      = 8
	largeBoxHeader = 16
)

// box is one box of an MP4 file.
type box struct {
	typ     string
	at      int64 // of its header
	content int64 // where that begins
	end     int64
	torn    bool // the file ends before it does; end is where
}

// boxes are those that follow each other between two offsets. What makes no sense ends them.
func boxes(r io.ReaderAt, at, end int64) iter.Seq[box] {
	return func(yield func(box) bool) {
		for end-at >= boxHeader {
			b, ok := readBox(r, at, end)
			if !ok || !yield(b) || b.torn {
				return
			}
			at = b.end
		}
	}
}

func readBox(r io.ReaderAt, at, end int64) (b box, ok bool) {
	var h [largeBoxHeader]byte
	if _, err := r.ReadAt(h[:boxHeader], at); err != nil {
		return b, false
	}
	header, size := int64(boxHeader), int64(binary.BigEndian.Uint32(h[:]))
	switch size {
	case 0: // to the end of the file
		size = end - at
	case 1:
		if _, err := r.ReadAt(h[:], at); err != nil || end-at < largeBoxHeader {
			return b, false
		}
		header, size = largeBoxHeader, int64(binary.BigEndian.Uint64(h[boxHeader:]))
	}
	if size < header {
		return b, false
	}
	b = box{typ: string(h[4:8]), at: at, content: at + header, end: end, torn: size > end-at}
	if !b.torn {
		b.end = at + size
	}
	return b, true
}

// findBox returns the first whole box of that type between two offsets.
func findBox(r io.ReaderAt, at, end int64, typ string) (b box, found bool) {
	for b := range boxes(r, at, end) {
		if b.typ == typ && !b.torn {
			return b, true
		}
	}
	return box{}, false
}
