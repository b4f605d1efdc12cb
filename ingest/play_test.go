package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/bluenviron/gortmplib/pkg/rawmessage"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay"
)

// askPlay asks to play and returns the answer.
func (c *client) askPlay(name string) (code, description string) {
	c.t.Helper()
	c.command("createStream", float64(2), nil)
	c.result()
	c.command("play", float64(3), nil, name)
	return c.status()
}

// player is a client that plays.
func player(t *testing.T, h *house, name string) *client {
	t.Helper()
	c := dial(t, h).handshake().connect("live")
	if code, description := c.askPlay(name); code != "NetStream.Play.Reset" {
		t.Fatalf("refused: %s: %s", code, description)
	}
	if code, _ := c.status(); code != "NetStream.Play.Start" {
		t.Fatalf("answered %s", code)
	}
	return c
}

// next is the next message of a kind.
func (c *client) next(kinds ...message.Type) *rawmessage.Message {
	c.t.Helper()
	c.must(c.SetReadDeadline(time.Now().Add(2 * soon)))
	for {
		m, err := c.r.Read()
		c.must(err)
		for _, kind := range kinds {
			if message.Type(m.Type) == kind {
				return m
			}
		}
	}
}

// large is a frame of n bytes.
func large(i, n int) relay.Packet {
	p := frame(i)
	p.Body = append(p.Body, make([]byte, n-len(p.Body))...)
	return p
}

// number is the serial number of a frame.
func number(t *testing.T, body []byte) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(string(bytes.TrimRight(body[5:], "\x00")), "frame %d", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func unlimited(l *ingest.Limits) { l.Bitrate = 0 }

func TestPlayFromTheNewestKeyframe(t *testing.T) {
	t.Parallel()
	h := serve(t)
	p := publisher(t, h, studioKey)
	header := []byte("\x17\x00\x00\x00\x00 a header")
	p.must(p.send(message.TypeVideo, 0, header))
	p.write(frames(0, 25)...)
	h.arrived(t, 25)

	started := time.Now()
	c := player(t, h, studioKey)
	m := c.next(message.TypeVideo)
	t.Logf("first packet %v after the connection", time.Since(started))
	if !bytes.Equal(m.Body, header) {
		t.Errorf("began with %q", m.Body)
	}
	for i := 20; i < 25; i++ {
		m := c.next(message.TypeVideo)
		if number(t, m.Body) != i || m.Timestamp != time.Duration(i-20)*33*time.Millisecond || m.MessageStreamID != 1<<24 {
			t.Errorf("got %q at %v on stream %x, want frame %d", m.Body, m.Timestamp, m.MessageStreamID, i)
		}
	}
	p.write(frames(25, 28)...)
	for i := 25; i < 28; i++ {
		if m := c.next(message.TypeVideo); number(t, m.Body) != i {
			t.Errorf("got %q, want frame %d", m.Body, i)
		}
	}
	fields := h.logged(t, "player accepted", c.name())
	if fields["key"] != "studio" || fields["stream"] != "main" {
		t.Errorf("logged %v", fields)
	}

	p.goodbye()
	if code, _ := c.status(); code != "NetStream.Play.UnpublishNotify" {
		t.Errorf("told %s at the end", code)
	}
	if m := c.next(message.TypeUserControl); !bytes.Equal(m.Body, []byte{0, 1, 0, 0, 0, 1}) {
		t.Errorf("told %x at the end, want the end of stream 1", m.Body)
	}
	wantClosed(t, c)
	h.wantReason(t, "player gone", c.name(), "the session is over")
}

func TestPlayersMayLeave(t *testing.T) {
	t.Parallel()
	h := serve(t)
	p := publisher(t, h, studioKey)
	p.write(frames(0, 3)...)
	h.arrived(t, 3)
	for range 3 {
		c := player(t, h, studioKey)
		c.next(message.TypeVideo)
		c.Close()
		h.wantReason(t, "player gone", c.name(), "the player left")
	}
	p.write(frames(3, 5)...)
	h.arrived(t, 5)
}

func TestPlaysAreRefused(t *testing.T) {
	t.Parallel()
	h := serve(t, func(s *ingest.Server) {
		s.Auth = ingest.NewKeyring([]ingest.Stream{
			{Name: "main", App: "live", Keys: []ingest.Key{key("studio", studioKey)}, PlayWithKey: true, PlayLocally: true},
			{Name: "aux", App: "live", Keys: []ingest.Key{key("aux", auxKey)}},
		})
	})
	publisher(t, h, auxKey).write(frames(0, 1)...)
	const failed, notFound = "NetStream.Play.Failed", "NetStream.Play.StreamNotFound"
	for name, tc := range map[string]struct{ app, key, code, why string }{
		"not live":                {"live", studioKey, notFound, "this stream is not live"},
		"not live, by name":       {"live", "main", notFound, "this stream is not live"},
		"by name, which is off":   {"live", "aux", failed, "unknown stream key"},
		"with a key that may not": {"live", auxKey, failed, "for publishing only"},
		"unknown key":             {"live", "s3cret-guess", failed, "unknown stream key"},
		"no key":                  {"live", "", failed, "no stream key"},
		"unknown app":             {"vod", studioKey, failed, "unknown app"},
		"malformed key":           {"live", "s3cret/../x", failed, "malformed stream key"},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, h).handshake().connect(tc.app)
			started := time.Now()
			if code, description := c.askPlay(tc.key); code != tc.code || !strings.Contains(description, tc.why) {
				t.Errorf("answered %s: %s, want %s: %s", code, description, tc.code, tc.why)
			}
			if took := time.Since(started); took > time.Second {
				t.Errorf("took %v", took)
			}
			h.wantReason(t, "player refused", c.name(), tc.why)
		})
	}
}

