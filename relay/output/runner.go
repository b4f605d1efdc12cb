package output

import (
	"cmp"
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
	// delayedSecond is what a second of delay may hold back beside, in bytes: 40 Mb/s.
	delayedSecond = 5 << 20

	// rollEvery is the shortest time from one child to the next that takes over from it.
	rollEvery = time.Second
	// lastWords is how long a child whose platform is gone has to say what it was told.
	lastWords = time.Second

	keptLines = 10
)

// runner runs one output for as long as it is wanted.
type runner struct {
	spec     Spec
	source   Source
	tool     Tool
	log      *zap.Logger
	redact   *secret.Redactor
	patience patience
	of       *Set          // the others it shares with
	again    chan struct{} // cuts a wait for the next try short
	shift

	mu     sync.Mutex
	status Status // its counts are of feeds that are gone
	feed   *feed  // the present one
	tally
}

// shift is what a runner has from child to child.
type shift struct {
	derived *derived            // the media of the present session's children, of a rendition
	attempt ffmpeg.Attempt      // the present or last one; Session is zero when no session is unfinished
	next    *relay.Subscription // of an output that loses nothing: for the session after this one
}

// tally is what a runner remembers of its push. It is guarded by runner.mu.
type tally struct {
	link   Link      // the present one
	proven bool      // the platform has taken media with this key
	slow   time.Time // when it was last too slow
	drops  int64     // GOPs dropped until then
}

func newRunner(spec Spec, source Source, set *Set) *runner {
	r := &runner{
		spec: spec, source: source, tool: set.Tool, of: set,
		log:      set.Log.With(zap.String("stream", spec.ID.Stream), zap.String("output", spec.ID.Kind), zap.String("name", spec.ID.Name)),
		redact:   secret.NewRedactor(spec.Secrets...),
		patience: patience{healthy: cmp.Or(set.Healthy, defaultHealthy)},
		again:    make(chan struct{}, 1),
		status:   Status{ID: spec.ID, Target: spec.Target, From: spec.From, State: Waiting, Since: time.Now()},
	}
	if spec.Rest != (Rest{}) {
		r.status.State, r.status.Class, r.status.Reason = spec.Rest.State, spec.Rest.Class, spec.Rest.Reason
	}
	return r
}

