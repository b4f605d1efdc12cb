package recorder

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// slack is how much longer or shorter a finished file may be than its parts: clocks of tracks and files are rounded.
const slack = 100 * time.Millisecond

// work is an ordinary file in the making, beside the parts it is made of.
type work struct {
	base  string // of the take
	parts []*part
}

func (w work) first() int { return w.parts[0].number }

func (w work) last() int { return w.parts[len(w.parts)-1].number }

// to is the file's name until it is whole.
func (w work) to() string { return partName(w.base, w.first()) + temporary }

func (w work) String() string {
	name := filepath.Base(partName(w.base, w.first()))
	if len(w.parts) == 1 {
		return "finish " + name
	}
	return fmt.Sprintf("join %s with what follows up to part %d", name, w.last())
}

func (w work) indexes() (all []*index) {
	for _, p := range w.parts {
		all = append(all, &p.index)
	}
	return all
}

// bytes is about what the file will have.
func (w work) bytes() (n int64) {
	for _, p := range w.parts {
		n += p.size
	}
	return n
}

// do makes the file and sees that it is whole.
func (w work) do(ctx context.Context, run func(context.Context, ffmpeg.Job) error, session []stretch) error {
	job, err := w.job(session)
	if err != nil {
		return err
	}
	if err := run(ctx, job); err != nil {
		return err
	}
	return w.check()
}

// job is what ffmpeg has to do. It writes the files that ffmpeg needs for that.
func (w work) job(session []stretch) (ffmpeg.Job, error) {
	told := ""
	if all := chapters(w.indexes(), session); len(all) > 0 {
		told = w.beside(chaptersMark)
		if err := os.WriteFile(told, []byte(metadata(all)), 0o644); err != nil {
			return ffmpeg.Job{}, err
		}
	}
	if len(w.parts) == 1 {
		return finish(partName(w.base, w.first()), w.to(), told), nil
	}
	list := w.beside(listMark)
	if err := os.WriteFile(list, []byte(partList(w.base, w.parts)), 0o644); err != nil {
		return ffmpeg.Job{}, err
	}
	return join(list, w.to(), told), nil
}

func (w work) beside(mark string) string {
	return partName(w.base, w.first()) + mark + temporary
}

// clean removes what is left of the work: nothing but what ffmpeg needed, when all went well.
func (w work) clean() {
	for _, name := range []string{w.to(), w.beside(listMark), w.beside(chaptersMark)} {
		_ = os.Remove(name) // what cannot be removed is at the next start
	}
}

// check reports whether the file holds what the parts do. ffmpeg's word is not enough: it ends with 0 on some disks
// that are full. A file that is whole gets the age of its newest packet.
func (w work) check() error {
	made, err := readIndex(w.to())
	if err != nil {
		return err
	}
	all := w.indexes()
	if err := made.holds(all); err != nil {
		return err
	}
	var longest, shortest time.Duration
	for _, p := range all {
		longest += p.duration()
	}
	newest := all[len(all)-1]
	shortest = longest - newest.duration() + newest.certain()
	if got := made.duration(); got < shortest-slack || got > longest+slack {
		return fmt.Errorf("the finished file lasts %v where the recording lasts %v", got, longest)
	}
	return os.Chtimes(w.to(), newest.end, newest.end)
}