// A session that has begun and shows nothing: the player is told, in the end.
func TestPlayOfASessionWithoutAPicture(t *testing.T) {
	inBubble(t, func(b *bubble) {
		pub, err := b.hub.Publish("main", relay.Publisher{Key: "studio"})
		if err != nil {
			t.Fatal(err)
		}
		defer pub.Close()
		c := b.dial().handshake().connect("live")
		c.askPlay(studioKey)
		c.status()
		started := time.Now()
		if _, err := c.r.Read(); err == nil {
			t.Error("it was sent something")
		}
		if took := time.Since(started); took != 10*time.Second {
			t.Errorf("took %v", took)
		}
		if message, fields := b.last(); message != "player gone" || fields["code"] != "not_live" {
			t.Errorf("%s: %v", message, fields)
		}
	})
}

// The publisher and a second player get on with the show while a player does not read. When it wakes up it has lost
// whole GOPs, and nothing else.
func TestAPlayerThatDoesNotReadSlowsNobody(t *testing.T) {
	t.Parallel()
	h := serve(t, limits(unlimited), limits(func(l *ingest.Limits) { l.Write = time.Minute }))
	v := h.watch(t, "main")
	p := publisher(t, h, studioKey)
	p.chunkSize(1 << 20)
	p.write(large(0, 200_000))
	h.arrived(t, 1)
	asleep, awake := player(t, h, studioKey), player(t, h, studioKey)
	const n = 300 // 60 MB: more than a player's queue and the kernel's buffers
	for i := 1; i < n; i++ {
		p.write(large(i, 200_000))
		if i%10 == 0 {
			for number(t, awake.next(message.TypeVideo).Body) < i-1 {
			}
		}
	}
	p.goodbye()
	if got := v.media(t); len(got) != n {
		t.Errorf("relayed %d of %d", len(got), n)
	}
	for number(t, awake.next(message.TypeVideo).Body) < n-1 {
	}
	before, got, gaps := -1, 0, 0
	for before < n-1 {
		i := number(t, asleep.next(message.TypeVideo).Body)
		if i != before+1 {
			gaps++
			if i < before || i%10 != 0 {
				t.Errorf("frame %d after %d", i, before)
			}
		}
		before, got = i, got+1
	}
	t.Logf("who slept got %d of %d frames, with %d gaps", got, n, gaps)
	if gaps == 0 {
		t.Error("it lost nothing: 60 MB were held for it")
	}
	if lost := h.logged(t, "player gone", asleep.name())["lost_gops"]; lost == int64(0) || lost == nil {
		t.Errorf("logged %v lost GOPs", lost)
	}
	if lost := h.logged(t, "player gone", awake.name())["lost_gops"]; lost != int64(0) {
		t.Errorf("logged %v lost GOPs of who kept up", lost)
	}
}

func TestAPlayerThatDoesNotReadIsSentAway(t *testing.T) {
	t.Parallel()
	h := serve(t, limits(unlimited), limits(func(l *ingest.Limits) { l.Write = 300 * time.Millisecond }))
	p := publisher(t, h, studioKey)
	p.chunkSize(1 << 20)
	p.write(large(0, 200_000))
	h.arrived(t, 1)
	c := player(t, h, studioKey)
	for i := 1; i < 100; i++ {
		p.write(large(i, 200_000))
	}
	h.wantReason(t, "player gone", c.name(), "the peer does not read what it is sent")
	p.write(large(100, 200_000))
	h.arrived(t, 101)
}

// thin is a listener whose connections hold little of what is on its way, as thin lines do.
type thin struct{ net.Listener }

func (l thin) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		err = conn.(*net.TCPConn).SetWriteBuffer(64 << 10)
	}
	return conn, err
}

// A player on a thin line needs longer for the cached GOP than limits.write, and reads all the time.
func TestASlowPlayerThatReadsStays(t *testing.T) {
	t.Parallel()
	var server *ingest.Server
	h := serve(t, limits(unlimited), limits(func(l *ingest.Limits) { l.Write = 500 * time.Millisecond }),
		func(s *ingest.Server) { server = s })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	background(t, func(ctx context.Context) error { return server.Serve(ctx, thin{ln}) })
	p := publisher(t, h, studioKey)
	p.chunkSize(1 << 20)
	const n, size = 4, 1_500_000 // 6 MB in one GOP
	for i := range n {
		p.write(large(i, size))
	}
	h.arrived(t, n)
	h.addr = ln.Addr().String()
	c := player(t, h, studioKey)
	c.must(c.Conn.(*net.TCPConn).SetReadBuffer(128 << 10))
	const slack = 64 << 10 // the client's own reader holds some
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	some := make([]byte, 64<<10)
	for got, started := 0, time.Now(); got < n*size-slack; {
		<-tick.C
		c.must(c.SetReadDeadline(time.Now().Add(soon)))
		m, err := c.Read(some)
		if err != nil {
			t.Fatalf("after %d bytes and %v: %v", got, time.Since(started), err)
		}
		got += m
	}
}
