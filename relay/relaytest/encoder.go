package relaytest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/bluenviron/gortmplib/pkg/bytecounter"
	"github.com/bluenviron/gortmplib/pkg/handshake"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/bluenviron/gortmplib/pkg/rawmessage"
	"golang.org/x/sys/unix"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

const (
	encoderChunkSize = 4096
	encoderDeadline  = 10 * time.Second
	encoderStream    = 1 // number of the message stream
)

// Encoder is an encoder of our own, for what ffmpeg cannot be made to do: it knows when it sent each packet, and sends
// any timestamp and any body. Its methods are for one goroutine.
type Encoder struct {
	conn net.Conn
	w    *message.Writer
	raw  *rawmessage.Writer
	wg   sync.WaitGroup
}

// Dial connects to rtmp://host:port/app/KEY and publishes. An error holds the server's words where it refused. It is
// closed at the end of the test.
func Dial(t testing.TB, target string) (*Encoder, error) {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	app, key, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if u.RawQuery != "" {
		key += "?" + u.RawQuery
	}
	conn, err := net.DialTimeout("tcp", u.Host, encoderDeadline)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	e := &Encoder{conn: conn}
	t.Cleanup(e.Close)
	if err := e.publish(u.Host, app, key); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	e.wg.Go(func() { _, _ = io.Copy(io.Discard, conn) }) // acknowledgements and pings
	return e, nil
}

func (e *Encoder) publish(host, app, key string) error {
	if err := e.conn.SetDeadline(time.Now().Add(encoderDeadline)); err != nil {
		return err
	}
	counted := bytecounter.NewReadWriter(e.conn)
	if _, _, err := handshake.DoClient(counted, false, false); err != nil {
		return err
	}
	e.w = message.NewWriter(counted.Writer, counted.Writer, false)
	e.raw = rawmessage.NewWriter(counted.Writer, counted.Writer, false)
	r := message.NewReader(counted.Reader, counted.Reader, func(uint32) error { return nil })
	for _, m := range []message.Message{
		&message.SetChunkSize{Value: encoderChunkSize},
		call("connect", 1, amf0.Object{
			{Key: "app", Value: app}, {Key: "tcUrl", Value: "rtmp://" + host + "/" + app}, {Key: "flashVer", Value: "relaytest"},
		}),
		call("createStream", 2, nil),
		call("publish", 3, nil, key, "live"),
	} {
		if err := e.w.Write(m); err != nil {
			return err
		}
	}
	e.raw.SetChunkSize(encoderChunkSize)
	if err := granted(r); err != nil {
		return err
	}
	return e.conn.SetDeadline(time.Time{})
}

func call(name string, id int, args ...any) *message.CommandAMF0 {
	m := &message.CommandAMF0{ChunkStreamID: 3, Name: name, CommandID: id, Arguments: args}
	if name == "publish" {
		m.MessageStreamID = encoderStream << 24 // gortmplib holds it as it is on the wire
	}
	return m
}

// granted reads until the server says what became of the publish.
func granted(r *message.Reader) error {
	for {
		m, err := r.Read()
		if err != nil {
			return err
		}
		status, ok := m.(*message.CommandAMF0)
		if !ok || status.Name != "onStatus" || len(status.Arguments) < 2 {
			continue
		}
		info, _ := status.Arguments[1].(amf0.Object)
		if level, _ := info.GetString("level"); level == "error" {
			code, _ := info.GetString("code")
			why, _ := info.GetString("description")
			return fmt.Errorf("%s: %s", code, why)
		}
		return nil
	}
}

// Send sends one tag with its timestamp, in milliseconds.
func (e *Encoder) Send(kind uint8, timestamp uint32, body []byte) error {
	return e.raw.Write(&rawmessage.Message{
		ChunkStreamID: 4 + kind%4, Type: kind, MessageStreamID: encoderStream << 24,
		Timestamp: time.Duration(timestamp) * time.Millisecond, Body: body,
	})
}

// Goodbye ends the show as a person does.
func (e *Encoder) Goodbye() error {
	return e.w.Write(call("deleteStream", 4, nil, float64(encoderStream)))
}

// Close ends the connection without a goodbye.
func (e *Encoder) Close() {
	_ = e.conn.Close()
	e.wg.Wait()
}

// Reset ends the connection with a TCP RST, once the server's machine has all that was sent.
func (e *Encoder) Reset(t testing.TB) {
	t.Helper()
	tcp := e.conn.(*net.TCPConn)
	raw, err := tcp.SyscallConn()
	if err != nil {
		t.Fatalf("reset: %v", err)
	}
	Eventually(t, encoderDeadline, "the server's machine to have all that was sent", func() bool {
		left := 0
		err = raw.Control(func(fd uintptr) { left, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
		return err != nil || left == 0
	})
	_ = tcp.SetLinger(0) // it fails only where the connection has ended
	e.Close()
}

// Sent is a tag and when its last byte was given to the kernel.
type Sent struct {
	Tag
	Timestamp uint32
}

// SendFile sends an FLV file in real time, each timestamp moved by offset, and returns what it sent.
func (e *Encoder) SendFile(t testing.TB, file []byte, offset uint32) []Sent {
	t.Helper()
	return e.SendFor(t, math.MaxInt64, file, offset)
}

// SendFor is [Encoder.SendFile] for a while at most.
func (e *Encoder) SendFor(t testing.TB, most time.Duration, file []byte, offset uint32) []Sent {
	t.Helper()
	var sent []Sent
	r := flv.NewReader(bytes.NewReader(file))
	begun := time.Now()
	pace := time.NewTimer(0)
	defer pace.Stop()
	<-pace.C
	for {
		p, err := r.Read()
		if errors.Is(err, io.EOF) {
			return sent
		}
		if err != nil {
			t.Fatalf("read media: %v", err)
		}
		if time.Duration(p.DTS)*time.Millisecond > most {
			return sent
		}
		if wait := time.Until(begun.Add(time.Duration(p.DTS) * time.Millisecond)); wait > 0 {
			pace.Reset(wait)
			<-pace.C
		}
		body := p.Body
		if p.Kind == relay.Script {
			body = append([]byte("\x02\x00\x0d@setDataFrame"), body...)
		}
		at := time.Now()
		if err := e.Send(uint8(p.Kind), uint32(p.DTS)+offset, body); err != nil {
			t.Fatalf("send: %v", err)
		}
		tag := newTag(uint8(p.Kind), uint32(p.DTS), p.Body)
		tag.At = at
		sent = append(sent, Sent{Tag: tag, Timestamp: uint32(p.DTS) + offset})
	}
}
