package relaytest

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/bluenviron/gortmplib/pkg/bytecounter"
	"github.com/bluenviron/gortmplib/pkg/handshake"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/bluenviron/gortmplib/pkg/rawmessage"
)

const (
	// mediaStream is stream 1 as gortmplib wants it: RTMP's only little-endian number, unswapped.
	mediaStream = 0x1000000
	// statusChunkStream carries onStatus; any number above those of control and commands will do.
	statusChunkStream = 5
	pingInterval      = 50 * time.Millisecond
)

var errRefused = errors.New("publish refused")

// sinkConn is one connection of a [Sink]. It reads raw messages, not gortmplib's parsed ones, because hashes are
// over the bytes that came.
type sinkConn struct {
	sink    *Sink
	tcp     *net.TCPConn
	session *Session // guarded by the sink's lock
	once    sync.Once
	gone    chan struct{} // closed when the connection is

	rw     io.ReadWriter // tcp, or TLS over it
	reader *rawmessage.Reader
	writer *message.Writer
	timer  *time.Timer // of ResetAfter

	publishing bool // a publish was accepted
}

func newSinkConn(sink *Sink, tcp *net.TCPConn) *sinkConn {
	return &sinkConn{
		sink:    sink,
		tcp:     tcp,
		session: &Session{Connected: time.Now()},
		gone:    make(chan struct{}),
	}
}

func (c *sinkConn) close() {
	c.once.Do(func() {
		close(c.gone)
		c.tcp.Close()
	})
}

// reset closes with a TCP RST instead of a FIN.
func (c *sinkConn) reset() {
	// Both fail only where the connection has ended, and a reset is then too late anyway.
	_ = c.tcp.SetLinger(0)
	c.close()
}

// serve returns when the connection is over. Why it ended is seen in what was recorded, so the error is dropped.
func (c *sinkConn) serve() {
	defer c.close()
	if c.open() == nil {
		_ = c.readAll()
	}
	if c.timer != nil {
		c.timer.Stop()
	}
}

func (c *sinkConn) open() error {
	if !pause(c.sink.current().answerAfter, c.gone) {
		return net.ErrClosed
	}
	held := &heldConn{
		TCPConn: c.tcp, gate: c.sink.gate, gone: c.gone,
		rate: func() int { return c.sink.current().rate },
	}
	c.rw = held
	if c.sink.authority != nil {
		config := c.sink.tlsConfig(func(name string) {
			c.sink.record(func() { c.session.SNI = name })
		})
		c.rw = tls.Server(held, config)
	}
	counter := bytecounter.NewReadWriter(c.rw)
	if _, _, err := handshake.DoServer(counter, false); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	c.writer = message.NewWriter(counter, counter.Writer, false)
	c.reader = rawmessage.NewReader(counter, counter.Reader, func(count uint32) error {
		return c.writer.Write(&message.Acknowledge{Value: count})
	})
	c.reader.SetWindowAckSize(c.sink.ackWindow)
	return nil
}

func (c *sinkConn) readAll() error {
	for {
		if err := c.chatter(); err != nil {
			return err
		}
		msg, err := c.reader.Read()
		if err != nil {
			return fmt.Errorf("read message: %w", err)
		}
		if err := c.handle(msg); err != nil {
			return err
		}
	}
}

// chatter pings a session that publishes for as long as that is all the sink does.
func (c *sinkConn) chatter() error {
	if !c.publishing || !c.sink.current().chatter {
		return nil
	}
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	for c.sink.current().chatter {
		now := uint32(time.Since(c.session.Connected).Milliseconds())
		if err := c.writer.Write(&message.UserControlPingRequest{ServerTime: now}); err != nil {
			return fmt.Errorf("ping: %w", err)
		}
		select {
		case <-ticker.C:
		case <-c.gone:
			return net.ErrClosed
		}
	}
	return nil
}

