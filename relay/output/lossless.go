package output

import (
	"context"
	"errors"
	"sync"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay"
)

// subscribe joins the stream. stop forgets what is held of it.
func (r *runner) subscribe(ctx context.Context) (f *feed, stop func()) {
	f = &feed{sub: r.source.Subscribe(r.spec.queue()), reads: r.tool.Reads, track: r.spec.AudioTrack}
	f.limit = r.spec.Roll
	f.sub.Delay(r.spec.Delay)
	if r.spec.FixedHeaders {
		f.sub.Accept(relay.FreezeOnly)
	}
	f.in = f.sub
	if r.spec.Ledger == nil {
		return f, func() {}
	}
	f.keeps, f.spool = &retained{ledger: r.spec.Ledger}, newSpool(f.sub, r.of.Spool)
	f.in = f.spool
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { f.spool.run(ctx) })
	return f, func() {
		cancel()
		wg.Wait()
		f.spool.close()
	}
}

// owes reports whether a lossless output has to try again with what it holds. That ends with the next session, whose
// beginning it would miss.
func (r *runner) owes(ctx context.Context, f *feed, err error) bool {
	if err == nil || ctx.Err() != nil || r.spec.Ledger == nil || errors.Is(err, relay.ErrClosed) {
		return false
	}
	if start, on := r.source.Session(); on && !start.Equal(r.attempt.Session) {
		memory, disk := f.spool.held()
		r.log.Error("the end of a session is not recorded: the next session has begun", zap.Int("packets", len(f.pending)),
			zap.Int64("bytes_behind", memory+disk), zap.Error(err))
		return false
	}
	return true
}

// settle has a lossless output go on where its child's file is whole. An output that is no longer wanted does not go on: its
// file stays as it is.
func (r *runner) settle(wanted context.Context, f *feed, why error) error {
	if wanted.Err() != nil {
		return why
	}
	owed, err := f.settle()
	if err != nil {
		r.log.Error("the file may hold packets twice", zap.String("file", f.file), zap.Error(err))
	}
	if owed && why == nil {
		return trouble{errors.New("the child ended in order, and not all of it is on disk"), Disk}
	}
	return why
}
