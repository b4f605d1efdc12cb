package ingest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bluenviron/gortmplib/pkg/rawmessage"

	"github.com/restreamd/restreamd/relay/flv"
)

var (
	errChunkOrder = errors.New("malformed RTMP: a message begins within another")
	errChunkFirst = errors.New("malformed RTMP: a chunk refers to one that never came")
	errStreams    = fmt.Errorf("more than %d chunk streams", maxChunkStreams)
)

// chunkReader puts messages together from chunks (RTMP 1.0 section 5.3). gortmplib's reader allocates whole chunks as
// announced and holds any number of unfinished messages; this one reserves a message's memory when it begins, within
// a limit for all of them together, so what a peer may cost is one number.
type chunkReader struct {
	br      *bufio.Reader
	after   func() error // called after every chunk
	size    int          // of the peer's chunks, in bytes
	limit   int          // bytes that unfinished messages may hold
	held    int          // bytes they do hold
	streams map[uint32]*chunkStream
}

// chunkStream is what the chunks of one stream leave out because the one before said it.
type chunkStream struct {
	id        uint32
	kind      byte   // message type
	stream    uint32 // message stream ID, in the byte order gortmplib holds it in
	timestamp uint32 // milliseconds
	delta     uint32
	extended  bool // timestamps have four bytes more
	length    int  // of the message
	open      bool // the message is unfinished
	body      []byte
}

func newChunkReader(br *bufio.Reader, limit int, after func() error) *chunkReader {
	return &chunkReader{br: br, after: after, size: minChunkSize, limit: limit, streams: map[uint32]*chunkStream{}}
}

// Read returns the next whole message.
func (r *chunkReader) Read() (*rawmessage.Message, error) {
	for {
		c, err := r.chunk()
		if err != nil {
			return nil, err
		}
		if len(c.body) < c.length {
			continue
		}
		m := &rawmessage.Message{
			Timestamp: time.Duration(c.timestamp) * time.Millisecond,
			Type:      c.kind, MessageStreamID: c.stream, ChunkStreamID: replyStream(c.id), Body: c.body,
		}
		r.drop(c)
		return m, nil
	}
}

// Abort forgets the unfinished message of a chunk stream (section 5.4.2).
func (r *chunkReader) Abort(id uint32) {
	if c := r.streams[id]; c != nil && c.open {
		r.drop(c)
	}
}

func (r *chunkReader) drop(c *chunkStream) {
	r.held -= c.length
	c.body, c.open = nil, false
}

// replyStream is the chunk stream on which a command is answered: its own, if gortmplib's writer can name it.
func replyStream(id uint32) byte {
	if id > 63 {
		return 3
	}
	return byte(id)
}

// chunk reads one chunk and returns its stream.
func (r *chunkReader) chunk() (*chunkStream, error) {
	format, id, err := r.basicHeader()
	if err != nil {
		return nil, err
	}
	c := r.streams[id]
	switch {
	case c == nil && format > 1: // librtmp's first chunk of a stream may be of format 1: it answers pings so
		return nil, errChunkFirst
	case c == nil && len(r.streams) == maxChunkStreams:
		return nil, errStreams
	case c == nil:
		c = &chunkStream{id: id}
		r.streams[id] = c
	}
	if err := r.header(c, format); err != nil {
		return nil, noEOF(err)
	}
	n := min(r.size, c.length-len(c.body))
	old := len(c.body)
	c.body = c.body[:old+n]
	if _, err := io.ReadFull(r.br, c.body[old:]); err != nil {
		return nil, noEOF(err)
	}
	return c, r.after()
}

// basicHeader reads a chunk's format and the ID of its stream (section 5.3.1.1). It is where a connection may end.
func (r *chunkReader) basicHeader() (format byte, id uint32, err error) {
	first, err := r.br.ReadByte()
	if err != nil {
		return 0, 0, err
	}
	format, id = first>>6, uint32(first&63)
	if id > 1 {
		return format, id, nil
	}
	var b [2]byte
	if _, err := io.ReadFull(r.br, b[:id+1]); err != nil {
		return 0, 0, noEOF(err)
	}
	return format, 64 + uint32(b[0]) + uint32(b[1])<<8, nil
}

// header reads a message header (section 5.3.1.2): formats 0 to 3 repeat less and less of the one before.
func (r *chunkReader) header(c *chunkStream, format byte) error {
	if format < 3 && c.open {
		return errChunkOrder
	}
	var b [11]byte
	if _, err := io.ReadFull(r.br, b[:[4]int{11, 7, 3, 0}[format]]); err != nil {
		return err
	}
	value := uint24(b[:])
	if format < 3 {
		c.extended = value == 0xFFFFFF
	}
	if format < 2 {
		c.length, c.kind = int(uint24(b[3:])), b[6]
	}
	if format == 0 {
		c.stream = binary.BigEndian.Uint32(b[7:])
	}
	if c.extended {
		if _, err := io.ReadFull(r.br, b[:4]); err != nil {
			return err
		}
		value = binary.BigEndian.Uint32(b[:])
	}
	if c.open {
		return nil
	}
	c.advance(format, value)
	return r.reserve(c)
}

// advance moves the stream's clock to the message that begins.
func (c *chunkStream) advance(format byte, value uint32) {
	switch format {
	case 0:
		c.timestamp, c.delta = value, 0
		return
	case 1, 2:
		c.delta = value
	}
	c.timestamp += c.delta
}

// reserve takes the memory of the message that begins.
func (r *chunkReader) reserve(c *chunkStream) error {
	if c.length > flv.MaxBody {
		return fmt.Errorf("message of %d bytes, at most %d", c.length, flv.MaxBody)
	}
	if r.held+c.length > r.limit {
		return fmt.Errorf("unfinished messages of %d bytes, at most %d", r.held+c.length, r.limit)
	}
	r.held += c.length
	c.body, c.open = make([]byte, 0, c.length), true
	return nil
}

func uint24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
