package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/naming"
)

// Finisher makes ordinary files of the fragmented ones of sessions that are over, one take at a time, and one file of
// the parts of a take that follow each other with the same codec headers.
type Finisher struct {
	Dir string // of all recordings
	// Form is what a stream's finished recordings are like. Default: one MP4 file a session, beside its parts.
	Form func(stream string) Form
	// Run runs a job to its end. Cancelling its context must end it.
	Run func(context.Context, ffmpeg.Job) error
	// Read is Run for a job whose stdout is read. It is needed for containers other than MP4.
	Read func(context.Context, ffmpeg.Job, func(io.Reader) error) error
	// Report is told of each file that was finished, by its last name and when it is there, or why a file was not
	// finished. What was recorded is still there then. A file may be told of twice, should the relay be killed just then.
	Report func(file string, took time.Duration, err error)
	// Room says why so many bytes must not be written now. Such a take waits for Again. Default: there always is room.
	Room func(bytes int64) error

	made func(w work, file string, err error) // is told of each try, and which parts it was of; may be nil

	once   sync.Once
	wake   chan struct{}
	mu     sync.Mutex
	queue  []*take
	busy   bool
	now    *take    // the one that is worked on
	parked []parked // those that there was no room for
}

func (f *Finisher) ready() { f.once.Do(func() { f.wake = make(chan struct{}, 1) }) }

// Form is what finished recordings are like.
type Form struct {
	Container Container       // default MP4
	Segment   time.Duration   // a file ends once it lasts that long; default 0: it does not
	Name      naming.Template // default naming.Default
}

// form is the Form of a stream.
func (f *Finisher) form(stream string) Form {
	var form Form
	if f.Form != nil {
		form = f.Form(stream)
	}
	form.Container = cmp.Or(form.Container, MP4)
	return form
}

// All asks for every take found, and removes what a finisher which was killed left half made. Call it before recording
// begins: it must not meet a take that is being written.
func (f *Finisher) All() error { return f.AllBut(nil) }

// AllBut is All without the takes of sessions that go on, by stream: what is recorded of them yet belongs to the same
// file. Ask for them with Session when they are over.
func (f *Finisher) AllBut(goOn map[string]time.Time) error {
	folders, err := os.ReadDir(f.Dir)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("find recordings: %w", err)
	}
	for _, folder := range folders {
		name := filepath.Join(f.Dir, folder.Name())
		if info, err := os.Stat(name); err != nil || !info.IsDir() {
			continue
		}
		takes, leftovers, err := takesIn(name)
		if err != nil {
			return fmt.Errorf("find recordings: %w", err)
		}
		for _, name := range leftovers {
			err = errors.Join(err, os.Remove(name))
		}
		if err != nil {
			return fmt.Errorf("remove unfinished copy: %w", err)
		}
		if start, goesOn := goOn[folder.Name()]; goesOn {
			delete(takes, filepath.Join(name, start.UTC().Format(stamp)))
		}
		f.add(inRow(takes)...)
	}
	return nil
}

// inRow are takes, the oldest first.
func inRow(takes map[string]*take) []*take {
	return slices.SortedFunc(maps.Values(takes), func(a, b *take) int { return cmp.Compare(a.base, b.base) })
}

// Session asks for the take of a session that is over: the files that are there now. What cannot be listed is found
// at the next start.
func (f *Finisher) Session(stream string, start time.Time) {
	base := filepath.Join(f.Dir, stream, start.UTC().Format(stamp))
	takes, _, _ := takesIn(filepath.Dir(base))
	if t := takes[base]; t != nil {
		f.add(t)
	}
}

