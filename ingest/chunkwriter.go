package ingest

import (
	"encoding/binary"
	"net"

	"github.com/restreamd/restreamd/relay"
)

// chunkWriter frames packets as RTMP chunks (RTMP 1.0 section 5.3) without copying a body. Every message has a whole
// header (format 0): it costs 8 bytes and needs no memory of the one before.
type chunkWriter struct {
	headers []byte      // of the batch
	batch   net.Buffers // headers and pieces of bodies in turn
}

const (
	longTimestamp = 0xFFFFFF // from here on a timestamp has four bytes of its own (section 5.3.1.3)
	formatNext    = 3 << 6   // a chunk that continues a message
	mediaStream   = 1        // the number createStream gave
)

// add appends a message with a timestamp in milliseconds.
func (w *chunkWriter) add(p *relay.Packet, ms uint32) {
	stream, short, size := 4+byte(p.Kind)%4, min(ms, longTimestamp), len(p.Body)
	w.header(ms, stream, byte(short>>16), byte(short>>8), byte(short),
		byte(size>>16), byte(size>>8), byte(size), byte(p.Kind), mediaStream, 0, 0, 0)
	for body := p.Body; ; {
		n := min(len(body), ourChunkSize)
		w.batch = append(w.batch, body[:n])
		if body = body[n:]; len(body) == 0 {
			return
		}
		w.header(ms, formatNext|stream)
	}
}

// header appends a header's bytes, and those of a long timestamp. What was appended before stays where it is when the
// memory grows: append copies, and the old array lives as long as the batch.
func (w *chunkWriter) header(ms uint32, b ...byte) {
	begin := len(w.headers)
	w.headers = append(w.headers, b...)
	if ms >= longTimestamp {
		w.headers = binary.BigEndian.AppendUint32(w.headers, ms)
	}
	w.batch = append(w.batch, w.headers[begin:len(w.headers):len(w.headers)])
}

// flush writes the batch and begins another.
func (w *chunkWriter) flush(t *transport) error {
	err := t.WriteAll(w.batch)
	clear(w.batch)
	w.headers, w.batch = w.headers[:0], w.batch[:0]
	return err
}
