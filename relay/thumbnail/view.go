package thumbnail

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// backlog is what a subscription may hold while its keyframe is looked for, in bytes.
const backlog = 1 << 20

// errOffAir: nothing is on.
var errOffAir = errors.New("off air: there is nothing to show")

// view is one stream's picture, or why there is none.
type view struct {
	turn chan struct{} // holds one while somebody looks or makes

	// For who has the turn.
	tried   time.Time // when it was last made
	session time.Time // and in which session
	newest  *picture  // nil: err says why
	err     error
}

func newView() *view { return &view{turn: make(chan struct{}, 1)} }

// look returns the picture, and makes it where it is old. Who waits for another's turn may give up.
func (v *view) look(ctx context.Context, s Source, t Tool, p Pace) (*picture, error) {
	select {
	case v.turn <- struct{}{}:
		defer func() { <-v.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	sub, on := s.Listen(backlog)
	if !on {
		v.newest, v.err = nil, errOffAir
		return v.newest, v.err
	}
	defer sub.Close()
	p = p.withDefaults()
	session := sub.Session() // a show begins with a picture of its own
	if session.Equal(v.session) && time.Since(v.tried) < p.Every {
		return v.newest, v.err
	}
	// A picture that was begun is made: others wait for it, and whoever asked may ask again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.Patience)
	defer cancel()
	v.newest, v.err = v.make(ctx, sub, t)
	v.tried, v.session = time.Now(), session
	return v.newest, v.err
}

// make makes a picture of the newest keyframe, unless that is the one at hand.
func (v *view) make(ctx context.Context, sub *relay.Subscription, t Tool) (*picture, error) {
	k, err := newest(ctx, sub)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, relay.ErrClosed):
		return nil, errOffAir
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errors.New("no keyframe has come yet: there is nothing to show")
	case err != nil:
		return nil, err
	case v.newest != nil && k.same(v.newest.session, v.newest.dts):
		return v.newest, nil
	}
	return t.draw(ctx, k)
}
