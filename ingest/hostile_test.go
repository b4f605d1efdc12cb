package ingest_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib/pkg/message"

	"github.com/restreamd/restreamd/ingest"
)

const (
	before  = "connection ended before a publish"
	refused = "publisher refused"
	gone    = "publisher gone"
)

// hostile is one peer: what it does, and what the log must say of it.
type hostile struct {
	do    func(*client)
	line  string
	words string
}

// nested is an AMF array in an array in an array ...
func nested(depth int) []byte {
	return bytes.Repeat([]byte{10, 0, 0, 0, 1}, depth)
}

// nestedObject is the same of objects.
func nestedObject(depth int) []byte {
	return bytes.Repeat([]byte{3, 0, 1, 'a'}, depth)
}

func amfCommand(name string, args []byte) []byte {
	body := append([]byte{2, 0, byte(len(name))}, name...)
	body = append(body, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	return append(body, args...)
}

// begin is the first chunk of a message of length bytes, with n of them.
func begin(chunkStream byte, kind message.Type, length, n int) []byte {
	b := []byte{chunkStream, 0, 0, 0, byte(length >> 16), byte(length >> 8), byte(length), byte(kind), 1, 0, 0, 0}
	return append(b, make([]byte, n)...)
}

// sendAll ignores errors: the server may close in the middle, as it should.
func sendAll(c *client, data ...[]byte) {
	for _, b := range data {
		_, _ = c.Write(b)
	}
}

func raw(b string) func(*client) { return func(c *client) { sendAll(c, []byte(b)) } }

// shaken does something after a handshake, aired after a granted publish of the stream aux.
func shaken(do func(*client)) func(*client) { return func(c *client) { do(c.handshake()) } }

func aired(do func(*client)) func(*client) {
	return func(c *client) { do(c.handshake().connect("live").publish(auxKey)) }
}

func sends(kind message.Type, body []byte) func(*client) {
	return func(c *client) {
		c.w.SetChunkSize(128)
		_ = c.send(kind, 0, body)
	}
}

func chunkSize(n uint32) func(*client) {
	return sends(message.TypeSetChunkSize, binary.BigEndian.AppendUint32(nil, n))
}

var hostiles = map[string]hostile{
	"RTMPE":       {raw("\x06" + string(make([]byte, 1536))), before, "rtmpe://"},
	"TLS":         {raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), before, "rtmps://"},
	"HTTP":        {raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), before, "not RTMP"},
	"other bytes": {raw("\x00\x00"), before, "not RTMP"},

	"deep connect":         {shaken(sends(message.TypeCommandAMF0, amfCommand("connect", nested(3000)))), before, "AMF nested deeper than 32"},
	"deep objects":         {shaken(sends(message.TypeCommandAMF0, amfCommand("connect", nestedObject(3000)))), before, "AMF nested deeper than 32"},
	"deeper connect":       {shaken(sends(message.TypeCommandAMF0, amfCommand("connect", nested(10_000)))), before, "unfinished messages"},
	"deep publish":         {shaken(sends(message.TypeCommandAMF0, amfCommand("publish", nested(3000)))), before, "AMF nested deeper than 32"},
	"deep AMF 3":           {shaken(sends(message.TypeCommandAMF3, append([]byte{0}, amfCommand("connect", nested(3000))...))), before, "AMF nested deeper than 32"},
	"half a command":       {shaken(sends(message.TypeCommandAMF0, []byte("\x02\x00\x07con"))), before, "AMF ends in the middle"},
	"a command of numbers": {shaken(sends(message.TypeCommandAMF0, bytes.Repeat(make([]byte, 9), 3))), before, "malformed RTMP command"},
	"publish at once":      {shaken(sends(message.TypeCommandAMF0, amfCommand("publish", []byte("\x05\x02\x00\x01x")))), refused, "malformed app"},

	"large body before publish":  {shaken(func(c *client) { sendAll(c, begin(4, message.TypeVideo, 10<<20, 128)) }), before, "unfinished messages"},
	"many bodies before publish": {shaken(manyBodies(1 << 10)), before, "unfinished messages"},
	"many bodies":                {aired(manyBodies(1 << 20)), gone, "unfinished messages"},
	"too large a body":           {aired(func(c *client) { sendAll(c, begin(4, message.TypeVideo, 10<<20+1, 128)) }), gone, "message of 10485761 bytes"},
	"talk without a publish":     {shaken(talk), before, "too much data before a publish"},
	"message within a message":   {aired(func(c *client) { sendAll(c, begin(4, 9, 300, 128), begin(4, 9, 300, 128)) }), gone, "within another"},
	"continuation of nothing":    {aired(func(c *client) { sendAll(c, []byte{0xC9, 0}) }), gone, "never came"},
	"more than 64 chunk streams": {aired(manyStreams), gone, "chunk streams"},
	"window of one byte":         {aired(func(c *client) { sends(5, []byte{0, 0, 0, 1})(c); c.goodbye() }), gone, "stopped streaming"},
	"controls without a body":    {aired(func(c *client) { sends(5, nil)(c); sends(4, nil)(c); sends(2, nil)(c); c.goodbye() }), gone, "stopped streaming"},
	"chunk size without a body":  {aired(sends(message.TypeSetChunkSize, nil)), gone, "chunk size of 0"},
	"chunk size 0":               {shaken(chunkSize(0)), before, "chunk size of 0 bytes"},
	"chunk size 1":               {shaken(chunkSize(1)), before, "chunk size of 1 bytes"},
	"chunk size 127":             {shaken(chunkSize(127)), before, "chunk size of 127 bytes"},
	"chunk size 2^31-1":          {shaken(chunkSize(1<<31 - 1)), before, "chunk size of 2147483647 bytes"},
	"chunk size 2^31-1, on air":  {aired(chunkSize(1<<31 - 1)), gone, "chunk size of 2147483647 bytes"},
	"pings and never reads":      {shaken(pings), before, "too much data before a publish"},
}

