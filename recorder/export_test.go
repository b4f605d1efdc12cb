package recorder

import (
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// What the tests look at from outside.
var (
	FreeName = freeName
	IsTorn   = isTorn
)

func (c Container) FinishJob(from, to, told string) ffmpeg.Job { return c.finish(from, to, told) }
func (c Container) JoinJob(list, to, told string) ffmpeg.Job   { return c.join(list, to, told) }
func (c Container) ReadBackJob(file string) ffmpeg.Job         { return c.readBack(file) }

func FindBox(r io.ReaderAt, at, end int64, typ string) (content, size int64) {
	b, found := findBox(r, at, end, typ)
	if !found {
		return 0, 0
	}
	return b.content, b.end - b.content
}

func IsFragmented(name string) (bool, error) {
	x, err := readIndex(name)
	return x.fragmented, err
}

func IsTake(name string) bool {
	_, _, ok := parsePart(name)
	return ok
}

// Index is what a file's index tells: of each track how many packets there are and how many beyond doubt.
func Index(name string) (packets, sure []int, length time.Duration, err error) {
	x, err := readIndex(name)
	for _, t := range x.tracks {
		packets, sure = append(packets, len(t.sizes)), append(sure, t.sure)
	}
	return packets, sure, x.duration(), err
}

// Alike reports whether two files may be joined.
func Alike(a, b string) (bool, error) {
	x, err := readIndex(a)
	if err != nil {
		return false, err
	}
	y, err := readIndex(b)
	return x.alike(&y), err
}

// StopAfter does the first n steps of putting a joined file in place of a take's parts, and reports whether that was all.
func (f *Finisher) StopAfter(n int, base, tmp string, first, last int) (all bool, err error) {
	p := f.placing(base, joining{first, last, f.form(filepath.Base(filepath.Dir(base))).Container}, time.Now())
	p.sidecar = &Sidecar{Stream: "main"}
	for i, step := range p.commit(tmp) {
		if i == n {
			return false, nil
		}
		if err := step(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// ReadBack counts the packets in what ffmpeg tells of a file.
func ReadBack(r io.Reader) (packets int, err error) {
	x, err := readPackets(r, os.Args[0], true)
	return x.packets(), err
}

// Runs says how many parts each file is made of. Parts have lengths in tenths of a second; a negative one has other
// headers, and in one of 0 nothing plays.
func Runs(lengths []int, segment time.Duration) (parts []int) {
	var all []*part
	for i, n := range lengths {
		p := &part{i + 1, index{size: 1, fragmented: true}}
		if n != 0 {
			t := &track{sizes: []uint32{1}, sure: 1, scale: 10, end: uint64(max(n, -n)), header: []byte("one")}
			if n < 0 {
				t.header = []byte("other")
			}
			p.tracks = []*track{t}
		}
		all = append(all, p)
	}
	for _, run := range runs(all, segment) {
		parts = append(parts, len(run))
	}
	return parts
}
