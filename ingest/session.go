package ingest

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/bluenviron/gortmplib/pkg/bytecounter"
	"github.com/bluenviron/gortmplib/pkg/handshake"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/bluenviron/gortmplib/pkg/rawmessage"
	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

// Why a session ended, besides what the network said.
var (
	errGoodbye    = errors.New("the encoder stopped streaming")
	errTLSOnPlain = errors.New("the encoder used rtmps:// on the RTMP port")
	errRTMPE      = errors.New("encrypted RTMP (rtmpe://) is not supported: use rtmp://")
	errNotRTMP    = errors.New("not RTMP")
	errPlay       = errors.New("playing over RTMP is not supported")
)

// session is one connection, from accept to close.
//
//	sniff ─▶ handshake ─▶ connect, createStream ... publish ─▶ authorize ─▶ media ─▶ end
//	└────────── budget, absolute deadline ────────────────┘               └ idle deadline
type session struct {
	server *Server
	conn   net.Conn
	log    *zap.Logger

	t *transport
	r *chunkReader
	w *message.Writer

	publish command // the one that was granted
	app     string
	agent   string

	pub     *relay.Publication
	media   describer
	skipped int64 // messages that could not be read
	bytes   int64 // media
}

// run serves the connection to its end and returns why it ended.
func (s *session) run(ctx context.Context) error {
	s.t = &transport{
		conn: s.conn, budget: handshakeBytes + commandBudget, writing: writeTimeout,
		readBy: time.Now().Add(s.server.Limits.Handshake), late: errSlow,
	}
	br := bufio.NewReaderSize(s.t, readBuffer)
	if err := sniff(br); err != nil {
		return err
	}
	if _, _, err := handshake.DoServer(readWriter{br, s.t}, false); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	w := bytecounter.NewWriter(s.t)
	s.w = message.NewWriter(w, w, false)
	s.r = newChunkReader(br, commandBudget, s.acknowledge)
	var err error
	if s.publish, err = s.negotiate(); err != nil {
		return err
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	defer s.pub.Close()
	return s.relay()
}

type readWriter struct {
	io.Reader
	io.Writer
}

// sniff looks at the first byte: RTMP's version (RTMP 1.0 section 5.2.2) or something that has to be named.
func sniff(br *bufio.Reader) error {
	first, err := br.Peek(1)
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	switch first[0] {
	case 3:
		return nil
	case 6:
		return errRTMPE
	case 0x16: // TLS handshake record
		return errTLSOnPlain
	}
	return errNotRTMP
}

// negotiate answers commands until the peer publishes.
func (s *session) negotiate() (publish command, err error) {
	for {
		raw, err := s.r.Read()
		if err != nil {
			return command{}, fmt.Errorf("before a publish: %w", err)
		}
		if done, err := s.control(raw); err != nil {
			return command{}, err
		} else if done || !isCommand(raw) {
			continue
		}
		c, err := readCommand(raw)
		if err != nil {
			return command{}, err
		}
		switch c.name {
		case "connect":
			app, _ := c.object(0).GetString("app")
			agent, _ := c.object(0).GetString("flashVer")
			s.app, s.agent = app, printable(agent)
			err = s.replyConnect(c)
		case "createStream":
			err = s.replyResult(c, float64(1))
		case "publish":
			return c, nil
		case "play":
			_ = s.replyStatus(c, "error", "NetStream.Play.Failed", errPlay.Error())
			err = refusal{errPlay}
		}
		if err != nil {
			return command{}, fmt.Errorf("answer %s: %w", printable(c.name), err)
		}
	}
}

// open finds out whether the peer may publish and puts it on its stream.
func (s *session) open(ctx context.Context) error {
	err := s.authorize(ctx)
	if err != nil {
		code := "NetStream.Publish.BadName"
		if errors.Is(err, ErrUnknownKey) || errors.Is(err, ErrNoKey) {
			code = "NetStream.Publish.Denied"
		}
		_ = s.replyStatus(s.publish, "error", code, err.Error())
		return refusal{err}
	}
	s.t.trust(s.server.Limits.Idle)
	s.r.limit = maxUnfinished
	if err := s.replyStatus(s.publish, "status", "NetStream.Publish.Start", "publishing"); err != nil {
		s.pub.Close()
		return fmt.Errorf("answer publish: %w", err)
	}
	s.log.Info("publisher accepted", zap.String("agent", s.agent))
	return nil
}

func (s *session) authorize(ctx context.Context) error {
	req, err := target(s.app, s.publish.text(1))
	s.log = s.log.With(zap.String("app", showApp(req.App)))
	if err != nil {
		return err
	}
	req.Remote = addrPort(s.conn.RemoteAddr())
	ctx, cancel := context.WithDeadline(ctx, s.t.readBy)
	defer cancel()
	grant, err := s.server.Auth.Authorize(ctx, req)
	if err != nil {
		return err
	}
	s.log = s.log.With(zap.String("stream", grant.Stream), zap.String("key", grant.Key))
	s.pub, err = s.server.Hub.Publish(grant.Stream, relay.Publisher{
		Key: grant.Key, Remote: s.conn.RemoteAddr().String(), Agent: s.agent,
	})
	return err
}

// relay carries media until the publisher goes or is sent away.
func (s *session) relay() error {
	var watch sync.WaitGroup
	defer watch.Wait()
	over := make(chan struct{})
	defer close(over)
	watch.Go(func() { // a replaced publisher may be a dead connection: its read would last until the idle limit
		select {
		case <-s.pub.Done():
			_ = s.conn.Close()
		case <-over:
		}
	})
	for {
		raw, err := s.r.Read()
		if err != nil {
			if why := s.pub.Err(); why != nil {
				return why
			}
			return err
		}
		if err := s.message(raw); err != nil {
			return err
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
		s.t.alive(s.server.Limits.Idle)
	}
	s.bytes += int64(len(body))
	if p.Slot != 0 && s.media.see(p) {
		s.pub.Describe(s.media.Media)
		if err := s.carried(p); err != nil {
			return err
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
	err := s.server.Carries(fourCC)
	if err != nil {
		_ = s.replyStatus(s.publish, "error", "NetStream.Publish.Rejected", err.Error())
		return refusal{err}
	}
	return nil
}

func isCommand(raw *rawmessage.Message) bool {
	t := message.Type(raw.Type)
	return t == message.TypeCommandAMF0 || t == message.TypeCommandAMF3
}

// control handles protocol control messages (RTMP 1.0 section 5.4) and user control messages (section 6.2). It
// reports whether it knew the message.
func (s *session) control(raw *rawmessage.Message) (known bool, err error) {
	var value uint32
	if len(raw.Body) >= 4 {
		value = binary.BigEndian.Uint32(raw.Body)
	}
	switch message.Type(raw.Type) {
	case message.TypeSetChunkSize:
		return true, s.setChunkSize(value)
	case message.TypeAbortMessage:
		s.r.Abort(value)
	case message.TypeSetWindowAckSize:
		if value > 0 {
			s.t.ackWindow = max(value, minAckWindow)
		}
	case message.TypeUserControl:
		if value>>16 == uint32(message.UserControlTypePingRequest) && len(raw.Body) >= 6 {
			return true, s.w.Write(&message.UserControlPingResponse{
				ServerTime: binary.BigEndian.Uint32(raw.Body[2:]),
			})
		}
	case message.TypeAcknowledge, message.TypeSetPeerBandwidth:
	default:
		return false, nil
	}
	return true, nil
}

func (s *session) setChunkSize(v uint32) error {
	if v < minChunkSize || v > maxChunkSize {
		return fmt.Errorf("chunk size of %d bytes, must be %d to %d", v, minChunkSize, maxChunkSize)
	}
	s.r.size = int(v)
	return nil
}

// acknowledge tells the peer what has come, as often as it asked for (RTMP 1.0 section 5.4.3).
func (s *session) acknowledge() error {
	if !s.t.ackDue() {
		return nil
	}
	return s.w.Write(&message.Acknowledge{Value: s.t.acked})
}
