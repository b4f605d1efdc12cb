package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/process"
	"github.com/restreamd/restreamd/relay/secret"
)

const (
	// maxQueue is what an output may hold back before it loses GOPs, in bytes: a 4 s GOP at YouTube's 51 Mb/s fits.
	maxQueue = 32 << 20
	// maxQueueLossless is the same for the recorder: ten minutes of 6 Mb/s. What it loses beyond is an error users see.
	maxQueueLossless = 512 << 20

	// Waits between tries. The first is short: most failures are single ones.
	retryFirst   = 500 * time.Millisecond
	retryLongest = 30 * time.Second
	// retryStalled is for platforms that took the connection and nothing else. A try hangs there for stallStart, so
	// waiting longer spares nobody, and the platform has us back as soon as it moves.
	retryStalled = 2 * time.Second
	// rollEvery is the shortest time from one child to the next that takes over from it.
	rollEvery = time.Second
	// healthy is how long a child must have run for the next failure to count as the first.
	healthy = 10 * time.Second

	// lastWords is how long a child whose platform is gone has to say what it was told.
	lastWords = time.Second

	keptLines = 10
)

// runner runs one output for as long as it is wanted.
type runner struct {
	spec    Spec
	source  Source
	tool    Tool
	log     *zap.Logger
	redact  *secret.Redactor
	backoff process.Backoff

	attempt ffmpeg.Attempt // the present or last one; Session is zero when no session is unfinished

	again chan struct{} // cuts a wait for the next try short

	mu     sync.Mutex
	status Status // its counts are of feeds that are gone
	feed   *feed  // the present one
}

func newRunner(spec Spec, source Source, tool Tool, log *zap.Logger) *runner {
	return &runner{
		spec: spec, source: source, tool: tool,
		log:     log.With(zap.String("stream", spec.ID.Stream), zap.String("output", spec.ID.Kind), zap.String("name", spec.ID.Name)),
		redact:  secret.NewRedactor(spec.Secrets...),
		backoff: process.Backoff{Min: retryFirst, Max: retryLongest, Healthy: healthy},
		again:   make(chan struct{}, 1),
		status:  Status{ID: spec.ID, Target: spec.Target, State: Waiting, Since: time.Now()},
	}
}

// Serve runs the output until ctx is cancelled or the stream is closed.
func (r *runner) Serve(ctx context.Context) error {
	defer r.finish()
	for ctx.Err() == nil {
		f := &feed{sub: r.source.Subscribe(r.spec.queue()), reads: r.tool.Reads}
		r.attach(f)
		err := r.show(ctx, f)
		r.detach(f)
		if errors.Is(err, relay.ErrClosed) {
			return nil
		}
		if err != nil {
			r.sleep(ctx, err)
		}
		if start, ok := r.source.Session(); !ok || !start.Equal(r.attempt.Session) {
			r.finish()
		}
	}
	return nil
}

// show runs children through one session. It returns nil when the session is over and why a child failed otherwise.
func (r *runner) show(ctx context.Context, f *feed) error {
	for {
		if err := f.wait(ctx); err != nil {
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return nil
			}
			return err
		}
		r.enter(f)
		begun := time.Now()
		err := r.child(ctx, f)
		if err == nil && !f.over && ctx.Err() == nil {
			r.pace(ctx, begun)
		}
		switch {
		case err != nil && ctx.Err() == nil:
			return err
		case f.over, ctx.Err() != nil:
			return nil
		}
	}
}

// pace keeps an encoder that changes its headers all the time from having a child started for each.
func (r *runner) pace(ctx context.Context, begun time.Time) {
	select {
	case <-time.After(time.Until(begun.Add(rollEvery))):
	case <-ctx.Done():
	}
}

// enter counts the children of a session.
func (r *runner) enter(f *feed) {
	start := f.sub.Session()
	if r.attempt.Session.Equal(start) {
		r.attempt.Part++
	} else {
		r.finish()
		r.attempt = ffmpeg.Attempt{Stream: r.spec.ID.Stream, Session: start}
	}
	r.attempt.Audio, r.attempt.Video = f.tracks()
}

// finish tells once that this output is done with a session.
func (r *runner) finish() {
	if r.attempt.Session.IsZero() {
		return
	}
	if r.spec.Finished != nil {
		r.spec.Finished(r.attempt)
	}
	r.attempt = ffmpeg.Attempt{}
	r.set(Waiting)
}

// child runs one child from opening the way to its exit.
func (r *runner) child(ctx context.Context, f *feed) error {
	r.set(Starting)
	if r.spec.Gate == nil {
		return r.run(ctx, f, nil)
	}
	link, err := r.spec.Gate.Open(ctx)
	if err != nil {
		return err
	}
	r.attempt.Gate = link.Addr()

	carry, stop := context.WithCancel(context.WithoutCancel(ctx)) // the link outlives a stop: the goodbye goes through it
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var lost error
	wg.Go(func() {
		if lost = link.Serve(carry); lost == nil {
			return
		}
		select { // the child finds its socket closed, and its last words may say why
		case <-time.After(lastWords):
			cancel(lost)
		case <-ctx.Done():
		}
	})
	err = r.run(ctx, f, &gated{Link: link, stop: stop})
	if err != nil || link.Progress() == 0 { // failed, or never connected
		stop() // nothing more will come through it
	}
	cancel(nil)
	wg.Wait()
	var ended failure
	if lost != nil && !errors.Is(lost, context.Canceled) && errors.As(err, &ended) && !errors.Is(ended, errRejected) {
		return failure{lost, ended.ran} // the platform's end of it tells more than the child's
	}
	return err
}

