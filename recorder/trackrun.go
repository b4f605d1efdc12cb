package recorder

import "math/bits"

// packet is one of a fragment's.
type packet struct {
	ticks, bytes uint32
	late         int32 // how many ticks after its place it is shown
}

// trackRun reads the packets of one track in one fragment.
type trackRun struct {
	base   int64  // what offsets are counted from
	at     int64  // of the next packet
	common packet // what is not told of each
}

// Flags of tfhd and trun boxes (ISO/IEC 14496-12 sections 8.8.7 and 8.8.8).
const (
	hasBase, hasDescription, hasTicks, hasBytes          = 0x1, 0x2, 0x8, 0x10
	hasOffset, hasFirstFlags                             = 0x1, 0x4
	eachHasTicks, eachHasBytes, eachHasFlags, eachHasCTS = 0x100, 0x200, 0x400, 0x800
	eachHas                                              = eachHasTicks | eachHasBytes | eachHasFlags | eachHasCTS
)

// header reads what follows the track's number in a tfhd box.
func (r *trackRun) header(f fields, flags uint32) {
	if flags&hasBase != 0 {
		r.base = int64(f.u64())
	}
	if flags&hasDescription != 0 {
		f.u32()
	}
	if flags&hasTicks != 0 {
		r.common.ticks = f.u32()
	}
	if flags&hasBytes != 0 {
		r.common.bytes = f.u32()
	}
	r.at = r.base
}

// read tells of each packet of a trun box, until told to stop.
func (r *trackRun) read(trun []byte, see func(p packet, end int64) bool) {
	f := fields(trun)
	flags, n := f.u32(), int(f.u32())
	if flags&hasOffset != 0 {
		r.at = r.base + int64(int32(f.u32()))
	}
	if flags&hasFirstFlags != 0 {
		f.u32()
	}
	switch width := 4 * bits.OnesCount32(flags&eachHas); {
	case width > 0:
		n = min(n, len(f)/width)
	case r.common.bytes == 0:
		return // packets without bytes could be any number
	}
	for range n {
		p := r.common
		if flags&eachHasTicks != 0 {
			p.ticks = f.u32()
		}
		if flags&eachHasBytes != 0 {
			p.bytes = f.u32()
		}
		if flags&eachHasFlags != 0 {
			f.u32()
		}
		if flags&eachHasCTS != 0 {
			p.late = int32(f.u32())
		}
		r.at += int64(p.bytes)
		if !see(p, r.at) {
			return
		}
	}
}