func (f *Finisher) add(takes ...*take) {
	f.ready()
	f.mu.Lock()
	f.queue = append(f.queue, takes...)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Serve finishes takes until ctx is cancelled. One that is being worked on then is found again at the next start.
func (f *Finisher) Serve(ctx context.Context) error {
	f.ready()
	for {
		for t, ok := f.next(); ok; t, ok = f.next() {
			if ctx.Err() != nil {
				return nil
			}
			f.work(ctx, t)
		}
		select {
		case <-f.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// Idle reports whether there is nothing left to finish.
func (f *Finisher) Idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.queue) == 0 && !f.busy
}

func (f *Finisher) next() (t *take, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		f.busy, f.now = false, nil
		return nil, false
	}
	t, f.queue, f.busy = f.queue[0], f.queue[1:], true
	f.now = t
	return t, true
}

// work finishes one take.
func (f *Finisher) work(ctx context.Context, t *take) {
	begun := time.Now()
	if err := f.settle(t, begun); err != nil {
		f.report(ctx, partName(t.base, 1), begun, err)
		return
	}
	parts, err := t.read()
	if err != nil {
		f.report(ctx, partName(t.base, 1), begun, err)
	}
	session, form := t.session(), f.form(t.stream())
	for _, run := range runs(parts, form.Segment) {
		if slices.ContainsFunc(run, func(p *part) bool { return p.fragmented }) {
			f.make(ctx, t, work{t.base, run, form.Container}, session)
		}
	}
}

// settle brings to its end what a finisher that was killed had begun: joined files take the places of their parts.
func (f *Finisher) settle(t *take, begun time.Time) error {
	takes, _, err := takesIn(filepath.Dir(t.base))
	if err != nil {
		return err
	}
	now := takes[t.base]
	if now == nil {
		return nil // all of it was finished meanwhile, by another's asking
	}
	for _, j := range now.begun {
		if err := inOrder(f.placing(t.base, j, begun).replace()); err != nil {
			return err
		}
		// It may have the name of a part now, and what follows belongs to it.
		if !slices.Contains(t.parts, j.first) {
			t.parts = append(t.parts, j.first)
		}
	}
	slices.Sort(t.parts)
	return nil
}

// make makes one file of parts that fit together. What cannot be had in another container is MP4, and where the parts
// cannot be joined each is finished by itself.
func (f *Finisher) make(ctx context.Context, t *take, w work, session *story) {
	begun := time.Now()
	if err := f.roomFor(w.bytes()); err != nil {
		f.park(t, w.bytes())
		f.report(ctx, partName(t.base, w.first()), begun, fmt.Errorf("%s: %w", w, err))
		return
	}
	seat(w.parts)
	defer w.clean()
	file := ""
	told, err := w.do(ctx, f, session)
	if err == nil {
		p := f.placing(w.base, joining{w.first(), w.last(), w.container}, begun)
		p.sidecar = &told
		if err = inOrder(p.commit(w.to())); err == nil {
			file = p.at.path()
		}
	}
	if f.made != nil {
		f.made(w, file, err)
	}
	if err == nil {
		return
	}
	f.report(ctx, partName(w.base, w.first()), begun, fmt.Errorf("%s: %w", w, err))
	switch {
	case ctx.Err() != nil, exists(joinedName(w.base, w.first(), w.last(), w.container)): // the next start goes on
	case w.container != MP4:
		f.make(ctx, t, work{w.base, w.parts, MP4}, session)
	case len(w.parts) > 1:
		for _, p := range w.parts {
			if p.fragmented && ctx.Err() == nil {
				f.make(ctx, t, work{w.base, []*part{p}, MP4}, session)
			}
		}
	}
}

// placing is the way of a joined file to where it belongs.
func (f *Finisher) placing(base string, j joining, begun time.Time) *placing {
	t := take{base: base}
	return &placing{
		base: base, joining: j,
		home: home{
			dir: f.Dir, stream: t.stream(), session: startOf(base), number: j.first, ending: j.container.extension(),
			name: f.form(t.stream()).Name,
		},
		placed: func(at *place, err error) {
			if at.odd != nil {
				f.Report(at.path(), 0, fmt.Errorf("it has its usual name: %w", at.odd))
			}
			if err != nil {
				f.Report(at.path()+sidecarExtension, 0, err)
			}
			f.Report(at.path(), time.Since(begun), nil)
		},
	}
}

func (f *Finisher) roomFor(bytes int64) error {
	if f.Room == nil {
		return nil
	}
	return f.Room(bytes)
}

// report tells why a file was not finished, unless the finisher was told to stop in the middle.
func (f *Finisher) report(ctx context.Context, file string, begun time.Time, err error) {
	if ctx.Err() == nil {
		f.Report(file, time.Since(begun), err)
	}
}