// Serve runs the output until ctx is cancelled or the stream is closed.
func (r *runner) Serve(ctx context.Context) error {
	if r.spec.Rest != (Rest{}) {
		<-ctx.Done()
		return nil
	}
	defer r.finish()
	defer r.leave()
	for ctx.Err() == nil {
		f, stop := r.subscribe(ctx)
		r.attach(f)
		err := r.show(ctx, f)
		for r.owes(ctx, f, err) {
			r.sleep(ctx, err)
			err = r.show(ctx, f)
		}
		stop()
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
			if f.end != nil && !errors.Is(f.end, io.EOF) && !errors.Is(f.end, relay.ErrClosed) {
				r.log.Error("the end of what was held is lost", zap.Error(f.end))
			}
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
	r.attempt.FPS = r.source.FPS()
	r.attempt.VideoCodec = f.videoCodec()
	clock := f.sub.Clock()
	at, picture := f.begins()
	r.attempt.Zero, r.attempt.Begin, r.attempt.PictureFirst = clock.Zero, clock.Shift+at, picture
}

// finish tells once that this output is done with a session.
func (r *runner) finish() {
	if r.attempt.Session.IsZero() {
		return
	}
	if r.derived != nil {
		r.derived.close()
		r.derived = nil
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
	r.connect(nil)
	link, err := r.spec.Gate.Open(ctx)
	if err != nil {
		return err
	}
	r.connect(link)
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
	if err != nil || !link.Progress().Begun { // failed, or never connected
		stop() // nothing more will come through it
	}
	cancel(nil)
	wg.Wait()
	var ended failure
	if lost != nil && !errors.Is(lost, context.Canceled) && errors.As(err, &ended) && classOf(ended) != Rejected && classOf(ended) != Busy {
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
	if err := room(job, r.patience.class == Disk); err != nil {
		return err
	}
	if err := r.derive(); err != nil {
		return err
	}
	spec, err := r.command(job, f)
	if err != nil {
		return err
	}
	f.start(job.RollOnHeader || r.spec.FixedHeaders, cmp.Or(append(job.Watch, "")...))
	wanted := ctx
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
	r.cut(f)
	exit := process.Run(ctx, spec)
	cause := context.Cause(ctx)
	cancel(nil)
	wg.Wait()
	r.log.Debug("child ended", zap.Stringer("exit", exit), zap.Duration("ran", exit.Ran()), zap.Strings("lines", exit.Lines))
	why := cmp.Or(fileTrouble(job, exit), r.judge(f, exit, cause))
	if why == nil && f.verdict != fed {
		why = dog.ended(exit)
	}
	return r.settle(wanted, f, why)
}

// judge says whether a child's end was a failure, and which.
func (r *runner) judge(f *feed, exit process.Exit, cause error) error {
	switch {
	case isStall(cause):
		return failure{cause, exit.Ran()}
	case f.verdict != fed && exit.Code == 0:
		return nil
	case errors.Is(cause, context.Canceled):
		return nil // no longer wanted
	case cause != nil:
		return failure{cause, exit.Ran()}
	case exit.Pid != 0 && exit.Err != nil && !errors.Is(exit.Err, exit.FeedErr):
		return failure{exit.Err, exit.Ran()} // of what was read from it: its own words are of what followed
	}
	switch why := ffmpeg.Classify(exit.Lines, exit); why {
	case ffmpeg.CauseNone:
		return failure{fmt.Errorf("ffmpeg ended: %s", exit), exit.Ran()}
	case ffmpeg.CauseRejected:
		return failure{r.rejected(lastLine(exit.Lines, "Server error: ")), exit.Ran()}
	case ffmpeg.CauseClosed:
		if f := r.Status(); f.Delivery != nil && f.Delivery.Acked <= chatter {
			return failure{trouble{errors.New("it hung up before the publish, or does not speak RTMP there: check host, port and app"), Closed}, exit.Ran()}
		}
		fallthrough
	default:
		return failure{trouble{fmt.Errorf("ffmpeg: %s (%s)", why, exit), ofCause(why)}, exit.Ran()}
	}
}

func isStall(cause error) bool {
	return errors.Is(cause, errStalled) || errors.Is(cause, errWedged) || errors.Is(cause, errMute)
}

// rejected is what a platform's no means. A key that it took media with before is right: the platform has not noticed
// the end of the session before, or another encoder uses the key.
func (r *runner) rejected(words string) error {
	r.mu.Lock()
	proven := r.proven
	r.mu.Unlock()
	if proven {
		return trouble{fmt.Errorf("rejected by the platform, which took this key before: is the last session still on, or another encoder? (%s)", words), Busy}
	}
	return trouble{fmt.Errorf("rejected by the platform: check the key, and that nobody else publishes with it (%s)", words), Rejected}
}

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
	var output func(io.Reader) error
	if r.derived != nil {
		output = r.derived.read
	}
	return process.Spec{
		Output: output,
		Path:   r.tool.Path, Args: args, Env: r.tool.Env, Secrets: secrets, DieWithParent: job.DieWithParent,
		Feed: feed, Started: r.started, Line: r.line, Progress: progress, Redact: r.redact.Redact, PipeSize: 256 << 10,
	}, nil
}

// sleep waits for the next try.
func (r *runner) sleep(ctx context.Context, why error) {
	var f failure
	_ = errors.As(why, &f)
	class := classOf(why)
	wait := r.patience.next(class, f.ran)
	if r.spec.Ledger != nil {
		wait = min(wait, time.Second) // what it holds meanwhile would be lost with the relay
	}
	r.retry(why, time.Now().Add(wait))
	say := r.log.Debug
	if r.patience.news(time.Now()) {
		say = r.log.Warn
	}
	say("output failed", zap.String("class", string(class)), zap.String("reason", r.redact.Redact(why.Error())), zap.Duration("next_try_in", wait.Round(time.Millisecond)))
	select {
	case <-time.After(wait):
	case <-r.again:
	case <-ctx.Done():
	}
	if r.spec.Gate == nil {
		return // files are this machine's own affair
	}
	// Pushes that fell together do not return together. The turn is awaited before there is a subscription: what it
	// would hold back meanwhile were a backlog.
	_ = r.of.starts.Wait(ctx) // fails only when ctx is over, which the caller looks at
}
