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
)

const (
	// maxWaiting is how many entries may wait for the disk: some minutes of a busy relay's.
	maxWaiting = 1 << 14
	// tidyEvery is how often sessions that are over are summed up: so long may an output take to say its last word
	// without another summary being made.
	tidyEvery = time.Second
)

// BlackBox keeps what happened in a session beside its recording: Dir/<stream>/<UTC start>.events.jsonl while it is on,
// line by line and each at once, and <UTC start>.md when it is over. Its methods may be called by anybody at any time
// and never wait for the disk; entries it was given before Serve are written when that begins.
type BlackBox struct {
	Dir string // of all recordings
	// Limit bounds a session's file, in bytes. Default: 64 MiB. The last tenth is not for rates, which are nearly all
	// of it.
	Limit int64
	// Redact masks secrets in what others said: Entry.Why. Default: nothing is masked.
	Redact func(string) string
	// Report is told what cannot be written, once for each file, and what cannot be summed up. Default: nobody is.
	Report func(file string, err error)

	once   sync.Once
	wake   chan struct{}
	mu     sync.Mutex
	queue  []note
	missed map[sessionID]int // entries that found the queue full
}

// sessionID names a session. Two of a stream never start in the same second.
type sessionID struct {
	stream string
	start  string
}

// note is an entry on its way to the disk.
type note struct {
	sessionID
	entry Entry
	over  bool // no entry: the session is over
}

// Add keeps an entry. Its time defaults to now.
func (b *BlackBox) Add(stream string, session time.Time, e Entry) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	if b.Redact != nil {
		e.Why = b.Redact(e.Why)
	}
	b.post(note{sessionID: idOf(stream, session), entry: e})
}

// End says that a session is over: it is summed up within 1 s, and again should there be more to say of it.
func (b *BlackBox) End(stream string, session time.Time) {
	b.post(note{sessionID: idOf(stream, session), over: true})
}

func idOf(stream string, session time.Time) sessionID {
	return sessionID{stream, session.UTC().Format(stamp)}
}

func (b *BlackBox) post(n note) {
	b.ready()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) >= maxWaiting && !n.over {
		if b.missed == nil {
			b.missed = map[sessionID]int{}
		}
		b.missed[n.sessionID]++
		return
	}
	b.queue = append(b.queue, n)
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *BlackBox) ready() { b.once.Do(func() { b.wake = make(chan struct{}, 1) }) }

// take returns what waits, and what did not find room among it.
func (b *BlackBox) take() []note {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.queue
	for id, n := range b.missed {
		e := Entry{At: time.Now(), What: whatMissed, Numbers: map[string]float64{"entries": float64(n)}}
		all = append(all, note{sessionID: id, entry: e})
	}
	b.queue, b.missed = nil, nil
	return all
}

// Serve writes until ctx is cancelled and everything given before is written. Sessions that are not over then are left
// as they are: they may go on in another run of the relay.
func (b *BlackBox) Serve(ctx context.Context) error {
	b.ready()
	w := logbook{box: b, logs: map[sessionID]*eventLog{}, newest: map[string]string{}}
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-b.wake:
			w.write(b.take())
		case <-tick.C:
			w.tidy()
		case <-ctx.Done():
			w.write(b.take())
			w.close()
			return nil
		}
	}
}

// Recover sums up sessions of an earlier run that was killed before it could. Call it before Serve.
func (b *BlackBox) Recover() error {
	found, err := fs.Glob(os.DirFS(b.Dir), "*/*"+eventsExtension)
	if err != nil {
		return fmt.Errorf("find black boxes: %w", err)
	}
	for _, name := range found {
		base := filepath.Join(b.Dir, strings.TrimSuffix(name, eventsExtension))
		if isStamp(filepath.Base(base)) && isStale(base+summaryExtension, base+eventsExtension) {
			err = errors.Join(err, summarizeFile(base))
		}
	}
	return err
}

// isStale reports whether a file is older than what it was made of, or not there.
func isStale(file, source string) bool {
	made, err := os.Stat(file)
	if err != nil {
		return true
	}
	from, err := os.Stat(source)
	return err == nil && from.ModTime().After(made.ModTime())
}

func (b *BlackBox) report(file string, err error) {
	if b.Report != nil {
		b.Report(file, err)
	}
}

func (b *BlackBox) limit() int64 {
	if b.Limit > 0 {
		return b.Limit
	}
	return 64 << 20
}
