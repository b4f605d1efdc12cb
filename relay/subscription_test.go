package relay_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/restreamd/restreamd/relay"
)

func TestSlowOutputLosesWholeGOPs(t *testing.T) {
	s := relay.NewStream("main")
	p := publish(t, s, "studio")
	write(t, p, videoHeader("sps"), key(0, "k0"))
	slow, fast := s.Subscribe(5), s.Subscribe(roomy)
	defer slow.Close()
	defer fast.Close()
	write(t, p, delta(1, "d0"), key(2, "k1"), delta(3, "d1"), key(4, "k2"))
	wantBodies(t, slow, "sps", "k2")
	if got, want := slow.Drops(), (relay.Drops{GOPs: 2, Packets: 4, Bytes: 8}); got != want {
		t.Errorf("drops %+v, want %+v", got, want)
	}
	write(t, p, delta(5, "d2"), delta(6, "d3"), delta(7, "d4"), delta(8, "d5"), delta(9, "d6"), key(10, "k3"), delta(11, "d7"))
	wantBodies(t, slow, "k3", "d7")
	if got, want := slow.Drops(), (relay.Drops{GOPs: 3, Packets: 9, Bytes: 18}); got != want {
		t.Errorf("drops %+v, want %+v", got, want)
	}
	if got := read(t, fast); len(got) != 13 || fast.Drops() != (relay.Drops{}) {
		t.Errorf("another output got %q and lost %+v", bodies(got), fast.Drops())
	}
}

func TestSlowOutputKeepsItsNewestGOP(t *testing.T) {
	s := relay.NewStream("main")
	p := publish(t, s, "studio")
	write(t, p, key(0, "k0"))
	sub := s.Subscribe(7)
	defer sub.Close()
	write(t, p, delta(1, "d0"), key(2, "k1"), delta(3, "d1"))
	wantBodies(t, sub, "k1", "d1")
	if got, want := sub.Drops(), (relay.Drops{GOPs: 1, Packets: 2, Bytes: 4}); got != want {
		t.Errorf("drops %+v, want %+v", got, want)
	}
}

func TestLonePacketIsNeverTooLarge(t *testing.T) {
	s := relay.NewStream("main")
	p := publish(t, s, "studio")
	write(t, p, videoHeader("a header larger than the limit"), key(0, "a keyframe larger than the limit"))
	sub := s.Subscribe(4)
	defer sub.Close()
	if got := len(read(t, sub)); got != 2 {
		t.Fatalf("read %d packets", got)
	}
	write(t, p, delta(1, "as is this one"))
	wantBodies(t, sub, "as is this one")
	if sub.Drops() != (relay.Drops{}) {
		t.Errorf("an output that kept up lost %+v", sub.Drops())
	}
}

func TestOutputThatStandsStillHoldsNoPileOfMetadata(t *testing.T) {
	s := relay.NewStream("main")
	p := publish(t, s, "studio")
	write(t, p, metadata("first"), videoHeader("sps"), key(0, "k0"))
	sub := s.Subscribe(4)
	defer sub.Close()
	for i := range 1000 {
		write(t, p, metadata(fmt.Sprint("meta", i)), delta(int64(i), "delta"))
	}
	wantBodies(t, sub, "sps", "meta999")
	for i := range 1000 {
		write(t, p, metadata(fmt.Sprint("again", i)))
	}
	wantBodies(t, sub, "again999")
}

// sent is what the model knows of what was sent: number of the GOP, and which init packets were valid then.
type sent struct {
	pkt   relay.Packet
	gop   int
	inits map[relay.Slot]string
}

// model remembers everything that was sent, and judges what an output got of it.
type model struct {
	limit   int
	sent    []sent
	serial  map[string]int // of media, by body
	inits   map[relay.Slot]string
	seen    map[relay.Slot]string // delivered init packets
	got     []int                 // serials delivered
	pending int                   // bytes sent since the output read last
	largest int
	lossy   bool // pending was more than limit at some time
}

func newModel(limit int) *model {
	return &model{limit: limit, serial: map[string]int{}, inits: map[relay.Slot]string{}, seen: map[relay.Slot]string{}}
}

func (m *model) send(pkt relay.Packet) {
	if pkt.Slot != 0 {
		m.inits[pkt.Slot] = string(pkt.Body)
		return
	}
	gop := 0
	if n := len(m.sent); n > 0 {
		gop = m.sent[n-1].gop
	}
	if pkt.Keyframe {
		gop++
	}
	valid := map[relay.Slot]string{}
	for slot, body := range m.inits {
		valid[slot] = body
	}
	m.serial[string(pkt.Body)] = len(m.sent)
	m.sent = append(m.sent, sent{pkt, gop, valid})
	m.pending += len(pkt.Body)
	m.largest = max(m.largest, len(pkt.Body))
	m.lossy = m.lossy || m.pending > m.limit
}

