package recorder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// slack is how much longer or shorter a finished file may be than its parts: clocks of tracks and files are rounded.
const slack = 100 * time.Millisecond

// work is an ordinary file in the making, beside the parts it is made of.
type work struct {
	base      string // of the take
	parts     []*part
	container Container
}

func (w work) first() int { return w.parts[0].number }

func (w work) last() int { return w.parts[len(w.parts)-1].number }

func (w work) stream() string { return filepath.Base(filepath.Dir(w.base)) }

func (w work) start() time.Time { return startOf(w.base) }

// to is the file's name until it is whole.
func (w work) to() string { return partName(w.base, w.first()) + temporary }

func (w work) String() string {
	name := filepath.Base(partName(w.base, w.first()))
	how := ""
	if w.container != MP4 {
		how = " as " + string(w.container)
	}
	if len(w.parts) == 1 {
		return "finish " + name + how
	}
	return fmt.Sprintf("join %s with what follows up to part %d%s", name, w.last(), how)
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

// do makes the file, sees that it is whole and tells of it.
func (w work) do(ctx context.Context, f *Finisher, session *story) (Sidecar, error) {
	made, err := w.make(ctx, f.Run, f.Read, session)
	if err != nil {
		return Sidecar{}, err
	}
	told := w.sidecar(&made, session)
	told.SHA256, err = hashFile(ctx, w.to())
	return told, err
}

// make makes the file and sees that it is whole.
func (w work) make(ctx context.Context, run runJob, read readJob, session *story) (made index, err error) {
	job, err := w.job(session)
	if err != nil {
		return made, err
	}
	if err := run(ctx, job); err != nil {
		return made, err
	}
	if made, err = w.look(ctx, read); err != nil {
		return made, err
	}
	return made, w.check(&made)
}

// runJob runs a job to its end; readJob one whose stdout is read.
type (
	runJob  = func(context.Context, ffmpeg.Job) error
	readJob = func(context.Context, ffmpeg.Job, func(io.Reader) error) error
)

// job is what ffmpeg has to do. It writes the files that ffmpeg needs for that.
func (w work) job(session *story) (ffmpeg.Job, error) {
	told := w.beside(chaptersMark)
	text := metadata(w.start(), chapters(w.indexes(), session.stretch()))
	if err := os.WriteFile(told, []byte(text), 0o644); err != nil {
		return ffmpeg.Job{}, err
	}
	if len(w.parts) == 1 {
		return w.container.finish(partName(w.base, w.first()), w.to(), told), nil
	}
	list := w.beside(listMark)
	if err := os.WriteFile(list, []byte(partList(w.base, w.parts)), 0o644); err != nil {
		return ffmpeg.Job{}, err
	}
	return w.container.join(list, w.to(), told), nil
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

// look tells what the file holds: MP4 by its index, others by what ffmpeg reads back from all of it.
func (w work) look(ctx context.Context, read readJob) (made index, err error) {
	if w.container == MP4 {
		return readIndex(w.to())
	}
	if read == nil {
		return made, errors.New("there is no way to read it back")
	}
	err = read(ctx, w.container.readBack(w.to()), func(r io.Reader) (err error) {
		made, err = readPackets(r, w.to(), w.container == MKV)
		return err
	})
	return made, err
}

// check reports whether the file holds what the parts do. ffmpeg's word is not enough: it ends with 0 on some disks
// that are full. A file that is whole gets the age of its newest packet.
func (w work) check(made *index) error {
	all := w.indexes()
	if err := made.holds(all); err != nil {
		return err
	}
	var longest, shortest time.Duration
	for _, p := range all {
		longest += p.lasts
	}
	newest := all[len(all)-1]
	shortest = longest - newest.lasts + newest.certain()
	if got := made.duration(); got < shortest-slack || got > longest+slack {
		return fmt.Errorf("the finished file lasts %v where the recording lasts %v", got, longest)
	}
	return os.Chtimes(w.to(), newest.end, newest.end)
}
