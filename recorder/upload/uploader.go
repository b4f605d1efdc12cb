package upload

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/restreamd/restreamd/relay/process"
)

const (
	defaultStall = time.Minute
	recent       = 10 // recordings that left the queue and are still shown
	shown        = 50 // recordings a snapshot has at most
)

// Uploader sends recordings, one at a time, in the order in which they were finished. Add and Serve may be called in any
// order; what is added before Serve waits for it.
type Uploader struct {
	Dir   string // of all recordings
	Queue string // folder of the queue, made when it is needed
	// Target says where recordings of a stream go by the settings in force. It is called often, and must not block.
	Target func(stream string) (Target, bool)
	// See is told when a recording is done or given up, and of failures once for each stream and class.
	See func(Status)
	// Trouble is told what is wrong with the queue itself.
	Trouble func(error)
	Stall   time.Duration // without a byte the connection is given up; default 1 min

	once sync.Once
	wake chan struct{}

	saving  sync.Mutex // held while an item is written, so that the newest wins
	mu      sync.Mutex
	queue   []*item
	gone    []Status
	streams map[string]*trouble
	totals  Totals
}

// trouble is what a stream's store has been like.
type trouble struct {
	backoff process.Backoff
	until   time.Time
	told    Class
}

func (u *Uploader) ready() {
	u.once.Do(func() {
		u.wake = make(chan struct{}, 1)
		u.streams = map[string]*trouble{}
	})
}

// Add puts a finished recording into the queue: its path, in or below Dir. What cannot be written down is uploaded all
// the same, in this run; the error says so.
func (u *Uploader) Add(stream, path string) error {
	u.ready()
	file, err := filepath.Rel(u.Dir, path)
	if err != nil || !filepath.IsLocal(file) {
		return fmt.Errorf("queue upload: %s is not below %s", path, u.Dir)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("queue upload: %w", err)
	}
	u.mu.Lock()
	i := u.find(file)
	if i == nil {
		i = newItem(stream, file, time.Now().UTC())
		u.queue = append(u.queue, i)
	}
	i.Finished, i.Stored, i.status.Total = imprintOf(info), false, info.Size()
	u.mu.Unlock()
	defer u.nudge()
	if err := u.save(i); err != nil {
		return fmt.Errorf("%w (it is uploaded if the relay goes on that long)", err)
	}
	return nil
}

// find is called with u.mu held.
func (u *Uploader) find(file string) *item {
	if at := slices.IndexFunc(u.queue, func(i *item) bool { return i.File == file }); at >= 0 {
		return u.queue[at]
	}
	return nil
}

// Retry has everything that failed tried again now: settings or stores changed.
func (u *Uploader) Retry() {
	u.ready()
	u.mu.Lock()
	clear(u.streams)
	for _, i := range u.queue {
		i.next = time.Time{}
	}
	u.mu.Unlock()
	u.nudge()
}

func (u *Uploader) nudge() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// Serve uploads until ctx is cancelled. What is on its way then is gone on with by the next Serve on the same queue.
func (u *Uploader) Serve(ctx context.Context) error {
	u.ready()
	u.load()
	for ctx.Err() == nil {
		i, to, wait := u.next(time.Now())
		if i != nil {
			u.work(ctx, i, to)
			continue
		}
		u.rest(ctx, wait)
	}
	return nil
}

// rest waits for something to do; wait 0: nothing is waiting.
func (u *Uploader) rest(ctx context.Context, wait time.Duration) {
	var due <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-u.wake:
	case <-due:
	case <-ctx.Done():
	}
}

// load takes up what an earlier run left.
func (u *Uploader) load() {
	items, err := shelf{u.Queue}.all()
	if err != nil {
		u.Trouble(err)
	}
	slices.SortFunc(items, func(a, b *item) int { return cmp.Or(a.Queued.Compare(b.Queued), cmp.Compare(a.File, b.File)) })
	now := time.Now().UTC()
	u.mu.Lock()
	defer u.mu.Unlock()
	var left []*item
	for _, i := range items {
		if u.find(i.File) == nil {
			i.prepare(now)
			if i.Upload != nil && i.Upload.whole() {
				i.status.Sent = i.Upload.sent()
			}
			left = append(left, i)
		}
	}
	u.queue = append(left, u.queue...)
}

// next returns a recording whose time has come and where it goes, or how long that takes; 0: there is none.
func (u *Uploader) next(now time.Time) (i *item, to Target, wait time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, i := range u.queue {
		to, ok := u.Target(i.Stream)
		if !ok {
			i.become(Off)
			i.status.Reason = "no store is configured for stream " + i.Stream + ": set record.upload, or remove " + u.shelf().path(i.File)
			continue
		}
		if i.status.State == Off {
			i.become(Waiting)
			i.status.Reason = ""
		}
		due := u.due(i).Sub(now)
		if due <= 0 {
			return i, to, 0
		}
		if wait == 0 || due < wait {
			wait = due
		}
	}
	return nil, Target{}, wait
}

// due is when a recording may be tried. It is called with u.mu held.
func (u *Uploader) due(i *item) time.Time {
	if t := u.streams[i.Stream]; t != nil && t.until.After(i.next) {
		return t.until
	}
	return i.next
}

func (u *Uploader) shelf() shelf { return shelf{u.Queue} }

// save writes down what is known of a recording.
func (u *Uploader) save(i *item) error {
	u.saving.Lock()
	defer u.saving.Unlock()
	u.mu.Lock()
	text, err := json.Marshal(i)
	u.mu.Unlock()
	if err != nil {
		return fmt.Errorf("queue upload: %w", err)
	}
	return u.shelf().put(i.File, text)
}

// Snapshot returns the recordings in the queue, those that left it last, and how many are in each state.
func (u *Uploader) Snapshot() (all []Status, states map[State]int, totals Totals) {
	u.mu.Lock()
	defer u.mu.Unlock()
	states = map[State]int{}
	for _, i := range u.queue {
		s := i.status
		if s.State == Retrying {
			next := u.due(i).UTC()
			s.NextTry = &next
		}
		states[s.State]++
		all = append(all, s)
	}
	all = append(all[:min(len(all), shown)], u.gone...)
	return all, states, u.totals
}