// gated is a link and the way to give it up.
type gated struct {
	Link
	stop context.CancelFunc
}

// run starts the child, feeds it and watches it.
func (r *runner) run(ctx context.Context, f *feed, link *gated) error {
	job, err := r.spec.Recipe.Job(r.attempt)
	if err != nil {
		return err
	}
	spec, err := r.command(job, f)
	if err != nil {
		return err
	}
	f.start(job.RollOnHeader)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	dog := r.watch(f, job, link)
	wg.Go(func() {
		if err := dog.run(ctx); err != nil {
			if link != nil {
				link.stop() // frees a child that hangs in a write to the platform
			}
			cancel(err)
		}
	})
	exit := process.Run(ctx, spec)
	cause := context.Cause(ctx)
	cancel(nil)
	wg.Wait()
	r.log.Debug("child ended", zap.Stringer("exit", exit), zap.Duration("ran", exit.Ran()), zap.Strings("lines", exit.Lines))
	return r.judge(f, exit, cause)
}

// judge says whether a child's end was a failure, and which.
func (r *runner) judge(f *feed, exit process.Exit, cause error) error {
	switch {
	case errors.Is(cause, errStalled):
		return failure{errStalled, exit.Ran()}
	case f.verdict != fed && exit.Code == 0:
		return nil
	case errors.Is(cause, context.Canceled):
		return nil // no longer wanted
	case cause != nil:
		return failure{cause, exit.Ran()}
	}
	switch why := ffmpeg.Classify(exit.Lines, exit); why {
	case ffmpeg.CauseNone:
		return failure{fmt.Errorf("ffmpeg ended: %s", exit), exit.Ran()}
	case ffmpeg.CauseRejected:
		return failure{fmt.Errorf("%w: %s", errRejected, lastLine(exit.Lines, "Server error: ")), exit.Ran()}
	default:
		return failure{fmt.Errorf("ffmpeg: %s (%s)", why, exit), exit.Ran()}
	}
}

// errRejected: the platform answered and said no.
var errRejected = errors.New("rejected by the platform")

// lastLine returns what follows words in the newest line that has them.
func lastLine(lines []string, words string) string {
	for _, line := range slices.Backward(lines) {
		if _, text, found := strings.Cut(line, words); found {
			return text
		}
	}
	return ""
}

// failure is why a child ended, and how long it had run.
type failure struct {
	error
	ran time.Duration
}

func (f failure) Unwrap() error { return f.error }

func (r *runner) command(job ffmpeg.Job, f *feed) (process.Spec, error) {
	args, err := job.Args()
	if err != nil {
		return process.Spec{}, err
	}
	secrets, err := job.Secrets()
	if err != nil {
		return process.Spec{}, err
	}
	for _, dir := range job.Dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return process.Spec{}, fmt.Errorf("make folder for %s: %w", r.spec.ID.Kind, err)
		}
	}
	feed := func(ctx context.Context, stdin *os.File) error {
		defer r.set(Stopping) // it gets no more
		return f.run(ctx, stdin)
	}
	var parser ffmpeg.ProgressParser
	progress := func(line string) {
		if p, ok := parser.Line(line); ok {
			r.outTime(p.OutTime)
		}
	}
	return process.Spec{
		Path: r.tool.Path, Args: args, Env: r.tool.Env, Secrets: secrets, DieWithParent: job.DieWithParent,
		Feed: feed, Started: r.started, Line: r.line, Progress: progress, Redact: r.redact.Redact, PipeSize: 256 << 10,
	}, nil
}

func (r *runner) watch(f *feed, job ffmpeg.Job, link *gated) watchdog {
	w := watchdog{
		fed:      f.bytes.Load,
		gop:      func() time.Duration { return time.Duration(f.gop.Load()) * time.Millisecond },
		file:     link == nil,
		progress: r.progress,
	}
	if link != nil {
		w.done = link.Progress
	} else {
		w.done = func() int64 { return growth(job.Watch) }
	}
	w.start = w.done()
	return w
}

// sleep waits for the next try.
func (r *runner) sleep(ctx context.Context, why error) {
	var f failure
	_ = errors.As(why, &f)
	wait := r.backoff.Next(f.ran)
	if errors.Is(why, errStalled) {
		wait = min(wait, retryStalled)
	}
	r.retry(why, time.Now().Add(wait))
	r.log.Warn("output failed", zap.String("reason", r.redact.Redact(why.Error())), zap.Duration("next_try_in", wait.Round(time.Millisecond)))
	select {
	case <-time.After(wait):
	case <-r.again:
	case <-ctx.Done():
	}
}
