package recorder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

const (
	// clipsFolder is where a stream's clips are, in the folder of its recordings.
	clipsFolder = "clips"
	// makingFolder is where one is made, among them.
	makingFolder = ".making"

	// onItsWay is how long a packet may take from the encoder to the recording child: it gets them in batches.
	onItsWay = 300 * time.Millisecond
	// clipPatience is how long a clip waits for the moment it was asked at to be on disk: fragments have 2 s at most.
	clipPatience = 5 * time.Second
	clipLook     = 50 * time.Millisecond
)

// MaxClip is the longest clip.
const MaxClip = time.Hour

// What keeps a clip from being made.
var (
	ErrClipping = errors.New("a clip of this stream is being made: wait for it")
	ErrNoTake   = errors.New("nothing of this session is recorded that a clip could be made of")
)

// Clip is a file made of the end of a running take.
type Clip struct {
	File  string // below the folder of all recordings
	Lasts time.Duration
	Bytes int64
}

// Clipper makes clips: Dir/<stream>/clips/<UTC>.mp4, ordinary files of the newest packets of a take that is on, beginning
// with a keyframe. A clip has its name when it is whole and on disk.
type Clipper struct {
	Dir string // of all recordings
	// Run runs a job to its end. Cancelling its context must end it.
	Run func(context.Context, ffmpeg.Job) error
	// Room says why so many bytes must not be written now. Default: there always is room.
	Room func(bytes int64) error

	mu   sync.Mutex
	busy map[string]bool // by stream
}

// Clip makes one of the last so much of a session, up to now: a little more, because it begins with a keyframe, or less
// where less was recorded with the present headers. It takes until what is there now is on disk, 2 s or so, and the time
// to copy it. One of a stream is made at a time.
func (c *Clipper) Clip(ctx context.Context, stream string, session time.Time, length time.Duration) (clip Clip, err error) {
	if err := c.begin(stream); err != nil {
		return Clip{}, err
	}
	defer c.end(stream)
	asked := time.Now()
	base := filepath.Join(c.Dir, stream, session.UTC().Format(stamp))
	if err := awaitMoment(ctx, base); err != nil {
		return Clip{}, err
	}
	parts, err := lastOf(base, length)
	if err != nil {
		return Clip{}, fmt.Errorf("make clip: %w", err)
	}
	name, err := c.make(ctx, filepath.Dir(base), parts, asked)
	if err != nil {
		return Clip{}, fmt.Errorf("make clip: %w", err)
	}
	made, err := readIndex(name)
	if err != nil {
		return Clip{}, fmt.Errorf("make clip: %w", err)
	}
	if clip.File, err = filepath.Rel(c.Dir, name); err != nil {
		return Clip{}, fmt.Errorf("make clip: %w", err)
	}
	clip.Lasts, clip.Bytes = made.duration(), made.size
	return clip, nil
}

func (c *Clipper) begin(stream string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[stream] {
		return ErrClipping
	}
	if c.busy == nil {
		c.busy = map[string]bool{}
	}
	c.busy[stream] = true
	return nil
}

func (c *Clipper) end(stream string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, stream)
}

// awaitMoment waits until the packets that come at this moment are on disk: a fragment is written at once, when it is
// whole, so there must be one that was not there a little later. A take that does not go on is taken as it is.
func awaitMoment(ctx context.Context, base string) error {
	give, cancel := context.WithTimeout(ctx, clipPatience)
	defer cancel()
	tick := time.NewTicker(clipLook)
	defer tick.Stop()
	begun := time.Now()
	var there, now moment
	for {
		var err error
		now, err = newest(base, now)
		switch {
		case err != nil:
			return fmt.Errorf("make clip: %w", err)
		case time.Since(begun) < onItsWay:
			there = now
		case now != there:
			return nil
		}
		select {
		case <-tick.C:
		case <-give.Done():
			return ctx.Err()
		}
	}
}

// moment is how far a take has come on disk.
type moment struct {
	part int
	mark ffmpeg.Mark // behind its last whole fragment
}

// newest reads what is new since a moment.
func newest(base string, since moment) (moment, error) {
	takes, _, err := takesIn(filepath.Dir(base))
	if errors.Is(err, fs.ErrNotExist) || err == nil && (takes[base] == nil || len(takes[base].parts) == 0) {
		return since, ErrNoTake
	}
	if err != nil {
		return since, err
	}
	m := moment{part: slices.Max(takes[base].parts)}
	if m.part == since.part {
		m = since
	}
	marks, err := Recipe{}.Marks(partName(base, m.part), m.mark)
	if len(marks) > 0 {
		m.mark = marks[len(marks)-1]
	}
	return m, err
}

// lastOf are the ends of parts that make up the last so much of a take, in their order. A part that was finished already,
// or has other headers, ends the way back.
func lastOf(base string, length time.Duration) (all []excerpt, err error) {
	takes, _, err := takesIn(filepath.Dir(base))
	if err != nil || takes[base] == nil {
		return nil, errors.Join(err, ErrNoTake)
	}
	var newest *index
	for _, number := range slices.Backward(takes[base].parts) {
		x, err := readIndex(partName(base, number))
		if err != nil || x.packets() == 0 && len(all) == 0 {
			continue // a child that was just started, or died at once
		}
		if !x.fragmented || newest != nil && !newest.alike(&x) {
			break
		}
		e, err := excerptOf(partName(base, number), length)
		if err != nil {
			return nil, err
		}
		if e.bytes() == 0 {
			continue
		}
		newest, all = &x, append(all, e)
		if length -= e.lasts; length <= 0 {
			break
		}
	}
	if len(all) == 0 {
		return nil, ErrNoTake
	}
	slices.Reverse(all)
	return all, nil
}

// make copies the excerpts as if they were a take, has one file made of them, and gives it its name.
func (c *Clipper) make(ctx context.Context, folder string, parts []excerpt, asked time.Time) (name string, err error) {
	var bytes int64
	for _, e := range parts {
		bytes += e.bytes()
	}
	if c.Room != nil {
		if err := c.Room(2 * bytes); err != nil {
			return "", err
		}
	}
	making := filepath.Join(folder, clipsFolder, makingFolder)
	if err := os.RemoveAll(making); err != nil { // a relay that was killed left it
		return "", err
	}
	if err := os.MkdirAll(making, 0o755); err != nil {
		return "", err
	}
	defer os.RemoveAll(making) //nolint:errcheck // what cannot be removed goes with the next clip
	t := &take{base: filepath.Join(making, asked.UTC().Format(stamp))}
	for i, e := range parts {
		t.parts = append(t.parts, i+1)
		if err := e.copyTo(ctx, partName(t.base, i+1)); err != nil {
			return "", err
		}
	}
	copied, err := t.read()
	if err != nil {
		return "", err
	}
	seat(copied)
	w := work{base: t.base, parts: copied, container: MP4}
	if _, err := w.make(ctx, c.Run, nil, nil); err != nil {
		return "", err
	}
	if err := syncFile(w.to()); err != nil {
		return "", err
	}
	return settleClip(w.to(), filepath.Join(folder, clipsFolder, asked.UTC().Format(stamp)))
}

// settleClip gives a clip the first name that is free. Nobody else gives names there.
func settleClip(made, base string) (name string, err error) {
	for n := 1; n <= maxParts; n++ {
		name = base + extension
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", base, n, extension)
		}
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, errors.Join(os.Rename(made, name), syncFolder(filepath.Dir(base)))
		}
	}
	return "", fmt.Errorf("%s: %d clips have that name", base, maxParts)
}
