package recorder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// chunk is how much of an excerpt is copied at once, in bytes.
const chunk = 8 << 20

// fragment is a whole moof box and its media.
type fragment struct {
	at, end  int64   // in the file
	keyframe bool    // what comes first can be decoded
	from, to float64 // of the video, or of the sound where there is none: seconds on the part's own clock
}

// fragments are those of a part that are whole, and where they begin: its headers come before. A part that is an ordinary
// file has none.
func fragments(f io.ReaderAt, size int64) (all []fragment, begin int64, err error) {
	moov, found := findBox(f, 0, size, "moov")
	if !found {
		return nil, 0, nil
	}
	body, err := readContent(f, moov, maxIndex)
	if err != nil {
		return nil, 0, err
	}
	x := index{size: size}
	if x.movie(body); !x.fragmented || len(x.tracks) == 0 {
		return nil, 0, nil
	}
	lead := x.lead(body)
	err = x.whole(f, moov.end, func(moof []byte, begin, end int64) {
		if one, found := lead.fragment(moof); found {
			one.at, one.end, one.to = begin, end, float64(lead.next)/lead.scale
			all = append(all, one)
		}
	})
	return all, moov.end, err
}

// leader is the track by which a part is cut.
type leader struct {
	*track
	video bool
	flags uint32 // of a packet that has none of its own
}

func (x *index) lead(moov []byte) leader {
	l := leader{track: x.tracks[0]}
	for _, t := range x.tracks {
		if t.isVideo() {
			l = leader{track: t, video: true}
			break
		}
	}
	for _, trex := range children(child(moov, "mvex"), "trex") {
		f := numbers(trex, 4, 4)
		if f.u32() == l.id {
			f.skip(12)
			l.flags = f.u32()
		}
	}
	return l
}

// isNotSync is the flag of a packet that cannot be decoded without others (ISO/IEC 14496-12 section 8.8.3.1).
const isNotSync = 1 << 16

// fragment tells when the track begins in a moof box, and whether with a keyframe.
func (l leader) fragment(moof []byte) (one fragment, found bool) {
	for _, traf := range children(moof, "traf") {
		f := numbers(child(traf, "tfhd"), 0, 0)
		flags := f.u32()
		if f.u32() != l.id {
			continue
		}
		first := l.flags
		for _, field := range []struct {
			flag uint32
			size int
		}{{hasBase, 8}, {hasDescription, 4}, {hasTicks, 4}, {hasBytes, 4}} {
			if flags&field.flag != 0 {
				f.skip(field.size)
			}
		}
		if flags&hasFlags != 0 {
			first = f.u32()
		}
		tfdt := child(traf, "tfdt")
		at := numbers(tfdt, 4, 4)
		one.from = float64(at.word(isWide(tfdt))) / l.scale
		one.keyframe = !l.video || firstFlags(child(traf, "trun"), first)&isNotSync == 0
		return one, true
	}
	return one, false
}

// hasFlags is a tfhd box's: packets have flags in common.
const hasFlags = 0x20

// firstFlags are those of the first packet in a trun box.
func firstFlags(trun []byte, common uint32) uint32 {
	f := fields(trun)
	flags, _ := f.u32(), f.u32()
	if flags&hasOffset != 0 {
		f.skip(4)
	}
	if flags&hasFirstFlags != 0 {
		return f.u32()
	}
	if flags&eachHasFlags == 0 {
		return common
	}
	for _, before := range []uint32{eachHasTicks, eachHasBytes} {
		if flags&before != 0 {
			f.skip(4)
		}
	}
	return f.u32()
}

// excerpt is the end of a part.
type excerpt struct {
	name     string
	headers  int64 // the file's first bytes, which every excerpt has
	from, to int64 // of the file
	lasts    time.Duration
}

func (e excerpt) bytes() int64 { return e.headers + e.to - e.from }

// excerptOf is the shortest end of a part that begins with a keyframe and lasts long enough, or else all of it.
func excerptOf(name string, length time.Duration) (e excerpt, err error) {
	f, err := os.Open(name)
	if err != nil {
		return e, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return e, err
	}
	all, begin, err := fragments(f, info.Size())
	if err != nil || len(all) == 0 {
		return e, err
	}
	end := all[len(all)-1].to
	first := slices.IndexFunc(all, func(f fragment) bool { return f.keyframe })
	if first < 0 {
		return e, nil
	}
	for i, f := range all {
		if f.keyframe && end-f.from >= length.Seconds() {
			first = i
		}
	}
	return excerpt{
		name: name, headers: begin, from: all[first].at, to: all[len(all)-1].end,
		lasts: time.Duration((end - all[first].from) * float64(time.Second)),
	}, nil
}

// copyTo writes the excerpt: a part like the one it is of.
func (e excerpt) copyTo(ctx context.Context, name string) error {
	from, err := os.Open(e.name)
	if err != nil {
		return fmt.Errorf("copy excerpt: %w", err)
	}
	defer from.Close() //nolint:errcheck // only read
	to, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("copy excerpt: %w", err)
	}
	err = errors.Join(copyRange(ctx, to, from, 0, e.headers), copyRange(ctx, to, from, e.from, e.to), to.Close())
	if err != nil {
		return fmt.Errorf("copy excerpt: %w", err)
	}
	return nil
}

// copyRange has the kernel copy, piece by piece, so that a clip that nobody waits for any more ends.
func copyRange(ctx context.Context, to, from *os.File, at, end int64) error {
	if _, err := from.Seek(at, io.SeekStart); err != nil {
		return err
	}
	for at < end {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.CopyN(to, from, min(chunk, end-at))
		if err != nil {
			return err
		}
		at += n
	}
	return nil
}
