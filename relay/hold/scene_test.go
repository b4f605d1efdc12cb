package hold_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/hold"
)

// scene is a stream with a keeper in a bubble of time, and an output that loses nothing.
type scene struct {
	*testing.T
	stream   *relay.Stream
	sub      *relay.Subscription
	encoders int

	mu     sync.Mutex
	sent   []string // media by which a decoder could begin, in order
	set    hold.Settings
	events []relay.Event
}

// play acts in a bubble of time, with a keeper.
func play(t *testing.T, set func(*hold.Settings), act func(*scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		hub := relay.NewHub("main")
		s := &scene{T: t, stream: hub.Stream("main"), set: hold.Defaults()}
		if set != nil {
			set(&s.set)
		}
		hub.Observe(func(e relay.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e)
		})
		s.sub = s.stream.Subscribe(1 << 30)
		ctx, cancel := context.WithCancel(t.Context())
		var keeping sync.WaitGroup
		keeper := hold.Keeper{Stream: s.stream, Settings: s.settings}
		keeping.Go(func() {
			if err := keeper.Serve(ctx); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		act(s)
		cancel()
		keeping.Wait()
		hub.Close()
	})
}

func (s *scene) settings() hold.Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set
}

// change changes the settings while the keeper is at work.
func (s *scene) change(f func(*hold.Settings)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.set)
}

func (s *scene) note(body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, body)
}

// told is the events so far, in short.
func (s *scene) told() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		all = append(all, strings.TrimSpace(fmt.Sprint(e.What, " ", e.Key)))
	}
	return all
}

func (s *scene) wantTold(want ...string) {
	s.Helper()
	if got := s.told(); !slices.Equal(got, want) {
		s.Errorf("told %q, want %q", got, want)
	}
}

func (s *scene) wantFeeder(want string) {
	s.Helper()
	st := s.stream.Status()
	got := "nobody"
	switch {
	case st.Publisher != nil:
		got = st.Publisher.Key
	case st.Hold != nil && st.Hold.Shown:
		got = "hold"
	case st.Session == nil:
		got = "off air"
	}
	if got != want {
		s.Errorf("%s feeds, want %s", got, want)
	}
}

// take is what an output got.
type take struct {
	packets []*relay.Packet
	headers []string
	repeats int // of a last picture
	silence int // packets
	media   []string
}

// read is what the output got since it was read last.
func (s *scene) read() (k take) {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	packets, err := s.sub.Read(ctx, nil)
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF) {
		s.Fatal(err)
	}
	k.packets = packets
	key := ""
	for _, p := range packets {
		body := string(p.Body)
		switch {
		case p.Slot != 0:
			k.headers = append(k.headers, body)
		case p.Kind == relay.Audio && strings.HasPrefix(body, aac[:1]+"\x01"), p.Kind == relay.Audio && strings.HasPrefix(body, "\x91Opus"):
			k.silence++
		case body == key:
			k.repeats++
		default:
			k.media = append(k.media, body)
			if p.Keyframe && p.Kind == relay.Video {
				key = body
			}
		}
	}
	return k
}

// limits of what an output may see.
type limits struct {
	video, audio time.Duration // between packets; 0: not looked at
	skew         time.Duration // between sound and picture
	still        bool          // clocks may stand still
}

// strict is what must hold for video with AAC.
func strict(set hold.Settings) limits {
	return limits{video: set.Every + 100*time.Millisecond, audio: sound + 100*time.Millisecond, skew: set.Every + 100*time.Millisecond}
}

// steady checks the times of what an output got: each track goes forward, without holes, beside the other.
func (k take) steady(t testing.TB, l limits) {
	t.Helper()
	last := map[relay.Kind]int64{}
	bad := 0
	for i, p := range k.packets {
		if p.Slot != 0 || bad > 5 {
			continue
		}
		if before, ok := last[p.Kind]; ok {
			limit := map[relay.Kind]time.Duration{relay.Video: l.video, relay.Audio: l.audio}[p.Kind]
			if step := p.DTS - before; step < 0 || step == 0 && !l.still || limit > 0 && step > limit.Milliseconds() {
				bad++
				t.Errorf("packet %d, %v %.20q: %d ms after the one before it at %d", i, p.Kind, p.Body, step, before)
			}
		}
		last[p.Kind] = p.DTS
		a, sounds := last[relay.Audio]
		v, pictures := last[relay.Video]
		if skew := l.skew.Milliseconds(); skew > 0 && sounds && pictures && (a-v > skew || v-a > skew) {
			bad++
			t.Errorf("packet %d: sound at %d ms, picture at %d ms", i, a, v)
		}
	}
}

// onTime checks that the session's time is the wall's.
func (k take) onTime(t testing.TB, within time.Duration) {
	t.Helper()
	var first, last *relay.Packet
	for _, p := range k.packets {
		if p.Slot == 0 && first == nil {
			first = p
		}
		if p.Slot == 0 && (last == nil || p.DTS >= last.DTS) {
			last = p
		}
	}
	passed := last.Arrived.Sub(first.Arrived)
	if off := time.Duration(last.DTS-first.DTS)*time.Millisecond - passed; off > within || off < -within {
		t.Errorf("after %v the session's time is off by %v", passed, off)
	}
}

// wantAll checks that every packet that was sent arrived once and in order, and nothing else did but what may.
func (s *scene) wantAll(k take, may ...func(string) bool) {
	s.Helper()
	got := slices.DeleteFunc(slices.Clone(k.media), func(body string) bool {
		return slices.ContainsFunc(may, func(f func(string) bool) bool { return f(body) })
	})
	if slices.Equal(got, s.sent) {
		return
	}
	for i := range min(len(got), len(s.sent)) {
		if got[i] != s.sent[i] {
			s.Errorf("packet %d of %d is %q, want %q of %d", i, len(got), got[i], s.sent[i], len(s.sent))
			return
		}
	}
	s.Errorf("%d packets arrived of %d", len(got), len(s.sent))
}
