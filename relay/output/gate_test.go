package output_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/relay/egress"
	"github.com/restreamd/restreamd/relay/output"
)

// platformError is what a gate says of a platform.
type platformError output.Class

func (e platformError) Error() string { return "no way: " + string(e) }
func (e platformError) Class() string { return string(e) }

// fakeGate opens links that say what the test has them say.
type fakeGate struct {
	mu    sync.Mutex
	hangs bool // Open does not return before it is given up
	fail  func(opened int) error
	say   func(age time.Duration) output.Progress // of the newest link
	since time.Time                               // when say was set, or the newest link was opened
	lost  chan error                              // ends the newest link
	log   []time.Time                             // of every Open
	left  chan struct{}                           // closed: the children are gone
}

func (g *fakeGate) Open(ctx context.Context) (output.Link, error) {
	g.mu.Lock()
	g.log, g.since = append(g.log, time.Now()), time.Now()
	hangs, fail, opened := g.hangs, g.fail, len(g.log)
	g.lost = make(chan error, 1)
	link := fakeLink{g, g.lost}
	g.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	if fail != nil {
		return nil, fail(opened)
	}
	return link, nil
}

// says has the links tell this from now on.
func (g *fakeGate) says(say func(age time.Duration) output.Progress) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.say, g.since = say, time.Now()
}

// tells is says of what stays as it is.
func (g *fakeGate) tells(p output.Progress) {
	g.says(func(time.Duration) output.Progress { return p })
}

// opens are the times at which a link was asked for.
func (g *fakeGate) opens() []time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.log)
}

// leave is what a link notices when its child goes.
func (g *fakeGate) leave() {
	select {
	case <-g.left:
	default:
		close(g.left)
	}
}

// lose ends the newest link.
func (g *fakeGate) lose(why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost <- why
}

type fakeLink struct {
	gate *fakeGate
	lost chan error
}

func (l fakeLink) Addr() string { return "127.0.0.1:1" }

func (l fakeLink) Progress() output.Progress {
	l.gate.mu.Lock()
	defer l.gate.mu.Unlock()
	if l.gate.say == nil {
		return output.Progress{}
	}
	return l.gate.say(time.Since(l.gate.since))
}

func (l fakeLink) Serve(ctx context.Context) error {
	select {
	case why := <-l.lost:
		return why
	case <-l.gate.left:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takes is a platform that takes all of a megabyte a second.
func takes(age time.Duration) output.Progress {
	n := int64(age.Seconds() * 1e6)
	return output.Progress{Begun: true, Sent: n, Acked: n, Bitrate: 8e6, RTT: 20 * time.Millisecond}
}

// realGate makes the egress gate the engine's.
type realGate struct{ gate *egress.Gate }

func (g realGate) Open(ctx context.Context) (output.Link, error) {
	link, err := g.gate.Open(ctx)
	if err != nil {
		return nil, err
	}
	return realLink{link}, nil
}

type realLink struct{ *egress.Link }

func (l realLink) Progress() output.Progress { return output.Progress(l.Delivery()) }

// pushes is an output that goes through a gate.
func (s *stage) pushes(name string, gate output.Gate) output.Spec {
	return s.through(gate, s.spec(name, files{dir: s.t.TempDir(), name: name}))
}

func (s *stage) through(gate output.Gate, spec output.Spec) output.Spec {
	if g, ok := gate.(*fakeGate); ok && g.left == nil {
		g.left = make(chan struct{})
		s.t.Cleanup(g.leave)
	}
	spec.Gate = gate
	return spec
}

// A platform that cannot be reached costs no child.
func TestGateThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	s.Apply([]output.Spec{s.pushes("a", &fakeGate{fail: func(int) error { return platformError(output.Refused) }})})
	publish(t, s.stream).begin()
	o := s.awaitState("a", output.Retrying)
	if o.Starts != 0 || o.Failures != 1 || o.Class != output.Refused || o.Reason != "no way: refused" {
		t.Errorf("status %s", text(o))
	}
}

// A platform that does not answer is told of long before it is given up, though nobody but the gate is at work.
func TestGateThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, "keeps").serve()
		s.Apply([]output.Spec{s.pushes("a", &fakeGate{hangs: true})})
		publish(t, s.stream).begin()
		time.Sleep(3900 * time.Millisecond) // the bubble's time
		if o := s.status("a"); o.State != output.Starting || o.Class != "" || o.Delivery.Grade != output.Connecting {
			t.Errorf("before 4 s: %s", text(o))
		}
		time.Sleep(200 * time.Millisecond)
		o := s.status("a")
		if o.State != output.Starting || o.Class != output.Timeout || o.Delivery.Grade != output.Connecting ||
			o.Reason != "no answer yet: there is no connection to the platform" || o.Failures != 0 {
			t.Errorf("after 4 s: %s", text(o))
		}
	})
}