func (c *sinkConn) handle(msg *rawmessage.Message) error {
	switch message.Type(msg.Type) {
	case message.TypeSetChunkSize:
		if len(msg.Body) != 4 {
			return errors.New("malformed chunk size")
		}
		return c.reader.SetChunkSize(binary.BigEndian.Uint32(msg.Body))
	case message.TypeAudio, message.TypeVideo, message.TypeDataAMF0:
		c.media(msg)
	case message.TypeCommandAMF0:
		return c.command(msg)
	}
	return nil
}

func (c *sinkConn) media(msg *rawmessage.Message) {
	tag := newTag(msg.Type, uint32(msg.Timestamp/time.Millisecond), msg.Body)
	if c.sink.current().discard {
		return
	}
	if c.sink.bodies {
		tag.Body = bytes.Clone(msg.Body)
	}
	c.sink.record(func() {
		if c.session.FirstMedia.IsZero() && !tag.Init {
			c.session.FirstMedia = tag.At
		}
		c.session.Tags = append(c.session.Tags, tag)
	})
}

func (c *sinkConn) command(msg *rawmessage.Message) error {
	data, err := amf0.Unmarshal(msg.Body)
	if err != nil {
		return fmt.Errorf("decode command: %w", err)
	}
	if len(data) < 2 {
		return errors.New("command without a name and a number")
	}
	name, _ := data[0].(string)
	number, _ := data[1].(float64)
	reply := &message.CommandAMF0{ChunkStreamID: msg.ChunkStreamID, Name: "_result", CommandID: int(number)}

	switch name {
	case "connect":
		return c.connect(data, reply)
	case "createStream":
		reply.Arguments = amf0.Data{nil, float64(1)}
		return c.writer.Write(reply)
	case "publish":
		return c.publish(data)
	case "FCUnpublish", "deleteStream", "closeStream":
		c.sink.record(func() { c.session.Clean = true })
	}
	return nil
}

func (c *sinkConn) connect(data amf0.Data, reply *message.CommandAMF0) error {
	if len(data) > 2 {
		object, _ := data[2].(amf0.Object)
		c.sink.record(func() {
			c.session.App, _ = object.GetString("app")
			c.session.TCURL, _ = object.GetString("tcUrl")
		})
	}
	reply.Arguments = amf0.Data{
		amf0.Object{{Key: "fmsVer", Value: "FMS/3,5,3,888"}, {Key: "capabilities", Value: float64(31)}},
		amf0.Object{
			{Key: "level", Value: "status"},
			{Key: "code", Value: "NetConnection.Connect.Success"},
			{Key: "description", Value: "Connection succeeded."},
		},
	}
	for _, msg := range []message.Message{
		&message.SetWindowAckSize{Value: 2_500_000},
		&message.SetPeerBandwidth{Value: 2_500_000, Type: 2},
		&message.SetChunkSize{Value: 4096},
		reply,
	} {
		if err := c.writer.Write(msg); err != nil {
			return fmt.Errorf("answer connect: %w", err)
		}
	}
	return nil
}

func (c *sinkConn) publish(data amf0.Data) error {
	if len(data) > 3 {
		c.sink.record(func() { c.session.Key, _ = data[3].(string) })
	}
	behaviour := c.sink.current()
	if behaviour.refusal != nil {
		return c.refuse(*behaviour.refusal)
	}
	if err := c.status("status", "NetStream.Publish.Start", "Publishing."); err != nil {
		return err
	}
	c.publishing = true
	if behaviour.resetAfter > 0 {
		c.timer = time.AfterFunc(behaviour.resetAfter, c.reset)
	}
	return nil
}

func (c *sinkConn) refuse(r refusal) error {
	if err := c.status("error", r.code, r.description); err != nil {
		return err
	}
	return errRefused
}

func (c *sinkConn) status(level, code, description string) error {
	err := c.writer.Write(&message.CommandAMF0{
		ChunkStreamID:   statusChunkStream,
		MessageStreamID: mediaStream,
		Name:            "onStatus",
		Arguments: amf0.Data{nil, amf0.Object{
			{Key: "level", Value: level},
			{Key: "code", Value: code},
			{Key: "description", Value: description},
		}},
	})
	if err != nil {
		return fmt.Errorf("send status %s: %w", code, err)
	}
	return nil
}
