package recorder

// track is a video or audio track of an MP4 file.
type track struct {
	id     uint32
	header []byte   // what its packets are decoded with
	sizes  []uint32 // of its packets, in bytes
	sure   int      // how many of them, from the first on, are there beyond doubt
	scale  float64  // ticks a second

	resized bool // its container changes how many bytes a packet has
	edits   edits

	// On its own clock: where it begins, where the next packet has its place, where its last picture ends, and where
	// that is beyond doubt.
	first, next, end, sureEnd uint64

	ticks, bytes uint32 // defaults of a packet in a fragment
}

// readTrack reads a trak box of a file with so many bytes; nil for one that is neither video nor audio. unit is a tick
// of the movie's clock, in seconds.
func readTrack(trak []byte, unit float64, size int64) *track {
	mdia := child(trak, "mdia")
	kind := numbers(child(mdia, "hdlr"), 8, 8)
	if len(kind) < 4 || string(kind[:4]) != "vide" && string(kind[:4]) != "soun" {
		return nil
	}
	tkhd := numbers(child(trak, "tkhd"), 12, 20)
	t := &track{id: tkhd.u32(), edits: readEdits(child(trak, "edts", "elst"), unit)}
	mdhd := child(mdia, "mdhd")
	f := numbers(mdhd, 12, 20)
	t.scale = float64(max(f.u32(), 1))
	t.end = f.word(isWide(mdhd))
	stbl := child(mdia, "minf", "stbl")
	t.header = append(kind[:4:4], decoderConfig(child(stbl, "stsd"), string(kind[:4]) == "vide")...)
	t.sizes = packetSizes(child(stbl, "stsz"), size)
	t.sure, t.sureEnd = len(t.sizes), t.end
	return t
}

func (t *track) isVideo() bool { return string(t.header[:4]) == "vide" }

// edits is what an edit list says: how long nothing is shown at first, where on the track's clock it begins then, and
// how long it lasts in all, in seconds.
type edits struct {
	delay, length float64
	start         uint64
}

// readEdits reads an elst box (ISO/IEC 14496-12 section 8.6.6).
func readEdits(elst []byte, unit float64) (e edits) {
	wide := isWide(elst)
	f := numbers(elst, 4, 4)
	shown := false
	for n := f.u32(); n > 0 && len(f) > 0; n-- {
		lasts, at := float64(f.word(wide))*unit, f.word(wide)
		f.skip(4)
		e.length += lasts
		nothing := at == 1<<64-1 || !wide && at == 1<<32-1
		switch {
		case shown:
		case nothing:
			e.delay += lasts
		default:
			shown, e.start = true, at
		}
	}
	return e
}

// packetSizes reads an stsz box of a file with so many bytes (ISO/IEC 14496-12 section 8.7.3.2).
func packetSizes(stsz []byte, size int64) (all []uint32) {
	f := numbers(stsz, 4, 4)
	same, n := f.u32(), int64(f.u32())
	if same > 0 {
		n = min(n, size/int64(same))
	} else {
		n = min(n, int64(len(f)/4))
	}
	for range n {
		if same == 0 {
			all = append(all, f.u32())
		} else {
			all = append(all, same)
		}
	}
	return all
}

// seek says where on the track's clock the next packet has its place.
func (t *track) seek(at uint64) {
	if len(t.sizes) == 0 {
		t.first, t.end, t.sureEnd = at, at, at
	}
	t.next = at
}

// add counts a packet of a fragment, which is shown so many ticks after its place.
func (t *track) add(p packet, sure bool) {
	t.sizes = append(t.sizes, p.bytes)
	t.next += uint64(p.ticks)
	t.end = max(t.end, t.next+uint64(max(p.late, 0)))
	if sure {
		t.sure, t.sureEnd = len(t.sizes), t.end
	}
}

// span is from the track's first presentation to its last, in seconds. A finished file's edit list tells it.
func (t *track) span() (from, to float64) {
	end := t.end - min(t.edits.start, t.end)
	from = t.edits.delay + float64(t.first)/t.scale
	return from, max(t.edits.delay+float64(end)/t.scale, t.edits.length, from)
}
