package ingest

import (
	"bufio"
	"bytes"
	"net"
	"net/netip"
	"time"

	"github.com/bluenviron/gortmplib/pkg/rawmessage"

	"github.com/restreamd/restreamd/relay"
)

// CheckAMF is what stands between peers and gortmplib's decoder.
func CheckAMF(b []byte) error { return checkAMF(b) }

// ReadChunks returns the messages in b, and why there are no more.
func ReadChunks(b []byte) (messages []*rawmessage.Message, err error) {
	r := newChunkReader(bufio.NewReader(bytes.NewReader(b)), maxUnfinished, func() error { return nil })
	for {
		m, err := r.Read()
		if err != nil {
			return messages, err
		}
		messages = append(messages, m)
	}
}

// MaxUnfinished is what unfinished messages may hold.
const MaxUnfinished = maxUnfinished

// OurChunkSize is the size of the chunks players get.
const OurChunkSize = ourChunkSize

// Chunks is what players are sent for packets, with each packet's DTS for its timestamp.
func Chunks(packets ...relay.Packet) (out []byte) {
	var w chunkWriter
	for _, p := range packets {
		w.add(&p, uint32(p.DTS))
	}
	for _, b := range w.batch {
		out = append(out, b...)
	}
	return out
}

// MaxPenalties is how many addresses are remembered.
const MaxPenalties = maxPenalties

// Penalties are those of wrong keys.
type Penalties struct{ p penalties }

// Wrong counts a wrong key and returns how long its answer waits.
func (p *Penalties) Wrong(ip netip.Addr, now time.Time) time.Duration { return p.p.wrong(ip, now) }

// Len is how many addresses are remembered.
func (p *Penalties) Len() int { return len(p.p.of) }

// Visitors are open connections.
type Visitors struct{ v visitors }

// Enter takes a connection in and returns what to do when it was let in, when it left, and why it had to make room.
func (v *Visitors) Enter(conn net.Conn, l Limits) (admit, leave func(), gone func() error, err error) {
	one, err := v.v.enter(conn, func() {}, l)
	return func() { v.v.admitted(one) }, func() { v.v.leave(one) }, func() error { return v.v.evicted(one) }, err
}

// Count is how many there are.
func (v *Visitors) Count() (open, pending int) { return v.v.count() }
