package recorder

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const (
	eventsExtension  = ".events.jsonl"
	summaryExtension = ".md"
)

// eventLog is the file of one session's entries.
type eventLog struct {
	base   string // path without extension
	stream string
	limit  int64

	file   *os.File // nil while it is closed
	size   int64
	begun  bool // this run of the relay has written to it
	full   bool // it has no room for rates any more, and this run said so
	failed bool // somebody was told that it cannot be written
	over   bool // its session is
	unsaid bool // it holds what no summary tells
}

func newEventLog(dir string, id sessionID, limit int64) *eventLog {
	return &eventLog{base: filepath.Join(dir, id.stream, id.start), stream: id.stream, limit: limit}
}

// write appends an entry. Each is on its own way to the disk: a relay that is killed loses none, a power cut those of
// the last seconds.
func (l *eventLog) write(e Entry) error {
	if l.file == nil {
		if err := l.open(e.At); err != nil {
			return fmt.Errorf("open black box: %w", err)
		}
	}
	room := l.limit
	if e.What == whatRates {
		room -= l.limit / 10
	}
	line := e.line()
	switch {
	case l.size+int64(len(line)) <= room:
		return l.append(line)
	case l.full:
		return nil
	}
	l.full = true
	return l.append(Entry{At: e.At, What: whatFull}.line())
}

func (l *eventLog) append(line []byte) error {
	l.unsaid = true
	n, err := l.file.Write(line)
	l.size += int64(n)
	if err == nil {
		return nil
	}
	// The line may be torn. Opening it again puts an end to that.
	return errors.Join(fmt.Errorf("write black box: %w", err), l.close())
}

// open goes on where an earlier one left off. The first entry of each run of the relay says so.
func (l *eventLog) open(at time.Time) error {
	if err := os.MkdirAll(filepath.Dir(l.base), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(l.base+eventsExtension, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.size = f, info.Size()
	if isTorn(f, l.size) {
		if err := l.append([]byte{'\n'}); err != nil {
			return err
		}
	}
	if l.begun {
		return nil
	}
	l.begun = true
	return l.append(Entry{At: at, What: whatOpened, Stream: l.stream}.line())
}

// isTorn reports whether a file of lines ends within one.
func isTorn(f io.ReaderAt, size int64) bool {
	var last [1]byte
	if size == 0 {
		return false
	}
	_, err := f.ReadAt(last[:], size-1)
	return err == nil && last[0] != '\n'
}

func (l *eventLog) close() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// summarizeFile writes the summary beside a session's entries. There is the last one or this, never half of it.
func summarizeFile(base string) error {
	entries, err := os.Open(base + eventsExtension)
	if os.IsNotExist(err) {
		return nil // nothing was ever written
	}
	if err != nil {
		return fmt.Errorf("sum up session: %w", err)
	}
	defer entries.Close() //nolint:errcheck // only read
	tmp := base + summaryExtension + temporary
	out, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("sum up session: %w", err)
	}
	err = errors.Join(Summarize(entries, out), out.Close())
	if err == nil {
		err = os.Rename(tmp, base+summaryExtension)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("sum up session: %w", err), os.Remove(tmp))
	}
	return nil
}
