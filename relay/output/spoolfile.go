package output

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// spoolFile holds packets on disk, first in, first out.
type spoolFile struct {
	f           *os.File
	wrote, read int64
	line        []byte // a batch as it is written
}

func newSpoolFile(dir string) (*spoolFile, error) {
	f, err := os.CreateTemp(dir, "spool-*")
	if err != nil {
		return nil, fmt.Errorf("spool to disk: %w", err)
	}
	_ = os.Remove(f.Name()) // its space is given back when it is closed, in whatever way the relay ends
	return &spoolFile{f: f}, nil
}

func (s *spoolFile) empty() bool { return s.read == s.wrote }

func (s *spoolFile) close() { _ = s.f.Close() }

// spoolBatch is how much is written or read at once.
const spoolBatch = 1 << 20

// put appends packets and returns those for which there is no room.
func (s *spoolFile) put(packets []*relay.Packet) (rest []*relay.Packet) {
	for len(packets) > 0 {
		if left, err := free(s.f); err != nil || left < spareDisk || s.wrote > maxSpooled {
			return packets
		}
		n := 0
		s.line = s.line[:0]
		for n < len(packets) && len(s.line) < spoolBatch {
			s.line = appendPacket(s.line, packets[n])
			n++
		}
		if _, err := s.f.WriteAt(s.line, s.wrote); err != nil {
			return packets // what was written of it is written over
		}
		s.wrote += int64(len(s.line))
		packets = packets[n:]
	}
	return nil
}

// take reads some of the oldest packets.
func (s *spoolFile) take(buf []*relay.Packet) ([]*relay.Packet, error) {
	r := bufio.NewReaderSize(io.NewSectionReader(s.f, s.read, s.wrote-s.read), 64<<10)
	for n := 0; n < spoolBatch && !s.empty(); {
		p, size, err := readPacket(r)
		if err != nil {
			return nil, fmt.Errorf("read what was spooled to disk: %w", err)
		}
		n, s.read = n+size, s.read+int64(size)
		buf = append(buf, p)
	}
	return buf, nil
}

// spoolHead is a packet without its body: kind, variant, keyframe, slot, DTS, arrival, and how long the body is.
const spoolHead = 1 + 1 + 1 + 4 + 8 + 8 + 4

func appendPacket(b []byte, p *relay.Packet) []byte {
	key := byte(0)
	if p.Keyframe {
		key = 1
	}
	b = append(b, byte(p.Kind), byte(p.Variant), key)
	b = binary.BigEndian.AppendUint32(b, uint32(p.Slot))
	b = binary.BigEndian.AppendUint64(b, uint64(p.DTS))
	b = binary.BigEndian.AppendUint64(b, uint64(p.Arrived.UnixNano()))
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.Body)))
	return append(b, p.Body...)
}

func readPacket(r io.Reader) (p *relay.Packet, size int, err error) {
	var h [spoolHead]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, 0, err
	}
	p = &relay.Packet{
		Kind: relay.Kind(h[0]), Variant: relay.Variant(h[1]), Keyframe: h[2] == 1, Slot: relay.Slot(binary.BigEndian.Uint32(h[3:])),
		DTS:     int64(binary.BigEndian.Uint64(h[7:])),
		Arrived: time.Unix(0, int64(binary.BigEndian.Uint64(h[15:]))),
		Body:    make([]byte, binary.BigEndian.Uint32(h[23:])),
	}
	_, err = io.ReadFull(r, p.Body)
	return p, spoolHead + len(p.Body), err
}
