package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/bluenviron/gortmplib/pkg/rawmessage"
	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

// errCodec marks a main track that no output could carry.
var errCodec = errors.New("no output could carry it")

// standingEvery is how often a standing grant is looked at again.
const standingEvery = time.Second

// publishing is what a session knows of its publish.
type publishing struct {
	granted bool // it was let in, as a publisher or a player
	pub     *relay.Publication
	media   describer
	idle    time.Duration
	seen    [32]bool // media of a kind has come
	skipped int64    // messages that could not be read
}

// publish puts the peer on its stream and carries its media.
func (s *session) publish(ctx context.Context) error {
	req, err := s.enter(ctx)
	if err != nil {
		code := "NetStream.Publish.BadName"
		if errors.Is(err, ErrUnknownKey) || errors.Is(err, ErrNoKey) {
			code = "NetStream.Publish.Denied"
		}
		_ = s.replyStatus(s.command, "error", code, err.Error())
		return refusal{err}
	}
	err = s.onAir(ctx, req)
	if meant(ctx, err) {
		s.pub.Close()
	} else {
		s.pub.Lose(errors.New(reason(ctx, err)))
	}
	return err
}

// meant reports whether a publish ended because somebody wanted it to. Any other end is a loss: the encoder crashed, or
// the network between.
func meant(ctx context.Context, err error) bool {
	var no refusal
	return ctx.Err() != nil || errors.Is(err, errGoodbye) || errors.Is(err, ErrRevoked) || errors.As(err, &no)
}

// onAir carries the media of a peer that was let in.
func (s *session) onAir(ctx context.Context, req Request) error {
	limits := s.server.Limits()
	s.idle = limits.Idle
	s.t.late, s.t.rate = errIdle, limits.Bitrate
	s.t.alive(s.idle)
	s.server.admitted(s.visitor)
	s.trust()
	if err := s.replyStatus(s.command, "status", "NetStream.Publish.Start", "publishing"); err != nil {
		return fmt.Errorf("answer publish: %w", err)
	}
	s.granted = true
	s.server.tally.attempt(accepted)
	s.log.Info("publisher accepted", zap.String("agent", s.agent))
	return s.relay(ctx, req)
}

// enter finds out whether the peer may publish and takes its stream.
func (s *session) enter(ctx context.Context) (Request, error) {
	req, err := s.authorize(ctx, Publish)
	if err != nil {
		return req, err
	}
	s.pub, err = s.server.Hub.Publish(s.grant.Stream, s.publisher())
	return req, err
}

// relay carries media until the publisher goes or is sent away.
func (s *session) relay(ctx context.Context, req Request) error {
	var revoked error
	var watch sync.WaitGroup
	over := make(chan struct{})
	watch.Go(func() { revoked = s.watch(ctx, req, over) })
	err := s.carry()
	close(over)
	watch.Wait()
	switch {
	case revoked != nil:
		return revoked
	case s.pub.Err() != nil:
		return s.pub.Err()
	}
	return err
}

func (s *session) carry() error {
	for {
		raw, err := s.r.Read()
		if err != nil {
			return err
		}
		if err := s.message(raw); err != nil {
			return err
		}
	}
}

// watch closes the connection of a publisher that was replaced, whose read could last until the idle limit, and of one
// whose standing grant no longer holds. It returns why the grant does not.
func (s *session) watch(ctx context.Context, req Request, over <-chan struct{}) error {
	var again <-chan time.Time
	if s.grant.Standing {
		tick := time.NewTicker(standingEvery)
		defer tick.Stop()
		again = tick.C
	}
	for {
		select {
		case <-s.pub.Done():
			_ = s.visitor.conn.Close()
			return nil
		case <-over:
			return nil
		case <-again:
			grant, err := s.server.Auth.Authorize(ctx, req)
			if err == nil && grant.Stream != s.grant.Stream {
				err = ErrUnknownKey // to this stream
			}
			if err != nil && ctx.Err() == nil {
				_ = s.visitor.conn.Close()
				return fmt.Errorf("%w: %w", ErrRevoked, err)
			}
		}
	}
}

// message handles one message of a granted publish.
func (s *session) message(raw *rawmessage.Message) error {
	switch message.Type(raw.Type) {
	case message.TypeAudio:
		return s.write(relay.Audio, raw, raw.Body)
	case message.TypeVideo:
		return s.write(relay.Video, raw, raw.Body)
	case message.TypeDataAMF0:
		return s.write(relay.Script, raw, raw.Body)
	case message.TypeDataAMF3:
		return s.write(relay.Script, raw, raw.Body[min(1, len(raw.Body)):])
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		c, err := readCommand(raw)
		if err != nil {
			s.skipped++
			return nil
		}
		switch c.name {
		case "FCUnpublish", "deleteStream", "closeStream":
			return errGoodbye
		}
		return nil
	}
	known, err := s.control(raw)
	if !known && err == nil {
		s.skipped++
	}
	return err
}

// setDataFrame precedes metadata on the wire; FLV has only what follows it.
const setDataFrame = "\x02\x00\x0d@setDataFrame"

func (s *session) write(kind relay.Kind, raw *rawmessage.Message, body []byte) error {
	if kind == relay.Script {
		if checkAMF(body) != nil {
			s.skipped++
			return nil
		}
		if len(body) > len(setDataFrame) && string(body[:len(setDataFrame)]) == setDataFrame {
			body = body[len(setDataFrame):]
		}
	}
	p, err := flv.Seal(kind, uint32(raw.Timestamp/time.Millisecond), body)
	if err != nil || p.Slot != 0 && len(body) > maxInitBytes {
		s.skipped++
		return nil
	}
	if kind != relay.Script {
		s.t.alive(s.idle)
	}
	s.bytes += int64(len(body))
	if p.Slot != 0 && s.media.see(p) {
		s.pub.Describe(s.media.Media)
		if err := s.carried(p); err != nil {
			return err
		}
	}
	if p.Slot == 0 && !s.seen[kind&31] {
		s.seen[kind&31] = true
		if codec := flv.Legacy(p); codec != "" && s.server.Carries != nil {
			return s.refuse(fmt.Errorf("codec %s: set the encoder to H.264 and AAC", codec))
		}
	}
	return s.pub.Write(p)
}

// carried refuses main tracks that no output could carry.
func (s *session) carried(p relay.Packet) error {
	if p.Slot != relay.HeaderSlot(p.Kind, 0) || s.server.Carries == nil {
		return nil
	}
	fourCC, _ := flv.Codec(p)
	if err := s.server.Carries(fourCC); err != nil {
		return s.refuse(err)
	}
	return nil
}

// refuse tells a publisher that its codec is no use.
func (s *session) refuse(why error) error {
	_ = s.replyStatus(s.command, "error", "NetStream.Publish.Rejected", why.Error())
	return refusal{fmt.Errorf("%w: %w", errCodec, why)}
}
