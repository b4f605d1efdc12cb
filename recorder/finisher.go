package recorder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// Finisher turns the fragmented files of sessions that are over into ordinary ones, one at a time.
type Finisher struct {
	Dir string // of all recordings
	// Run runs a job to its end. Cancelling its context must end it.
	Run func(context.Context, ffmpeg.Job) error
	// Report is told of each file that was finished, or why it was not. The fragmented file is still there then.
	Report func(file string, took time.Duration, err error)

	once  sync.Once
	wake  chan struct{}
	mu    sync.Mutex
	queue []string // prefixes of file names; it holds one for each session that ended, and one for all at the start
	busy  bool
}

func (f *Finisher) ready() { f.once.Do(func() { f.wake = make(chan struct{}, 1) }) }

// All asks for every take found, and removes the copies that a finisher which was killed left half made. Call it
// before recording begins: it must not meet a take that is being written.
func (f *Finisher) All() error {
	left, err := f.find("*/*" + unfinished)
	if err != nil {
		return fmt.Errorf("find recordings: %w", err)
	}
	for _, tmp := range left {
		if isTake(strings.TrimSuffix(filepath.Base(tmp), unfinished) + extension) {
			err = errors.Join(err, os.Remove(tmp))
		}
	}
	if err != nil {
		return fmt.Errorf("remove unfinished copy: %w", err)
	}
	files, err := f.find("*/*" + extension)
	if err != nil {
		return fmt.Errorf("find recordings: %w", err)
	}
	f.add(files)
	return nil
}

// Session asks for the files of a session that is over.
func (f *Finisher) Session(stream string, start time.Time) {
	files, _ := f.find(stream + "/" + start.UTC().Format(stamp) + "*" + extension) // the pattern is well-formed
	f.add(files)
}

// find returns what a pattern matches below Dir, whose own name is not part of the pattern.
func (f *Finisher) find(pattern string) ([]string, error) {
	files, err := fs.Glob(os.DirFS(f.Dir), pattern)
	for i, name := range files {
		files[i] = filepath.Join(f.Dir, name)
	}
	return files, err
}

func (f *Finisher) add(files []string) {
	f.ready()
	f.mu.Lock()
	for _, file := range files {
		if isTake(filepath.Base(file)) {
			f.queue = append(f.queue, file)
		}
	}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Serve finishes files until ctx is cancelled. A file that is being worked on then stays as it is and is found again
// at the next start.
func (f *Finisher) Serve(ctx context.Context) error {
	f.ready()
	for {
		for file, ok := f.next(); ok; file, ok = f.next() {
			if ctx.Err() != nil {
				return nil
			}
			f.work(ctx, file)
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

func (f *Finisher) next() (file string, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		f.busy = false
		return "", false
	}
	file, f.queue, f.busy = f.queue[0], f.queue[1:], true
	return file, true
}

func (f *Finisher) work(ctx context.Context, file string) {
	begun := time.Now()
	fragmented, err := isFragmented(file)
	if err == nil && !fragmented {
		return
	}
	if err == nil {
		err = f.finish(ctx, file)
	}
	if ctx.Err() == nil {
		f.Report(file, time.Since(begun), err)
	}
}

// finish writes the ordinary file beside the fragmented one and puts it in its place when it is whole and on disk.
func (f *Finisher) finish(ctx context.Context, file string) error {
	tmp := strings.TrimSuffix(file, extension) + unfinished
	defer os.Remove(tmp) //nolint:errcheck // it is gone when all went well
	if err := f.Run(ctx, finish(file, tmp)); err != nil {
		return fmt.Errorf("finish %s: %w", filepath.Base(file), err)
	}
	if err := whole(file, tmp); err != nil {
		return fmt.Errorf("finish %s: %w", filepath.Base(file), err)
	}
	if err := replace(tmp, file); err != nil {
		return fmt.Errorf("finish %s: %w", filepath.Base(file), err)
	}
	return nil
}

// whole checks that a finished file holds what the fragmented one does: ffmpeg's word alone is not enough, it ends
// with 0 on some disks that are full.
func whole(fragmented, finished string) error {
	from, err := os.Stat(fragmented)
	if err != nil {
		return err
	}
	to, err := os.Stat(finished)
	if err != nil {
		return err
	}
	// Both hold the same media; their indexes differ by some bytes for each packet.
	if to.Size() < from.Size()*9/10 {
		return fmt.Errorf("the finished file has %d bytes where the recording has %d", to.Size(), from.Size())
	}
	if still, err := isFragmented(finished); err != nil || still {
		return errors.Join(err, errors.New("the finished file has no index"))
	}
	return nil
}

// replace renames from to to so that after a power cut there is one or the other.
func replace(from, to string) error {
	f, err := os.OpenFile(from, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	err = errors.Join(f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
