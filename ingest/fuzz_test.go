package ingest_test

import (
	"bytes"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/bluenviron/gortmplib/pkg/bytecounter"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/bluenviron/gortmplib/pkg/rawmessage"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay"
)

// allocated is what f allocates in all. Other goroutines count too, so it is good for bounds only.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// FuzzAMF: what checkAMF lets through, gortmplib's decoder survives.
func FuzzAMF(f *testing.F) {
	valid, err := amf0.Data{"connect", 1.0, amf0.Object{{Key: "app", Value: "live"}, {Key: "n", Value: nil}},
		amf0.ECMAArray{{Key: "a", Value: amf0.StrictArray{true, amf0.Undefined{}}}}}.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(valid)
	f.Add(nested(40))
	f.Add(nestedObject(40))
	f.Add(append([]byte{10, 0, 0, 16, 0}, bytes.Repeat([]byte{5}, 4096)...))
	f.Add([]byte{10, 255, 255, 255, 255, 5})
	f.Add([]byte{12, 255, 255, 255, 255, 5})
	f.Add([]byte("\x10\x00\x01a\x00\x00\x09\x0b12345678ab\x0d\x07ab\x0f\x00\x00\x00\x01x"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if ingest.CheckAMF(body) != nil {
			return
		}
		used := allocated(func() { _, _ = amf0.Unmarshal(body) })
		if limit := uint64(128*len(body) + 1<<20); used > limit {
			t.Errorf("%d bytes of AMF allocated %d, at most %d", len(body), used, limit)
		}
	})
}

// What gortmplib decodes, checkAMF must let through: or encoders that work elsewhere are refused here.
func TestCheckAMFIsNotStricterThanItMustBe(t *testing.T) {
	for _, depth := range []int{1, 10, 31, 32, 33} {
		body := append(nested(depth-1), 5)
		if err := ingest.CheckAMF(body); (err == nil) != (depth <= 32) {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
	for _, n := range []int{0, 1 << 10, 1<<16 - 5, 1<<16 - 4} {
		body := append([]byte{12, 0, byte(n >> 16), byte(n >> 8)}, byte(n))
		body = append(body, make([]byte, n)...)
		if err := ingest.CheckAMF(body); (err == nil) != (len(body) <= 1<<16) {
			t.Errorf("%d bytes: %v", len(body), err)
		}
	}
}

// chunks is what gortmplib's writer makes of messages.
func chunks(tb testing.TB, messages ...*rawmessage.Message) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := rawmessage.NewWriter(&out, bytecounter.NewWriter(&out), false)
	for _, m := range messages {
		if err := w.Write(m); err != nil {
			tb.Fatal(err)
		}
	}
	return out.Bytes()
}

// long is a message of n bytes.
func long(ms uint32, chunkStream byte, n int) *rawmessage.Message {
	return &rawmessage.Message{ChunkStreamID: chunkStream, Type: 9, MessageStreamID: 0x1000000,
		Timestamp: time.Duration(ms) * time.Millisecond, Body: bytes.Repeat([]byte{byte(n)}, n)}
}

func TestChunksOfEveryFormat(t *testing.T) {
	want := []*rawmessage.Message{
		long(0, 4, 300), long(33, 4, 300), long(66, 4, 300), long(99, 4, 10), long(40, 4, 0), long(41, 63, 128),
		long(0xFFFFFE, 5, 300), long(0xFFFFFF, 5, 300), long(0x1000000, 5, 300), long(0xFFFFFFFF, 5, 300),
		long(0, 6, 300), long(0xFFFFFF, 6, 300), long(0x1FFFFFE, 6, 300), long(0x2FFFFFD, 6, 300),
	}
	got, err := ingest.ReadChunks(chunks(t, want...))
	if err != io.EOF || len(got) != len(want) {
		t.Fatalf("%d messages of %d, then %v", len(got), len(want), err)
	}
	for i, m := range got {
		if !reflect.DeepEqual(m, want[i]) {
			t.Errorf("message %d: stream %d at %v with %d bytes, want %d at %v with %d", i,
				m.ChunkStreamID, m.Timestamp, len(m.Body), want[i].ChunkStreamID, want[i].Timestamp, len(want[i].Body))
		}
	}
}

// What gortmplib's writer never writes: chunk stream IDs of two and three bytes,
// a first chunk of format 1, as librtmp sends it, an extended timestamp of less than it need be, a header that is all taken from the message before.
func TestChunksByHand(t *testing.T) {
	for name, tc := range map[string]struct {
		chunks string
		n      int
	}{
		"two-byte stream ID":          {"\x00\xff\x00\x00\x05\x00\x00\x01\x09\x01\x00\x00\x00x", 1},
		"three-byte stream ID":        {"\x01\xff\xff\x00\x00\x05\x00\x00\x01\x09\x01\x00\x00\x00x", 1},
		"first chunk of format 1":     {"\x42\x00\x00\x05\x00\x00\x01\x09x", 1},
		"small extended timestamp":    {"\x04\xff\xff\xff\x00\x00\x81\x09\x01\x00\x00\x00\x00\x00\x00\x05" + strings.Repeat("x", 128) + "\xc4\x00\x00\x00\x05x", 1},
		"no header after a whole one": {"\x04\x00\x00\x05\x00\x00\x01\x09\x01\x00\x00\x00x\xc4x", 2},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ingest.ReadChunks([]byte(tc.chunks))
			if err != io.EOF || len(got) != tc.n {
				t.Fatalf("read %d messages, then %v", len(got), err)
			}
			for _, m := range got {
				if m.Timestamp != 5*time.Millisecond || !bytes.HasSuffix(m.Body, []byte("x")) {
					t.Errorf("read %+v", m)
				}
			}
		})
	}
}

