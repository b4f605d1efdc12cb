package main_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// mostSettle is how long after the last edit the relay may take to be what the folder says: the quiet it awaits (0.1 s),
// an old child that finishes, a new one that starts and publishes.
const mostSettle = 2 * time.Second

// busy is the load from which times tell more of the machine than of the relay, in runnable processes a core.
const busy = 2

// A thousand random edits under a live show, in bursts: what runs agrees with the folder within 2 s of each burst, and
// what a burst did not touch keeps its child and its connection. Two destinations that nobody edits are pushed to from
// beginning to end without a packet lost. The edits follow from the seed alone.
func TestChurn(t *testing.T) {
	t.Parallel()
	edits := 1000
	if testing.Short() {
		edits = 100
	}
	first, second, platform := rt.NewSink(t), rt.NewSink(t), rt.NewSink(t)
	platform.Discard()
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {enabled: false}"),
		rt.Destination("steady1", destination(first, "s1")), rt.Destination("steady2", destination(second, "s2")))
	show := goOnAir(t, r.PublishURL(), rt.Media(t, rt.Duration(showPart), rt.Size(320, 180), rt.Bitrate(200)))
	awaitVideo(t, first, 1)
	awaitVideo(t, second, 1)

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := &churn{
		relay: r, platform: platform, steady: []*rt.Sink{first, second}, held: map[string]holding{},
		churnModel: newChurnModel(t, r.Destinations, platform.URL(), rand.New(rand.NewPCG(seed, 0))),
	}
	for done := 0; done < edits; {
		burst := min(1+c.rand.IntN(10), edits-done)
		c.batch(burst)
		c.settle()
		done += burst
	}
	c.report()

	sent := show.end()
	for _, s := range c.steady {
		got := awaitGoodbye(t, s)
		sameHashes(t, got.Key, got.VideoHashes(), sent)
		if err := got.MonotonicDTS(); err != nil {
			t.Errorf("%s: %v", got.Key, err)
		}
	}
}

// churn compares a relay with the model.
type churn struct {
	*churnModel
	relay    *rt.Relay
	platform *rt.Sink   // of all that is edited
	steady   []*rt.Sink // of what is not
	held     map[string]holding
	took     []time.Duration // from the last edit of each batch to agreement
	kept     int             // destinations that a batch left alone, summed up
}

// holding is what serves a destination.
type holding struct {
	pid     int
	session int // number of the TCP session at the platform
}

// settle waits until the relay agrees with the model, and checks that it kept what it had no reason to touch.
func (c *churn) settle() {
	c.Helper()
	begun := time.Now()
	var now map[string]holding
	var differed string // when it was looked at last and did not agree
	defer func() {
		if c.Failed() {
			c.Logf("batch %d, %s; the relay differed: %s", len(c.took), c, differed)
		}
	}()
	rt.Eventually(c, patient, "the relay to do what the folder says", func() bool {
		var differs string
		if now, differs = c.look(); differs != "" {
			differed = differs
		}
		return differs == ""
	})
	took := time.Since(begun)
	c.took = append(c.took, took)
	switch load := loadPerCore(c); {
	case took > mostSettle && load > busy:
		c.Logf("the relay did what the folder says after %v, at %.1f runnable processes a core: not judged", took, load)
	case took > mostSettle:
		c.Errorf("the relay did what the folder says after %v, want %v at most", took, mostSettle)
	}
	c.compare(now)
	if c.Failed() {
		c.FailNow()
	}
}

// compare checks that now serves what was not touched as before, and remembers it.
func (c *churn) compare(now map[string]holding) {
	c.Helper()
	for name, h := range now {
		before, held := c.held[name]
		if d := c.desks[name]; !held || d != nil && d.touched {
			continue
		}
		c.kept++
		if h != before {
			c.Errorf("%s was not touched and is served by child %d in session %d, was child %d, session %d", name,
				h.pid, h.session, before.pid, before.session)
		}
	}
	c.held = now
}

