package upload

import (
	"context"
	"io"
	"time"

	"golang.org/x/time/rate"
)

// chunk is what is read at once where there is a rate: it keeps the pace even.
const chunk = 16 << 10

// pace keeps to a number of bit/s, across parts and requests. nil keeps to none.
type pace struct{ limiter *rate.Limiter }

func newPace(bitrate int64) *pace {
	if bitrate == 0 {
		return nil
	}
	return &pace{rate.NewLimiter(rate.Limit(float64(bitrate)/8), chunk)}
}

// body is what a request sends or an answer brings: it is counted, keeps the pace, and feeds the watch.
type body struct {
	io.Reader
	ctx   context.Context
	pace  *pace
	watch *watch
	moved func(bytes int)
}

func (b *body) Read(p []byte) (int, error) {
	if b.pace != nil {
		p = p[:min(len(p), chunk)]
	}
	n, err := b.Reader.Read(p)
	if b.pace != nil && n > 0 {
		if err := b.pace.limiter.WaitN(b.ctx, n); err != nil {
			return 0, err
		}
	}
	b.watch.feed()
	b.moved(n)
	return n, err
}

// watch ends a request that nothing moves in.
type watch struct {
	timer *time.Timer
	after time.Duration
}

// watched returns a context that ends with errStalled as its cause unless the watch is fed. Call stop in any case.
func watched(ctx context.Context, after time.Duration) (_ context.Context, w *watch, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w = &watch{time.AfterFunc(after, func() { cancel(errStalled) }), after}
	return ctx, w, func() {
		w.timer.Stop()
		cancel(nil)
	}
}

func (w *watch) feed() { w.timer.Reset(w.after) }
