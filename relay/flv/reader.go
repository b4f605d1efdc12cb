package flv

import (
	"bufio"
	"fmt"
	"io"

	"github.com/restreamd/restreamd/relay"
)

// MaxBody is the largest tag body Reader takes: what an RTMP message may hold here.
const MaxBody = 10 << 20

// growStep is how much of a large body is allocated before it has been seen to come.
const growStep = 64 << 10

// Reader reads an FLV byte stream tag by tag.
type Reader struct {
	br     *bufio.Reader
	opened bool
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader { return &Reader{br: bufio.NewReaderSize(r, 64<<10)} }

// Read returns the next tag as a packet; its DTS is the tag's timestamp. Tags of other kinds are passed over. The end
// of the stream between two tags is io.EOF, within a tag io.ErrUnexpectedEOF. A malformed body is returned with
// ErrMalformed; reading may go on.
func (r *Reader) Read() (relay.Packet, error) {
	if !r.opened {
		if err := r.open(); err != nil {
			return relay.Packet{}, err
		}
	}
	for {
		var h [TagHeaderSize]byte
		if _, err := io.ReadFull(r.br, h[:]); err != nil {
			return relay.Packet{}, err
		}
		size := int(h[1])<<16 | int(h[2])<<8 | int(h[3])
		ts := uint32(h[7])<<24 | uint32(h[4])<<16 | uint32(h[5])<<8 | uint32(h[6])
		body, err := r.body(size)
		if err != nil {
			return relay.Packet{}, err
		}
		if kind := relay.Kind(h[0] & 31); kind == relay.Audio || kind == relay.Video || kind == relay.Script {
			return Seal(kind, ts, body)
		}
	}
}

func (r *Reader) open() error {
	var h [HeaderSize]byte
	if _, err := io.ReadFull(r.br, h[:]); err != nil {
		return fmt.Errorf("read FLV header: %w", err)
	}
	if string(h[:3]) != "FLV" {
		return fmt.Errorf("read FLV header: not FLV: begins with %q", h[:3])
	}
	r.opened = true
	return nil
}

// body reads size bytes and the trailer behind them. Memory grows with what arrives, not with what is announced.
func (r *Reader) body(size int) ([]byte, error) {
	if size > MaxBody {
		return nil, fmt.Errorf("read FLV tag: body of %d bytes, at most %d", size, MaxBody)
	}
	body := make([]byte, 0, min(size, growStep))
	for len(body) < size {
		n := min(size-len(body), max(len(body), growStep))
		old := len(body)
		body = append(body, make([]byte, n)...)
		if _, err := io.ReadFull(r.br, body[old:]); err != nil {
			return nil, noEOF(err)
		}
	}
	if _, err := r.br.Discard(TrailerSize); err != nil {
		return nil, noEOF(err)
	}
	return body, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