// FuzzChunks compares with gortmplib's reader, which reads what encoders send: as long as both can read, they read the
// same. Extended timestamps are left out: gortmplib takes them for short ones if they are small.
func FuzzChunks(f *testing.F) {
	f.Add(chunks(f, long(0, 4, 300), long(33, 4, 300), long(66, 4, 300), long(99, 4, 10), long(40, 5, 0)))
	f.Add(append(begin(4, 9, 200, 128), begin(5, 8, 5, 5)...))
	f.Add(begin(4, 9, 100_000, 128))
	f.Fuzz(func(t *testing.T, input []byte) {
		if bytes.Contains(input, []byte{0xFF, 0xFF, 0xFF}) {
			return
		}
		var got []*rawmessage.Message
		var end error
		used := allocated(func() { got, end = ingest.ReadChunks(input) })
		if limit := uint64(64*len(input) + ingest.MaxUnfinished + 1<<20); used > limit {
			t.Fatalf("%d bytes of chunks allocated %d, at most %d", len(input), used, limit)
		}
		if end == nil {
			t.Fatal("ended without a reason")
		}
		counter := bytecounter.NewReader(bytes.NewReader(input))
		other := rawmessage.NewReader(counter, counter, func(uint32) error { return nil })
		for i, m := range got {
			want, err := other.Read()
			if err != nil {
				return
			}
			if m.Type != want.Type || m.Timestamp != want.Timestamp || m.ChunkStreamID != want.ChunkStreamID ||
				m.MessageStreamID != want.MessageStreamID || !bytes.Equal(m.Body, want.Body) {
				t.Fatalf("message %d: %+v, gortmplib reads %+v", i, m, want)
			}
		}
		if _, err := other.Read(); err == nil && (end == io.EOF || end == io.ErrUnexpectedEOF) {
			t.Fatalf("gortmplib reads on after %d messages", len(got))
		}
	})
}

// FuzzSession sends bytes to a session after a handshake; if the first is odd, after a granted publish.
func FuzzSession(f *testing.F) {
	connect := amfCommand("connect", []byte("\x03\x00\x03app\x02\x00\x04live\x00\x00\x09"))
	publish := amfCommand("publish", []byte("\x05\x02\x00\x11"+studioKey))
	command := func(body []byte) *rawmessage.Message {
		return &rawmessage.Message{ChunkStreamID: 3, Type: 20, Body: body}
	}
	f.Add(append([]byte{0}, chunks(f, command(connect), command(publish),
		&rawmessage.Message{ChunkStreamID: 4, Type: 9, Body: frame(0).Body})...))
	f.Add(append([]byte{1}, chunks(f, &rawmessage.Message{ChunkStreamID: 4, Type: 9, Body: []byte("\x17\x00\x00\x00\x00\x01\x64\x00\x1f\xff\xe1\x00\x04\x67\x64\x00\x1f")},
		&rawmessage.Message{ChunkStreamID: 4, Type: 8, Body: []byte("\xaf\x00\x11\x90")},
		&rawmessage.Message{ChunkStreamID: 4, Type: 18, Body: []byte("\x02\x00\x0aonMetaData\x08\x00\x00\x00\x00\x00\x09framerate\x00\x40\x3e\x00\x00\x00\x00\x00\x00\x00\x00\x09")},
		command(amfCommand("FCUnpublish", nil)))...))
	f.Add(append([]byte{1}, chunks(f, &rawmessage.Message{ChunkStreamID: 4, Type: 9, Body: append([]byte("\x90hvc1"), hvcC(f)...)})...))
	f.Add(append([]byte{1}, begin(2, message.TypeSetChunkSize, 4, 4)...))
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) == 0 {
			return
		}
		hub := relay.NewHub("main")
		defer hub.Close()
		sub := hub.Stream("main").Subscribe(1 << 20)
		defer sub.Close()
		used := allocated(func() {
			c, _, ended := servePipe(t, hub)
			c.handshake()
			if input[0]&1 == 1 {
				c.connect("live").publish(studioKey)
			}
			go func() {
				_, _ = c.Write(input[1:])
				c.Close()
			}()
			_, _ = io.Copy(io.Discard, c.Conn)
			<-ended
		})
		if limit := uint64(512*len(input) + ingest.MaxUnfinished + 2<<20); used > limit {
			t.Errorf("%d bytes of input allocated %d, at most %d", len(input), used, limit)
		}
	})
}
