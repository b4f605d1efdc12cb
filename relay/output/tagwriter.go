package output

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

// maxVectors is the most pieces one writev takes on Linux (IOV_MAX).
const maxVectors = 1024

// tagWriter frames packets as FLV for one child without copying a body: only the 15 bytes around it, which carry the
// child's own timestamps, are made here. A batch is one system call.
type tagWriter struct {
	frames  []byte   // file header, tag headers and trailers of the batch
	vectors [][]byte // the batch: pieces of frames and bodies in turn
	mark    int      // frames[mark:] is not in vectors yet
}

// reset begins a new FLV stream.
func (w *tagWriter) reset(audio, video bool) {
	w.clear()
	w.frames = flv.AppendHeader(w.frames, audio, video)
}

// add appends a packet with the child's timestamp in milliseconds.
func (w *tagWriter) add(p *relay.Packet, ms int64) {
	w.frames = flv.AppendTagHeader(w.frames, p.Kind, len(p.Body), ms)
	w.cut()
	w.vectors = append(w.vectors, p.Body)
	w.frames = flv.AppendTrailer(w.frames, len(p.Body))
}

// cut makes a vector of the framing since the last one. Its memory stays valid when frames grows: append copies, and
// the old array lives as long as the vector.
func (w *tagWriter) cut() {
	w.vectors = append(w.vectors, w.frames[w.mark:len(w.frames):len(w.frames)])
	w.mark = len(w.frames)
}

func (w *tagWriter) clear() {
	clear(w.vectors)
	w.frames, w.vectors, w.mark = w.frames[:0], w.vectors[:0], 0
}

// flush writes the batch and returns how many bytes went.
func (w *tagWriter) flush(f *os.File) (int64, error) {
	if w.mark < len(w.frames) {
		w.cut()
	}
	defer w.clear()
	conn, err := f.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("feed child: %w", err)
	}
	var total int64
	rest := w.vectors
	for len(rest) > 0 {
		var n int
		var werr error
		err := conn.Write(func(fd uintptr) bool {
			n, werr = unix.Writev(int(fd), rest[:min(len(rest), maxVectors)])
			return !errors.Is(werr, unix.EAGAIN)
		})
		if err = errors.Join(err, werr); err != nil && !errors.Is(err, unix.EINTR) {
			return total, fmt.Errorf("feed child: %w", err)
		}
		total += int64(max(n, 0))
		rest = advance(rest, max(n, 0))
	}
	return total, nil
}

// advance drops the first n bytes.
func advance(v [][]byte, n int) [][]byte {
	for len(v) > 0 && n >= len(v[0]) {
		n -= len(v[0])
		v = v[1:]
	}
	if len(v) > 0 {
		v[0] = v[0][n:]
	}
	return v
}
