package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// Finisher makes ordinary files of the fragmented ones of sessions that are over, one take at a time, and one file of
// the parts of a take that follow each other with the same codec headers.
type Finisher struct {
	Dir string // of all recordings
	// Run runs a job to its end. Cancelling its context must end it.
	Run func(context.Context, ffmpeg.Job) error
	// Report is told of each file that was finished, or why it was not. What was recorded is still there then.
	Report func(file string, took time.Duration, err error)
	// Room says why so many bytes must not be written now. Such a take waits for Again. Default: there always is room.
	Room func(bytes int64) error

	once   sync.Once
	wake   chan struct{}
	mu     sync.Mutex
	queue  []*take
	busy   bool
	now    *take    // the one that is worked on
	parked []parked // those that there was no room for
}

func (f *Finisher) ready() { f.once.Do(func() { f.wake = make(chan struct{}, 1) }) }

// All asks for every take found, and removes what a finisher which was killed left half made. Call it before recording
// begins: it must not meet a take that is being written.
func (f *Finisher) All() error {
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
		var all []*take
		for _, t := range takes {
			all = append(all, t)
		}
		slices.SortFunc(all, func(a, b *take) int { return cmp.Compare(a.base, b.base) })
		f.add(all...)
	}
	return nil
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
	if err := t.settle(); err != nil {
		f.report(ctx, partName(t.base, 1), begun, err)
		return
	}
	parts, err := t.read()
	if err != nil {
		f.report(ctx, partName(t.base, 1), begun, err)
	}
	session := t.session()
	for _, run := range runs(parts) {
		if slices.ContainsFunc(run, func(p *part) bool { return p.fragmented }) {
			f.make(ctx, t, run, session)
		}
	}
}

// make makes one file of parts that fit together. Where that fails each is finished by itself.
func (f *Finisher) make(ctx context.Context, t *take, run []*part, session []stretch) {
	begun := time.Now()
	w := work{base: t.base, parts: run}
	if err := f.roomFor(w.bytes()); err != nil {
		f.park(t, w.bytes())
		f.report(ctx, partName(t.base, w.first()), begun, fmt.Errorf("%s: %w", w, err))
		return
	}
	defer w.clean()
	err := w.do(ctx, f.Run, session)
	made := err == nil
	if made {
		err = t.put(w.to(), w.first(), w.last())
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", w, err)
	}
	f.report(ctx, partName(t.base, w.first()), begun, err)
	if made || len(run) == 1 {
		return
	}
	for _, p := range run {
		if p.fragmented && ctx.Err() == nil {
			f.make(ctx, t, []*part{p}, session)
		}
	}
}

func (f *Finisher) roomFor(bytes int64) error {
	if f.Room == nil {
		return nil
	}
	return f.Room(bytes)
}

// report tells what became of a file, unless the finisher was told to stop in the middle.
func (f *Finisher) report(ctx context.Context, file string, begun time.Time, err error) {
	if ctx.Err() == nil {
		f.Report(file, time.Since(begun), err)
	}
}