func manyBodies(length int) func(*client) {
	return func(c *client) {
		for id := byte(2); id < 64; id++ {
			sendAll(c, begin(id, message.TypeVideo, length, 128))
		}
	}
}

func manyStreams(c *client) {
	for id := range byte(65) {
		sendAll(c, append([]byte{0, id}, begin(0, message.TypeVideo, 0, 0)[1:]...))
	}
}

// talk sends messages that are fine and lead nowhere.
func talk(c *client) {
	for range 40 {
		sends(message.TypeAcknowledge, make([]byte, 500))(c)
	}
}

// pings asks for replies for as long as it can, and reads none.
func pings(c *client) {
	many := bytes.Repeat(append(begin(2, message.TypeUserControl, 6, 0), 0, 6, 0, 0, 0, 0), 1000)
	for {
		if _, err := c.Write(many); err != nil {
			return
		}
	}
}

// While every hostile peer has its turn, at the same time, a publisher loses nothing.
func TestHostilePeers(t *testing.T) {
	t.Parallel()
	h := serve(t)
	v := h.watch(t, "main")
	good := publisher(t, h, studioKey)
	attacked, sent := make(chan struct{}), make(chan int)
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			p := frame(i)
			if err := good.send(message.TypeVideo, p.DTS, p.Body); err != nil {
				t.Errorf("the good publisher was cut off: %v", err)
			}
			select {
			case <-tick.C:
			case <-attacked:
				sent <- i + 1
				return
			}
		}
	}()
	t.Run("peers", func(t *testing.T) {
		for name, peer := range hostiles {
			t.Run(name, func(t *testing.T) {
				c := dial(t, h)
				peer.do(c)
				h.wantReason(t, peer.line, c.name(), peer.words)
				wantClosed(t, c)
			})
		}
	})
	close(attacked)
	n := <-sent
	good.goodbye()
	if got := v.media(t); len(got) != n {
		t.Errorf("relayed %d packets of %d", len(got), n)
	}
	h.wantReason(t, gone, good.name(), "stopped streaming")
}

func wantClosed(t *testing.T, c *client) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(soon))
	if _, err := io.Copy(io.Discard, c.Conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the server did not close the connection")
	}
}

