package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/bluenviron/gortmplib/pkg/message"
	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay"
)

// Reasons for which a play is refused.
var (
	ErrPlay    = &Cause{"play", "this key is for publishing only"}
	ErrNotLive = &Cause{"not_live", "this stream is not live"}
)

const (
	// playQueue is what a player may hold back before it loses GOPs, in bytes.
	playQueue = 16 << 20
	// playPatience is how long a player waits for the first keyframe of a session that has just begun.
	playPatience = 10 * time.Second
)

// play sends a stream to the peer, from the newest keyframe on, until the session is over or the peer leaves. It never
// slows anything: a player that does not keep up loses GOPs, and one that does not read is sent away.
func (s *session) play(ctx context.Context) error {
	sub, err := s.admitPlayer(ctx)
	if err != nil {
		code := "NetStream.Play.Failed"
		if errors.Is(err, ErrNotLive) {
			code = "NetStream.Play.StreamNotFound"
		}
		_ = s.replyStatus(s.command, "error", code, err.Error())
		return refusal{err}
	}
	defer sub.Close()
	s.trust()
	if err := s.replyPlay(); err != nil {
		return fmt.Errorf("answer play: %w", err)
	}
	s.granted = true
	s.server.tally.attempt(accepted)
	s.log.Info("player accepted", zap.String("agent", s.agent))

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var listening sync.WaitGroup
	defer listening.Wait()
	defer s.visitor.conn.Close() //nolint:errcheck // ends the listening
	s.t.readBy = time.Time{}
	listening.Go(func() { // whatever a player says, it is told the same; only its leaving matters
		_, _ = io.Copy(io.Discard, s.r.br)
		cancel(errPlayerGone)
	})
	err = s.send(ctx, sub)
	s.log = s.log.With(zap.Int64("lost_gops", sub.Drops().GOPs))
	if errors.Is(context.Cause(ctx), errPlayerGone) && !errors.Is(err, errSessionOver) { // told of the end, it leaves
		return errPlayerGone
	}
	return err
}

// admitPlayer finds out whether the peer may play and joins the stream.
func (s *session) admitPlayer(ctx context.Context) (*relay.Subscription, error) {
	if _, err := s.authorize(ctx, Play); err != nil {
		return nil, err
	}
	if err := s.server.seat(s.visitor, s.server.Limits()); err != nil {
		return nil, err
	}
	sub, live := s.server.Hub.Listen(s.grant.Stream, playQueue)
	if !live {
		return nil, ErrNotLive
	}
	return sub, nil
}

// send writes what the stream has, from its first packet at timestamp 0.
func (s *session) send(ctx context.Context, sub *relay.Subscription) error {
	first, cancel := context.WithTimeout(ctx, playPatience)
	packets, err := sub.Read(first, nil)
	cancel()
	if err != nil {
		return cmp.Or(context.Cause(ctx), error(ErrNotLive))
	}
	base, _ := relay.Base(packets)
	var w chunkWriter
	for {
		for _, p := range packets {
			w.add(p, uint32(max(p.DTS-base, 0)))
			s.bytes += int64(len(p.Body))
		}
		if err := w.flush(s.t); err != nil {
			return err
		}
		if packets, err = sub.Read(ctx, packets); err != nil {
			break
		}
	}
	if ctx.Err() == nil {
		_ = s.replyStatus(s.command, "status", "NetStream.Play.UnpublishNotify", "the stream has ended")
		_ = s.w.Write(&message.UserControlStreamEOF{StreamID: mediaStream})
	}
	if errors.Is(err, io.EOF) {
		return errSessionOver
	}
	return err
}