// look returns what serves the destinations, and how that differs from what must; "" when it does not.
func (c *churn) look() (now map[string]holding, differs string) {
	sessions, differs := c.published()
	if differs != "" {
		return nil, differs // the platform is cheaper to ask than the relay
	}
	want := c.pushed()
	now = map[string]holding{}
	s := snapshot(c.T, c.relay)
	for _, o := range s.Streams[0].Outputs {
		key, wanted := want[o.Name]
		steady := strings.HasPrefix(o.Name, "steady")
		switch {
		case !wanted && !steady:
			return nil, o.Name + " is still " + string(o.State)
		case o.Pid == 0:
			return nil, fmt.Sprintf("%s is %s, without a child (%s)", o.Name, o.State, o.Reason)
		}
		now[o.Name] = holding{o.Pid, sessions[key]}
	}
	for name := range want {
		if _, there := now[name]; !there {
			return nil, name + " is not in the status"
		}
	}
	var problems []string
	for _, p := range s.Problems {
		problems = append(problems, p.Destination)
	}
	if !slices.Equal(problems, c.unreadable()) {
		return nil, fmt.Sprintf("the status reports %v", problems)
	}
	return now, ""
}

// published maps the keys that are published to their sessions.
func (c *churn) published() (sessions map[string]int, differs string) {
	sessions = map[string]int{}
	for i, s := range c.platform.Sessions() {
		if s.Key == "" || !s.Closed.IsZero() {
			continue
		}
		if _, twice := sessions[s.Key]; twice {
			return nil, s.Key + " is published twice"
		}
		sessions[s.Key] = i
	}
	got, want := slices.Sorted(maps.Keys(sessions)), slices.Sorted(maps.Values(c.pushed()))
	if !slices.Equal(got, want) {
		return nil, fmt.Sprintf("published are %v", got)
	}
	for _, s := range c.steady {
		if n := len(s.Sessions()); n != 1 {
			c.Fatalf("%d sessions at a destination that nobody edits, want 1", n)
		}
	}
	return sessions, ""
}

// report prints how soon batches took effect.
func (c *churn) report() {
	slices.Sort(c.took)
	at := func(q float64) time.Duration {
		return c.took[int(q*float64(len(c.took)-1))].Round(time.Millisecond)
	}
	c.Logf("%d batches, %d sessions of what was edited, %d times left alone: settled after p50 %v, p95 %v, at most %v",
		len(c.took), len(c.platform.Sessions()), c.kept, at(0.5), at(0.95), at(1))
}

// loadPerCore is that of the last minute.
func loadPerCore(t testing.TB) float64 {
	t.Helper()
	var load float64
	if _, err := fmt.Sscan(string(read(t, "/proc/loadavg")), &load); err != nil {
		t.Fatal(err)
	}
	return load / float64(runtime.NumCPU())
}

// showPart is the length of what a show repeats.
const showPart = 2 * time.Second

// show is an encoder on air.
type show struct {
	stop context.CancelFunc
	wg   sync.WaitGroup
	sent []string // hashes of all video packets, once it has ended
}

// goOnAir sends a file again and again, with timestamps that go on, until the show is ended.
func goOnAir(t *testing.T, url, file string) *show {
	t.Helper()
	encoder, part := dial(t, url), read(t, file)
	ctx, stop := context.WithCancel(t.Context())
	s := &show{stop: stop}
	s.wg.Go(func() {
		s.run(ctx, t, encoder, part)
		if err := encoder.Goodbye(); err != nil {
			t.Errorf("say goodbye: %v", err)
		}
	})
	t.Cleanup(func() { s.end() })
	return s
}

// end goes off air after the present part, and returns the hashes of all video packets.
func (s *show) end() []string {
	s.stop()
	s.wg.Wait()
	return s.sent
}

func (s *show) run(ctx context.Context, t *testing.T, encoder *rt.Encoder, part []byte) {
	ticker := time.NewTicker(showPart)
	defer ticker.Stop()
	for offset := time.Duration(0); ctx.Err() == nil; offset += showPart {
		for _, tag := range encoder.SendFile(t, part, uint32(offset.Milliseconds())) {
			if tag.Kind == rt.KindVideo && !tag.Init {
				s.sent = append(s.sent, tag.Hash)
			}
		}
		<-ticker.C // a part is sent a frame sooner than it takes
	}
}
