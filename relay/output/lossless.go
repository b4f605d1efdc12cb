package output

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay"
)

// subscribe joins the stream. stop forgets what is held of it.
func (r *runner) subscribe(ctx context.Context) (f *feed, stop func()) {
	f = &feed{sub: r.next, reads: r.tool.Reads, track: r.spec.AudioTrack}
	if r.next = nil; f.sub == nil {
		f.sub = r.join()
	}
	f.limit = r.spec.Roll
	f.in = f.sub
	if r.spec.Ledger == nil {
		return f, func() {}
	}
	f.keeps, f.spool = &retained{ledger: r.spec.Ledger}, newSpool(f.sub, r.of.Spool)
	f.in = f.spool
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var next *relay.Subscription
	wg.Go(func() {
		f.spool.run(ctx)
		if ctx.Err() == nil {
			next = r.join() // the next session is not missed while the end of this one waits for a child
		}
	})
	return f, func() {
		cancel()
		wg.Wait()
		f.spool.close()
		r.next = next
	}
}

func (r *runner) join() *relay.Subscription {
	sub := r.source.Subscribe(r.spec.queue())
	sub.Delay(r.spec.Delay)
	if r.spec.FixedHeaders {
		sub.Accept(relay.FreezeOnly)
	}
	return sub
}

// leave ends the subscription to a session that has yet to begin.
func (r *runner) leave() {
	if r.next != nil {
		r.next.Close()
		r.next = nil
	}
}

// lastWait is how long the end of a session may keep the next one waiting, which is held meanwhile.
const lastWait = time.Minute

// owes reports whether a lossless output has to try again with what it holds.
func (r *runner) owes(ctx context.Context, f *feed, err error) bool {
	if err == nil || ctx.Err() != nil || r.spec.Ledger == nil || errors.Is(err, relay.ErrClosed) {
		return false
	}
	if start, on := r.source.Session(); on && start.After(r.attempt.Session) && time.Since(start) > lastWait {
		memory, disk := f.spool.held()
		r.log.Error("the end of a session is not recorded: no child could write it, and the next session waits", zap.Int("packets", len(f.pending)),
			zap.Int64("bytes_behind", memory+disk), zap.Error(err))
		return false
	}
	return true
}

// cut is for when the next child is about to be given what the last one did not bring to disk.
func (r *runner) cut(f *feed) {
	if f.keeps == nil {
		return
	}
	if err := f.keeps.cut(); err != nil {
		r.log.Error("the recording may hold packets twice", zap.String("file", f.keeps.file), zap.Error(err))
	}
}

// settle has a lossless output go on where its child's file is whole. An output that is no longer wanted does not go on: its
// file stays as it is.
func (r *runner) settle(wanted context.Context, f *feed, why error) error {
	if wanted.Err() != nil {
		return why
	}
	owed, err := f.settle()
	if err != nil {
		r.log.Error("what of the recording is whole cannot be told: it may hold packets twice", zap.String("file", f.file), zap.Error(err))
	}
	if owed && why == nil {
		return trouble{errors.New("the child ended in order, and not all of it is on disk"), Disk}
	}
	return why
}
