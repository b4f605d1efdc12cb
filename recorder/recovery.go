package recorder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// Recovery makes ordinary files of what a relay left that is gone: in its own folder of recordings, or in a copy of it,
// of any shape. It touches nothing but files whose names a relay gives, and follows no symbolic link.
type Recovery struct {
	// Run and Read are a Finisher's.
	Run  func(context.Context, ffmpeg.Job) error
	Read func(context.Context, ffmpeg.Job, func(io.Reader) error) error
	// Found is told of each file, once it is clear what becomes of it.
	Found func(Leftover)
}

// Leftover is one file that was found, and what became of it.
type Leftover struct {
	File string
	What string // it is, for people
	Made string // the file that holds it now; empty where it stays as it is, or was of no use
	Lost int64  // bytes of it that nothing can be made of
	Err  error  // why it could not be repaired
}

// Serve looks through a folder and all below it, and returns when that is done or ctx is cancelled.
func (r Recovery) Serve(ctx context.Context, dir string) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("look for recordings: %w", err)
		case ctx.Err() != nil:
			return ctx.Err()
		case !d.IsDir():
			return nil
		}
		return r.folder(ctx, name)
	})
}

func (r Recovery) folder(ctx context.Context, name string) error {
	takes, leftovers, err := takesIn(name)
	if err != nil {
		return fmt.Errorf("look for recordings: %w", err)
	}
	for _, file := range leftovers {
		r.Found(Leftover{File: file, What: "a copy that was not done, removed", Err: os.Remove(file)})
	}
	for _, t := range inRow(takes) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.take(ctx, t)
	}
	return ctx.Err()
}

// take finishes one take, and tells of each of its files.
func (r Recovery) take(ctx context.Context, t *take) {
	if busy := t.written(); busy != "" {
		r.Found(Leftover{File: busy, What: "a recording", Err: errors.New("a program is writing to it: stop that first")})
		return
	}
	files := map[int]*Leftover{}
	finisher := Finisher{
		Dir: filepath.Dir(filepath.Dir(t.base)), Run: r.Run, Read: r.Read,
		Report: func(string, time.Duration, error) {},
		made: func(w work, file string, err error) {
			for _, p := range w.parts {
				files[p.number].Made, files[p.number].Err = file, err
			}
		},
	}
	for _, t := range r.settle(&finisher, t) {
		for _, number := range t.parts {
			files[number] = leftover(partName(t.base, number))
		}
		finisher.work(ctx, t)
		for _, number := range t.parts {
			r.Found(*files[number])
		}
	}
}

// settle tells of the joined files whose parts a finisher that was killed had not all replaced. It returns what there is
// of the take then: nothing where all of it was joined, or cannot be told from what was.
func (r Recovery) settle(f *Finisher, t *take) []*take {
	for _, j := range t.begun {
		p := f.placing(t.base, j, time.Now())
		l := Leftover{File: p.joined(), What: fmt.Sprintf("a whole copy of parts %d to %d", j.first, j.last)}
		if l.Err = inOrder(p.replace()); l.Err == nil {
			l.Made = p.at.path()
		}
		r.Found(l)
		if l.Err != nil {
			return nil
		}
	}
	takes, _, _ := takesIn(filepath.Dir(t.base)) // it could be listed a moment ago
	if now := takes[t.base]; now != nil {
		return []*take{now}
	}
	return nil
}

// leftover tells what a part is.
func leftover(file string) *Leftover {
	l := &Leftover{File: file}
	x, err := readIndex(file)
	lasts := spell(x.duration())
	switch {
	case err != nil:
		l.What, l.Err = "a recording", err
	case x.size == 0:
		l.What = "empty: nothing was recorded"
	case x.packets() == 0:
		l.What, l.Lost, l.Err = "damaged", x.size, errors.New("nothing in it can be played: it stays as it is")
	case !x.fragmented && x.media() > x.size:
		l.What, l.Lost, l.Err = "an ordinary file of "+lasts+", cut off", x.media()-x.size, errors.New("the rest of it is missing: copy it again")
	case !x.fragmented:
		l.What = "an ordinary file of " + lasts
	case x.used < x.size:
		l.What, l.Lost = "a recording of "+lasts+", torn", x.size-x.used
	default:
		l.What = "a recording of " + lasts
	}
	return l
}

// written returns a part that a program has open to write to it, if there is one and the kernel tells.
func (t *take) written() string {
	for _, number := range t.parts {
		if isWritten(partName(t.base, number)) {
			return partName(t.base, number)
		}
	}
	return ""
}

// isWritten asks for a lease, which the kernel refuses as long as somebody has the file open to write to it. It gives
// none of other people's files, nor on some file systems: then the answer is no.
func isWritten(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // only read
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	if err == nil {
		_, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	}
	return errors.Is(err, unix.EAGAIN)
}
