package ingest_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/bluenviron/gortmplib/pkg/bytecounter"
	"github.com/bluenviron/gortmplib/pkg/handshake"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/bluenviron/gortmplib/pkg/rawmessage"

	"github.com/restreamd/restreamd/relay"
)

// client is an RTMP peer that does as it is told, well or badly.
type client struct {
	net.Conn
	t testing.TB
	w *rawmessage.Writer
	r *rawmessage.Reader
}

// dial connects and does nothing else.
func dial(t *testing.T, h *house) *client {
	t.Helper()
	conn, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{Conn: conn, t: t}
}

func (c *client) name() string { return c.LocalAddr().String() }

func (c *client) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) handshake() *client {
	c.t.Helper()
	_, _, err := handshake.DoClient(c.Conn, false, true)
	c.must(err)
	counter := bytecounter.NewReadWriter(c.Conn)
	c.w = rawmessage.NewWriter(counter, counter.Writer, false)
	c.r = rawmessage.NewReader(counter, counter.Reader, func(uint32) error { return nil })
	return c
}

// send fails the test only if the server did not end the connection: whether it had to is the test's business.
func (c *client) send(kind message.Type, ms int64, body []byte) error {
	return c.w.Write(&rawmessage.Message{
		ChunkStreamID: 4, Type: uint8(kind), MessageStreamID: 0x1000000,
		Timestamp: time.Duration(ms) * time.Millisecond, Body: body,
	})
}

func (c *client) command(values ...any) {
	c.t.Helper()
	body, err := amf0.Data(values).Marshal()
	c.must(err)
	c.must(c.send(message.TypeCommandAMF0, 0, body))
}

func (c *client) chunkSize(n uint32) {
	c.t.Helper()
	c.must(c.send(message.TypeSetChunkSize, 0, binary.BigEndian.AppendUint32(nil, n)))
	c.w.SetChunkSize(n)
}

// reply returns the next command of the server.
func (c *client) reply() (amf0.Data, error) {
	c.must(c.SetReadDeadline(time.Now().Add(soon)))
	for {
		m, err := c.r.Read()
		if err != nil {
			return nil, err
		}
		switch message.Type(m.Type) {
		case message.TypeSetChunkSize:
			if err := c.r.SetChunkSize(binary.BigEndian.Uint32(m.Body)); err != nil {
				return nil, err
			}
		case message.TypeCommandAMF0:
			return amf0.Unmarshal(m.Body)
		}
	}
}

// result waits for the answer to a connect or createStream.
func (c *client) result() {
	c.t.Helper()
	data, err := c.reply()
	c.must(err)
	if len(data) == 0 || data[0] != "_result" {
		c.t.Fatalf("answered %v", data)
	}
}

// status waits for an onStatus.
func (c *client) status() (code, description string) {
	c.t.Helper()
	data, err := c.reply()
	c.must(err)
	if len(data) < 4 || data[0] != "onStatus" {
		c.t.Fatalf("answered %v", data)
	}
	o, _ := data[3].(amf0.Object)
	code, _ = o.GetString("code")
	description, _ = o.GetString("description")
	return code, description
}

func (c *client) connect(app string) *client {
	c.t.Helper()
	c.command("connect", float64(1), amf0.Object{{Key: "app", Value: app}, {Key: "flashVer", Value: "test/1"}})
	c.result()
	return c
}

// ask publishes under a name and returns the answer.
func (c *client) ask(name string) (code, description string) {
	c.t.Helper()
	c.command("createStream", float64(2), nil)
	c.result()
	c.command("publish", float64(3), nil, name, "live")
	return c.status()
}

func (c *client) publish(name string) *client {
	c.t.Helper()
	if code, description := c.ask(name); code != "NetStream.Publish.Start" {
		c.t.Fatalf("refused: %s: %s", code, description)
	}
	return c
}

// publisher is a client on the air.
func publisher(t *testing.T, h *house, key string) *client {
	t.Helper()
	return dial(t, h).handshake().connect("live").publish(key)
}

// write sends packets as they are.
func (c *client) write(packets ...relay.Packet) {
	c.t.Helper()
	for _, p := range packets {
		c.must(c.send(message.Type(p.Kind), p.DTS, p.Body))
	}
}

func (c *client) goodbye() {
	c.t.Helper()
	c.command("FCUnpublish", float64(4), nil, "name")
	// Closing now, with the server's bytes unread, would be a reset, and what was sent before might be lost to it.
	c.must(c.Conn.(*net.TCPConn).CloseWrite())
	c.must(c.SetReadDeadline(time.Now().Add(soon)))
	_, err := io.Copy(io.Discard, c.Conn)
	c.must(err)
}

// frame is a video packet with a serial number, every tenth one a keyframe.
func frame(i int) relay.Packet {
	first := byte(0x27)
	if i%10 == 0 {
		first = 0x17
	}
	return relay.Packet{Kind: relay.Video, DTS: int64(i) * 33, Body: fmt.Appendf([]byte{first, 1, 0, 0, 0}, "frame %d", i)}
}

func frames(from, to int) (all []relay.Packet) {
	for i := from; i < to; i++ {
		all = append(all, frame(i))
	}
	return all
}