func (m *model) receive(t *testing.T, packets []*relay.Packet) {
	t.Helper()
	held := 0
	for _, p := range packets {
		if p.Slot != 0 {
			m.seen[p.Slot] = string(p.Body)
			continue
		}
		held += len(p.Body)
		i, ok := m.serial[string(p.Body)]
		if !ok {
			t.Fatalf("never sent: %q", p.Body)
		}
		m.got = append(m.got, i)
		for slot, body := range m.sent[i].inits {
			if m.seen[slot] != body {
				t.Fatalf("packet %d was sent under init packet %q, delivered under %q", i, body, m.seen[slot])
			}
		}
	}
	if held > max(m.limit, m.largest) {
		t.Fatalf("held %d bytes, limit %d, largest packet %d", held, m.limit, m.largest)
	}
	m.pending = 0
}

func (m *model) judge(t *testing.T, drops relay.Drops) {
	t.Helper()
	next, want := 0, relay.Drops{}
	damaged := map[int]bool{}
	for _, i := range append(m.got, len(m.sent)) {
		if i < next {
			t.Fatalf("packet %d after packet %d", i, next-1)
		}
		for ; next < i; next++ {
			want.Packets++
			want.Bytes += int64(len(m.sent[next].pkt.Body))
			damaged[m.sent[next].gop] = true
			if i < len(m.sent) && !m.sent[i].pkt.Keyframe {
				t.Fatalf("resumed at packet %d, which is no keyframe", i)
			}
		}
		next++
	}
	want.GOPs = int64(len(damaged))
	if drops != want {
		t.Fatalf("counted %+v, lost %+v", drops, want)
	}
	if !m.lossy && want.Packets > 0 {
		t.Fatalf("lost %d packets, though no more than %d bytes were ever waiting", want.Packets, m.limit)
	}
}

func TestSlowOutputAgainstModel(t *testing.T) {
	var lost, kept int
	for seed := range uint64(400) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			s := relay.NewStream("main")
			p := publish(t, s, "studio")
			m, calm := newModel(8+r.IntN(400)), newModel(roomy)
			slow, fast := s.Subscribe(m.limit), s.Subscribe(roomy)
			defer slow.Close()
			defer fast.Close()
			// Joined from the first packet, so that all there is to lose is lost to slowness.
			for i := range 600 {
				pkt := randomPacket(r, i)
				write(t, p, pkt)
				m.send(pkt)
				calm.send(pkt)
				if i == 0 || r.IntN(12) == 0 {
					m.receive(t, read(t, slow))
				}
			}
			m.receive(t, read(t, slow))
			m.judge(t, slow.Drops())
			calm.receive(t, read(t, fast))
			calm.judge(t, fast.Drops())
			if len(calm.got) != len(calm.sent) {
				t.Fatalf("another output got %d of %d packets", len(calm.got), len(calm.sent))
			}
			lost, kept = lost+len(m.sent)-len(m.got), kept+len(m.got)
		})
	}
	if lost < 1000 || kept < 1000 {
		t.Errorf("lost %d, kept %d packets: the limits test nothing", lost, kept)
	}
}

func randomPacket(r *rand.Rand, i int) relay.Packet {
	body := append([]byte(fmt.Sprintf("%d ", i)), make([]byte, r.IntN(60))...)
	if i == 0 {
		return key(0, string(body))
	}
	ms := int64(i) * 10
	switch n := r.IntN(20); {
	case n == 0:
		return metadata(string(body))
	case n == 1:
		return videoHeader(string(body))
	case n < 4:
		return key(ms, string(body))
	case n < 10:
		return audio(ms, string(body))
	case n == 10:
		return data(ms, string(body))
	}
	return delta(ms, string(body))
}

func TestReadReusesMemory(t *testing.T) {
	s := relay.NewStream("main")
	p := publish(t, s, "studio")
	write(t, p, key(0, "k0"))
	sub := s.Subscribe(roomy)
	defer sub.Close()
	var all []string
	var batch []*relay.Packet
	for i := range int64(100) {
		write(t, p, delta(2*i, "a"), delta(2*i+1, "b"))
		var err error
		if batch, err = sub.Read(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		all = append(all, bodies(batch)...)
	}
	if len(all) != 201 || slices.Index(all, "b") != 2 {
		t.Errorf("read %q", all)
	}
}
