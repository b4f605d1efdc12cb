package output

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/process"
)

// Stalled children are replaced after these times without progress while media is fed.
const (
	watchEvery = 500 * time.Millisecond
	// stallPush: a platform that takes nothing for 5 s has wedged. Healthy ones acknowledge within a round trip.
	stallPush = 5 * time.Second
	// stallStart: connecting, handshake and publish of a slow platform.
	stallStart = 15 * time.Second
	// stallFile: a fragment or a segment is written at least every few seconds, or every GOP if that is longer; segments
	// have 10 s at most.
	stallFile = 30 * time.Second
	// A packager lists a segment as soon as it is complete. What it may take beyond two of them: 2 s, and where it has yet
	// to begin 10 s.
	slackSegment = 2 * time.Second
	slackStart   = 10 * time.Second
)

// share is how much must come out of what was fed to count as progress: a sixteenth. A platform that asks for pongs
// gets bytes from a child that sends no media.
const share = 16

var (
	errStalled = trouble{errors.New("stalled: media was fed but nothing came out"), Wedged}
	errWedged  = trouble{errors.New("the platform stopped taking media"), Wedged}
	errFull    = trouble{errors.New("ffmpeg ended as if all were well, but the disk is full: make room"), Disk}
	errIdle    = trouble{errors.New("ffmpeg ended as if all were well, but wrote nothing: is the disk full?"), Disk}
	errMute    = trouble{errors.New("no answer: the platform took the connection but not the publish"), Timeout}
)

// watchdog looks at what a child gets done, not at what it says.
type watchdog struct {
	fed   func() int64 // bytes given to the child
	done  func() int64 // a number that moves when the child gets something done
	start int64        // done before there was a child
	gop   func() time.Duration
	push  bool                 // done is what a platform took, and some of it is talk
	file  bool                 // done is what stands in files, which grow by fits and starts
	pace  time.Duration        // how often files grow, at least and at a keyframe; 0: stallFile is all that is known
	age   func() time.Duration // of what the platform has not taken
	disk  func() error         // what is wrong with the disk that the child writes to. Default: it writes to none
	see   func(fed int64, moved bool)
}

// watch makes the watchdog of a child.
func (r *runner) watch(f *feed, job ffmpeg.Job, link *gated) watchdog {
	w := watchdog{
		fed:  f.bytes.Load,
		gop:  func() time.Duration { return time.Duration(max(f.gop.Load(), f.open.Load())) * time.Millisecond },
		push: link != nil,
		file: link == nil && r.derived == nil,
		pace: job.Pace,
		age:  func() time.Duration { return 0 },
		see:  r.see,
	}
	switch {
	case link != nil:
		w.done = func() int64 { return link.Progress().Acked }
		w.age = func() time.Duration { return link.Progress().QueueAge }
	case r.derived != nil:
		w.done = r.derived.bytes.Load
	default:
		w.done = func() int64 { return growth(job.Watch) }
		w.disk = onDisk(job)
	}
	w.start = w.done()
	return w
}

// run returns why the child must go when it stands still, nil when ctx is over.
func (w watchdog) run(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	last, given := w.start, int64(0) // done and fed when something last got done
	since := time.Now()
	moved := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if err := w.look(); err != nil {
				return err
			}
			fed, done := w.fed(), w.done()
			if fed == given || done != last && (!w.push || done-last > (fed-given)/share) {
				last, given, since = done, fed, now // what was not fed cannot come out
			}
			moved = moved || done-w.start > w.enough()
			w.see(fed, moved)
			switch {
			case moved && w.age() > stallPush:
				return errWedged
			case now.Sub(since) <= w.patience(moved):
			case moved || !w.push:
				return errStalled
			default:
				return errMute
			}
		}
	}
}

func (w watchdog) look() error {
	if w.disk == nil {
		return nil
	}
	return w.disk()
}

func (w watchdog) enough() int64 {
	if w.push {
		return chatter
	}
	return 0
}

func (w watchdog) patience(moved bool) time.Duration {
	switch {
	case w.file && w.pace > 0:
		return w.segments(moved)
	case w.file:
		return max(stallFile, 3*w.gop())
	case moved:
		return stallPush
	}
	return stallStart
}

// segments is how long a packager may take: two segments, and what a busy machine adds.
func (w watchdog) segments(moved bool) time.Duration {
	slack := slackSegment
	if !moved {
		slack = slackStart
	}
	longest := w.pace
	if gop := w.gop(); gop > 0 {
		longest = (w.pace + gop - 1) / gop * gop
	}
	return 2*longest + slack
}

// ended says what is wrong with a packager that had media and went in order: ffmpeg's HLS muxer does so on a full disk.
func (w watchdog) ended(exit process.Exit) error {
	switch {
	case w.pace == 0 || w.fed() == 0:
		return nil
	case ffmpeg.Classify(exit.Lines, exit) == ffmpeg.CauseDiskFull:
		return failure{errFull, exit.Ran()}
	case w.done() == w.start:
		return failure{errIdle, exit.Ran()}
	}
	return nil
}

// growth sums sizes and change times of files: it moves when any of them is written.
func growth(files []string) int64 {
	var sum int64
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			sum += info.Size() + info.ModTime().UnixMilli()
		}
	}
	return sum
}
