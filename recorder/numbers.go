package recorder

import (
	"bytes"
	"encoding/binary"
)

// fields are the numbers of a box, read one after the other. Where there are none left they are 0.
type fields []byte

// numbers are those of a full box (ISO/IEC 14496-12 section 4.2) from an offset on, which its version decides.
func numbers(box []byte, at, wideAt int) fields {
	if isWide(box) {
		at = wideAt
	}
	return fields(box[min(at, len(box)):])
}

// isWide reports whether a full box has its times in 64 bits.
func isWide(box []byte) bool { return len(box) > 0 && box[0] == 1 }

func (f *fields) u32() uint32 {
	if len(*f) < 4 {
		*f = nil
		return 0
	}
	n := binary.BigEndian.Uint32(*f)
	*f = (*f)[4:]
	return n
}

func (f *fields) u64() uint64 { return uint64(f.u32())<<32 | uint64(f.u32()) }

func (f *fields) word(wide bool) uint64 {
	if wide {
		return f.u64()
	}
	return uint64(f.u32())
}

func (f *fields) skip(n int) { *f = (*f)[min(n, len(*f)):] }

// children are the contents of the boxes of that type in another's.
func children(body []byte, typ string) (all [][]byte) {
	for b := range boxes(bytes.NewReader(body), 0, int64(len(body))) {
		if b.typ == typ && !b.torn {
			all = append(all, body[b.content:b.end])
		}
	}
	return all
}

// child is the content of the first box at the end of a path; nil if there is none.
func child(body []byte, path ...string) []byte {
	for _, typ := range path {
		b, found := findBox(bytes.NewReader(body), 0, int64(len(body)), typ)
		if !found {
			return nil
		}
		body = body[b.content:b.end:b.end]
	}
	return body
}
