package recorder

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// Bounds of what is read into memory at once. An index of a day has some 100 MB.
const (
	maxIndex    = 1 << 30
	maxFragment = 64 << 20
)

// zeros is the type of the box that begins where a power cut left a file longer than what was written to it.
const zeros = "\x00\x00\x00\x00"

// index is what an MP4 file holds, as far as it tells without its media being read.
type index struct {
	size       int64
	end        time.Time // when it was last written: its last packet is as old
	fragmented bool
	used       int64    // where what is understood of it ends
	tracks     []*track // video and audio, in the file's order
	chapters   []chapter
	comment    string
	lasts      time.Duration // until the next part of its take: see seat
	follows    time.Time     // when it begins, where it goes on at once with the part before; else zero
}

// readIndex reads a file's index. A file that ends before it, or has no index, has no tracks.
func readIndex(name string) (index, error) {
	f, err := os.Open(name)
	if err != nil {
		return index{}, fmt.Errorf("look into recording: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return index{}, fmt.Errorf("look into recording: %w", err)
	}
	x := index{size: info.Size(), end: info.ModTime()}
	if err := x.read(f); err != nil {
		return x, fmt.Errorf("look into %s: %w", info.Name(), err)
	}
	return x, nil
}

func (x *index) read(f io.ReaderAt) error {
	moov, found := findBox(f, 0, x.size, "moov")
	if !found {
		return nil
	}
	body, err := readContent(f, moov, maxIndex)
	if err != nil {
		return err
	}
	x.movie(body)
	if !x.fragmented {
		return nil
	}
	x.used = moov.end
	for b := range boxes(f, moov.end, x.size) {
		if !b.torn && b.typ != zeros {
			x.used = b.end
		}
		if b.typ != "moof" || b.torn {
			continue
		}
		body, err := readContent(f, b, maxFragment)
		if err != nil {
			return err
		}
		next, ok := readBox(f, b.end, x.size)
		x.fragment(body, b.at, !ok || next.torn || next.typ != "mdat")
	}
	return nil
}

func readContent(f io.ReaderAt, b box, most int64) ([]byte, error) {
	n := b.end - b.content
	if n > most {
		return nil, fmt.Errorf("its %s box has %d bytes", b.typ, n)
	}
	body := make([]byte, n)
	if _, err := f.ReadAt(body, b.content); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return body, nil
}

// movie reads a moov box (ISO/IEC 14496-12 section 8.2).
func (x *index) movie(body []byte) {
	x.fragmented = child(body, "mvex") != nil
	mvhd := numbers(child(body, "mvhd"), 12, 20)
	unit := 1 / float64(max(mvhd.u32(), 1))
	for _, trak := range children(body, "trak") {
		if t := readTrack(trak, unit, x.size); t != nil {
			x.tracks = append(x.tracks, t)
		}
	}
	for _, trex := range children(child(body, "mvex"), "trex") {
		f := numbers(trex, 4, 4)
		id, _ := f.u32(), f.u32()
		if t := x.track(id); t != nil {
			t.ticks, t.bytes = f.u32(), f.u32()
		}
	}
	if meta := child(body, "udta", "meta"); len(meta) > 4 { // a full box
		if data := child(meta[4:], "ilst", "\xa9cmt", "data"); len(data) > 8 { // after its type and language
			x.comment = string(data[8:])
		}
	}
	x.chapters = readChapters(child(body, "udta", "chpl"), x.duration())
}

func (x *index) track(id uint32) *track {
	i := slices.IndexFunc(x.tracks, func(t *track) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	return x.tracks[i]
}

// fragment reads a moof box (ISO/IEC 14496-12 section 8.8.4) that stands at an offset. Of one whose media is torn off it
// is not certain how many packets ffmpeg hands out.
func (x *index) fragment(body []byte, at int64, torn bool) {
	for _, traf := range children(body, "traf") {
		f := numbers(child(traf, "tfhd"), 0, 0)
		flags := f.u32()
		t := x.track(f.u32())
		if t == nil {
			continue
		}
		r := trackRun{base: at, common: packet{ticks: t.ticks, bytes: t.bytes}}
		r.header(f, flags)
		if tfdt := child(traf, "tfdt"); tfdt != nil {
			f := numbers(tfdt, 4, 4)
			t.seek(f.word(isWide(tfdt)))
		}
		for _, trun := range children(traf, "trun") {
			r.read(trun, func(p packet, end int64) bool {
				if end > x.size {
					return false
				}
				t.add(p, !torn)
				x.used = max(x.used, end)
				return true
			})
		}
	}
}

// span is from the file's first presentation to its last, in seconds of its own clock.
func (x *index) span() (from, to float64) {
	for i, t := range x.tracks {
		begin, end := t.span()
		if i == 0 {
			from, to = begin, end
		}
		from, to = min(from, begin), max(to, end)
	}
	return from, to
}

func (x *index) duration() time.Duration {
	from, to := x.span()
	return length(to - from)
}

// certain is how long it is without what may be torn.
func (x *index) certain() time.Duration {
	y := *x
	y.tracks = nil
	for _, t := range x.tracks {
		sure := *t
		sure.end = t.sureEnd
		y.tracks = append(y.tracks, &sure)
	}
	return y.duration()
}

// begin is when its first packet came.
func (x *index) begin() time.Time {
	if !x.follows.IsZero() {
		return x.follows
	}
	return x.end.Add(-x.duration())
}

// until is when its last packet came. A child that was started late may have written it later.
func (x *index) until() time.Time { return x.begin().Add(x.duration()) }

func (x *index) packets() (n int) {
	for _, t := range x.tracks {
		n += len(t.sizes)
	}
	return n
}

// alike reports whether one file's packets can be decoded with the other's headers.
func (x *index) alike(y *index) bool {
	return slices.EqualFunc(x.tracks, y.tracks, func(a, b *track) bool { return string(a.header) == string(b.header) })
}

// holds says what a file lacks of the packets that some parts hold, one part after the other.
func (x *index) holds(parts []*index) error {
	for i, t := range x.tracks {
		var all []*track
		for _, p := range parts {
			if len(p.tracks) != len(x.tracks) {
				return fmt.Errorf("the finished file has %d tracks where the recording has %d", len(x.tracks), len(p.tracks))
			}
			all = append(all, p.tracks[i])
		}
		if !t.follows(all) {
			return fmt.Errorf("the finished file lacks packets of the recording, or has others: %d in track %d", len(t.sizes), i+1)
		}
	}
	switch media := x.media(); {
	case len(x.tracks) == 0 || x.fragmented:
		return errors.New("the finished file has no index")
	case media > x.size:
		return fmt.Errorf("the finished file has %d bytes where its packets have %d", x.size, media)
	}
	return nil
}

// media is how many bytes its packets have.
func (x *index) media() (n int64) {
	for _, t := range x.tracks {
		for _, size := range t.sizes {
			n += int64(size)
		}
	}
	return n
}

// follows reports whether a track's packets are those of the parts, as far as its container lets that be told.
func (t *track) follows(parts []*track) bool {
	if !t.resized {
		return follow(t.sizes, parts)
	}
	least, most := 0, 0
	for _, p := range parts {
		least, most = least+p.sure, most+len(p.sizes)
	}
	return least <= len(t.sizes) && len(t.sizes) <= most
}

// follow reports whether packets are those of the parts, one after the other, by their sizes. Those at a torn end may
// be missing.
func follow(sizes []uint32, parts []*track) bool {
	if len(parts) == 0 {
		return len(sizes) == 0
	}
	p := parts[0]
	for n := min(len(p.sizes), len(sizes)); n >= p.sure; n-- {
		if slices.Equal(sizes[:n], p.sizes[:n]) && follow(sizes[n:], parts[1:]) {
			return true
		}
	}
	return false
}
