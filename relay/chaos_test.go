package relay_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// chaos does to a stream whatever its input says, and knows what outputs must see of it.
type chaos struct {
	*testing.T
	stream  *relay.Stream
	input   []byte
	pubs    []*actor
	stopgap *actor
	freeze  relay.Freeze
	outputs []*witness
	owed    []string // bodies that outputs of this session must get, in no order
	names   int
	open    int // sessions begun less those ended
	writes  int
	begun   time.Time
}

// actor is a publisher that knows what it sent.
type actor struct {
	*relay.Publication
	name, key    string
	role         relay.Role
	header       int
	gop, picture int
	raw          uint32
	pictures     bool
}

// next is a number below n from the input.
func (c *chaos) next(n int) int {
	if len(c.input) == 0 {
		return 0
	}
	b := c.input[0]
	c.input = c.input[1:]
	return int(b) % n
}

func run(t *testing.T, input []byte) {
	hub := relay.NewHub("main")
	c := &chaos{T: t, stream: hub.Stream("main"), input: input, begun: time.Now()}
	hub.Observe(c.observe)
	c.stream.Hold(relay.Holds{Lost: true})
	c.watch()
	for len(c.input) > 0 && !t.Failed() {
		c.act()
		c.look()
	}
	c.stream.Close()
	for _, w := range c.outputs {
		c.read(w)
		if _, err := w.sub.Read(t.Context(), nil); !errors.Is(err, io.EOF) && !errors.Is(err, relay.ErrClosed) {
			t.Errorf("an output ends with %v", err)
		}
	}
	for _, p := range c.pubs {
		if p.Err() == nil {
			t.Errorf("%s is not over", p.name)
		}
	}
	if st := c.stream.Status(); st.Publisher != nil || len(st.Standby) > 0 || st.Session != nil || st.Hold != nil || st.Outputs > 0 || c.open != 0 {
		t.Errorf("left over: %+v, %d sessions open", st, c.open)
	}
}

func (c *chaos) observe(e relay.Event) {
	switch e.What {
	case relay.Began:
		c.open++
	case relay.Ended:
		c.open--
	case relay.Fed:
		if c.open != 1 {
			c.Errorf("%s feeds no session", e.Key)
		}
	}
	if c.open < 0 || c.open > 1 {
		c.Errorf("%d sessions at a time", c.open)
	}
}

// act does one thing.
func (c *chaos) act() {
	switch op := c.next(32); op {
	case 0, 1, 2:
		c.publish()
	case 3:
		if p := c.one(); p != nil {
			p.Lose(errReset)
		}
	case 4:
		if p := c.one(); p != nil {
			p.Close()
		}
	case 5, 6:
		to := []string{"a", "b", "field", "primary", "backup", "nobody"}[c.next(6)]
		if err := c.stream.Switch(to, "", c.next(2) == 0); err != nil && !errors.Is(err, relay.ErrNoPublisher) {
			c.Error(err)
		}
	case 7, 8, 9:
		instead := []relay.Role{"", "", relay.Primary, relay.Backup}[c.next(4)]
		if p, f, ok := c.stream.StandIn(relay.Publisher{Key: "hold"}, instead, "why"); ok {
			c.names++
			c.stopgap, c.freeze = &actor{Publication: p, name: fmt.Sprint("hold", c.names)}, f
		}
	case 10, 11:
		c.hold()
	case 12:
		if c.next(8) == 0 {
			c.stream.End("enough")
		} else {
			roles := []relay.Role{relay.Primary, relay.Backup}
			c.stream.Hold(relay.Holds{Lost: c.next(4) > 0, Stopped: c.next(2) == 0, Prove: c.next(3) == 0, Barred: roles[:c.next(3)]})
		}
	case 13:
		if c.next(8) == 0 {
			c.stream.Disconnect()
		} else if p := c.one(); p != nil {
			p.Resync()
			p.raw = uint32(c.next(256)) << 24
		}
	case 14:
		if c.next(4) == 0 {
			c.watch()
		}
	case 15:
		time.Sleep(time.Duration(c.next(256)) * 10 * time.Millisecond) // the bubble's time
	case 16:
		if p := c.one(); p != nil {
			p.raw += uint32(c.next(256)) << 24 // its clock jumps
		}
	default:
		time.Sleep(time.Duration(c.next(3)) * 10 * time.Millisecond)
		if p := c.one(); p != nil {
			c.send(p, op)
		}
	}
}