// What nobody here understands is skipped and counted, and the show goes on.
func TestUnreadableMessagesAreSkipped(t *testing.T) {
	t.Parallel()
	long := append([]byte("\x02\x00\x0d@setDataFrame\x0c\x00\x01\x00\x00"), make([]byte, 1<<16)...)
	header := append([]byte("\x90av01"), make([]byte, 1<<16)...)
	for name, tc := range map[string]struct {
		kind message.Type
		body []byte
	}{
		"unknown type":          {99, []byte("anything")},
		"aggregate":             {22, make([]byte, 100)},
		"empty audio":           {message.TypeAudio, nil},
		"empty video":           {message.TypeVideo, nil},
		"half a video header":   {message.TypeVideo, []byte("\x17\x01")},
		"empty data":            {message.TypeDataAMF0, nil},
		"empty AMF 3 data":      {message.TypeDataAMF3, nil},
		"deep data":             {message.TypeDataAMF0, append([]byte("\x02\x00\x0d@setDataFrame"), nested(10_000)...)},
		"long data":             {message.TypeDataAMF0, long},
		"data cut short":        {message.TypeDataAMF0, []byte("\x02\x00\x0aonMeta")},
		"a header of 64 KiB":    {message.TypeVideo, header},
		"deep command":          {message.TypeCommandAMF0, amfCommand("FCUnpublish", nested(10_000))},
		"command without words": {message.TypeCommandAMF0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serve(t)
			v := h.watch(t, "main")
			c := publisher(t, h, studioKey)
			c.write(frames(0, 2)...)
			c.must(c.send(tc.kind, 66, tc.body))
			c.write(frames(2, 5)...)
			c.goodbye()
			if got := v.media(t); len(got) != 5 {
				t.Errorf("relayed %d packets of 5", len(got))
			}
			if got := h.logged(t, gone, c.name())["skipped"]; got != int64(1) {
				t.Errorf("skipped %v, want 1", got)
			}
		})
	}
}

func TestPeersWithoutHasteAreCutOff(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*client){
		"silence":            func(*client) {},
		"byte by byte":       func(c *client) { drip(c, append([]byte{3}, make([]byte, 1536)...)) },
		"silence after all":  func(c *client) { c.handshake().connect("live") },
		"pings after all":    func(c *client) { drip(c.handshake().connect("live"), begin(2, 3, 4, 4)) },
		"half a TLS hello":   func(c *client) { sendAll(c, []byte{3}) },
		"half a C2":          func(c *client) { sendAll(c, append([]byte{3}, make([]byte, 1536+100)...)) },
		"half a message":     func(c *client) { sendAll(c.handshake(), begin(3, 20, 300, 128)) },
		"one byte a message": func(c *client) { drip(c.handshake(), bytes.Repeat(begin(3, 3, 4, 4), 20)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, limits(func(l *ingest.Limits) { l.Handshake = 400 * time.Millisecond }))
			c := dial(t, h)
			started := time.Now()
			do(c)
			h.wantReason(t, before, c.name(), "no publish in time")
			if took := time.Since(started); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
			wantClosed(t, c)
		})
	}
}

// drip sends byte by byte until the server has enough.
func drip(c *client, data []byte) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := range data {
		if _, err := c.Write(data[i : i+1]); err != nil {
			return
		}
		<-tick.C
	}
}

// A publisher who has a key may still not take more memory than is allotted.
func TestUnfinishedMessagesMayBeAborted(t *testing.T) {
	t.Parallel()
	h := serve(t)
	v := h.watch(t, "aux")
	c := publisher(t, h, auxKey)
	for id := byte(10); id < 40; id++ {
		sendAll(c, begin(id, message.TypeVideo, ingest.MaxUnfinished/2, 128))
		c.must(c.send(message.TypeAbortMessage, 0, []byte{0, 0, 0, id}))
	}
	c.write(frames(0, 3)...)
	c.goodbye()
	if got := v.media(t); len(got) != 3 {
		t.Errorf("relayed %d packets of 3", len(got))
	}
}