func (c *chaos) publish() {
	key := []string{"a", "b", "field"}[c.next(3)]
	p := &actor{key: key, role: relay.Primary, raw: uint32(c.next(256)) << 24, header: c.next(3)}
	if key == "field" {
		p.role = relay.Backup
	}
	var err error
	if p.Publication, err = c.stream.Publish(relay.Publisher{Key: key, Role: p.role}); err != nil {
		if !errors.Is(err, relay.ErrBusy) {
			c.Error(err)
		}
		return
	}
	c.names++
	p.name, p.pictures = fmt.Sprint(key, c.names), c.next(5) > 0
	c.pubs = append(c.pubs, p)
	if p.pictures {
		c.write(p, videoHeader(fmt.Sprint("sps", p.header)))
	}
}

// one is a publisher that is on.
func (c *chaos) one() *actor {
	on := slices.DeleteFunc(slices.Clone(c.pubs), func(p *actor) bool { return p.Err() != nil })
	if len(on) == 0 {
		return nil
	}
	return on[c.next(len(on))]
}

// send has a publisher send something.
func (c *chaos) send(p *actor, op int) {
	p.raw += uint32(1 + c.next(60))
	switch {
	case op < 20 || !p.pictures:
		c.names++
		c.write(p, audio(int64(p.raw), fmt.Sprint("a|", p.name, "|", c.names)))
	case op == 20:
		c.names++
		c.write(p, data(0, fmt.Sprint("d|", p.name, "|", c.names)))
	case op == 21:
		p.header = c.next(3)
		c.write(p, videoHeader(fmt.Sprint("sps", p.header)))
		fallthrough // whoever changes its header begins a GOP
	case op < 25:
		p.gop, p.picture = p.gop+1, 0
		c.write(p, key(int64(p.raw), p.body()))
	case p.gop > 0:
		p.picture++
		c.write(p, delta(int64(p.raw), p.body()))
	}
}

func (p *actor) body() string {
	return fmt.Sprintf("v|%s|%d|%d|sps%d", p.name, p.gop, p.picture, p.header)
}

// write sends a packet. What the one that feeds sends and could be decoded is owed to the outputs.
func (c *chaos) write(p *actor, pkt relay.Packet) {
	c.writes++
	body := string(pkt.Body)
	before := c.feeding(p)
	var lost int64
	if before {
		lost = c.stream.Status().Publisher.Undecodable
	}
	if err := p.Write(pkt); err != nil {
		c.Errorf("%s is on and cannot write: %v", p.name, err)
	}
	if before && pkt.Slot == 0 && c.stream.Status().Publisher.Undecodable == lost {
		c.owed = append(c.owed, body)
	}
}

func (c *chaos) feeding(p *actor) bool {
	st := c.stream.Status()
	return st.Publisher != nil && st.Publisher.Key == p.key && st.Publisher.Role == p.role && p.Err() == nil
}

// hold has the stopgap send what a keeper would.
func (c *chaos) hold() {
	p := c.stopgap
	if p == nil || p.Err() != nil {
		return
	}
	p.raw += uint32(1 + c.next(200))
	c.writes++
	c.names++
	pkt := audio(int64(p.raw), fmt.Sprint("a|hush|", c.names))
	if f := c.freeze; f.Key != nil && c.next(2) == 0 {
		header := f.Inits[slices.IndexFunc(f.Inits, func(q *relay.Packet) bool { return q.Slot == relay.HeaderSlot(relay.Video, 0) })]
		if p.gop++; string(header.Body) != headerOf(string(f.Key.Body)) {
			c.Errorf("%q is to be repeated under %q", f.Key.Body, header.Body)
		}
		pkt = key(int64(p.raw), fmt.Sprintf("v|%s|%d|0|%s", p.name, p.gop, header.Body))
	}
	if err := p.Write(pkt); err != nil {
		c.Error(err)
	}
	c.owed = append(c.owed, string(pkt.Body))
}

// watch adds an output.
func (c *chaos) watch() {
	c.outputs = append(c.outputs, &witness{sub: c.stream.Subscribe(roomy), last: map[relay.Kind]int64{}, seen: map[string]bool{}, owed: len(c.owed)})
}

// look lets every output read. When a session is over its outputs make room for one that waits for the next.
func (c *chaos) look() {
	for _, w := range c.outputs {
		c.read(w)
	}
	if _, on := c.stream.Session(); on {
		return
	}
	for _, w := range c.outputs {
		w.sub.Close()
	}
	c.outputs, c.owed = nil, nil
	c.watch()
}

// FuzzStream has publishers come, send, fail and go, be switched, held and barred in any order.
func FuzzStream(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(random(seed, 300))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) < 4000 {
			synctest.Test(t, func(t *testing.T) { run(t, input) })
		}
	})
}

func random(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	input := make([]byte, n)
	for i := range input {
		input[i] = byte(r.Uint32())
	}
	return input
}

// The same with inputs that were not looked for.
func TestChaos(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) { run(t, random(seed, 1500)) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
