package ingest_test

import (
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/restreamd/restreamd/ingest"
)

func TestPenaltiesDoubleToACeiling(t *testing.T) {
	var p ingest.Penalties
	now, ip := time.Now(), netip.MustParseAddr("192.0.2.1")
	want := []time.Duration{0, 0, 0, 250, 500, 1000, 2000, 4000, 4000}
	for i, ms := range want {
		now = now.Add(time.Minute)
		if got := p.Wrong(ip, now); got != ms*time.Millisecond {
			t.Errorf("wrong key %d waits %v, want %d ms", i+1, got, ms)
		}
	}
	for range 100 { // a shift too far would be a wait of nothing, or of years
		if got := p.Wrong(ip, now); got != 4*time.Second {
			t.Fatalf("waits %v", got)
		}
	}
}

func TestPenaltiesAreForgiven(t *testing.T) {
	var p ingest.Penalties
	now, ip := time.Now(), netip.MustParseAddr("192.0.2.1")
	for range 5 {
		p.Wrong(ip, now)
	}
	if got := p.Wrong(ip, now.Add(10*time.Minute)); got == 0 {
		t.Error("forgiven too early")
	}
	if got := p.Wrong(ip, now.Add(20*time.Minute+time.Second)); got != 0 {
		t.Errorf("after ten quiet minutes a wrong key waits %v", got)
	}
}

func TestPenaltiesAreByNeighbourhood(t *testing.T) {
	for name, tc := range map[string]struct {
		guesser, other string
		shared         bool
	}{
		"IPv4":              {"192.0.2.1", "192.0.2.2", false},
		"same /64":          {"2001:db8::1", "2001:db8:0:0:ffff::2", true},
		"next /64":          {"2001:db8::1", "2001:db8:0:1::1", false},
		"IPv4 against IPv6": {"192.0.2.1", "::c000:201", false},
	} {
		t.Run(name, func(t *testing.T) {
			var p ingest.Penalties
			now := time.Now()
			for range 10 {
				p.Wrong(netip.MustParseAddr(tc.guesser), now)
			}
			if got := p.Wrong(netip.MustParseAddr(tc.other), now); (got > 0) != tc.shared {
				t.Errorf("waits %v", got)
			}
		})
	}
}

// An attacker with many addresses fills the book; it never grows past its end, and who guesses on is not forgotten.
func TestPenaltiesAreBounded(t *testing.T) {
	var p ingest.Penalties
	now, guesser := time.Now(), netip.MustParseAddr("192.0.2.1")
	for range 8 {
		p.Wrong(guesser, now)
	}
	for i := range 2 * ingest.MaxPenalties {
		now = now.Add(time.Millisecond)
		p.Wrong(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
		if i%1000 == 0 {
			p.Wrong(guesser, now)
		}
		if p.Len() > ingest.MaxPenalties {
			t.Fatalf("%d addresses remembered", p.Len())
		}
	}
	if got := p.Wrong(guesser, now); got != 4*time.Second {
		t.Errorf("whoever guesses on waits %v", got)
	}
}

// From one address: guesses are answered ever later, by whichever door, a right key at once.
func TestARightKeyIsNeverSlowed(t *testing.T) {
	webhook := func(s *ingest.Server) { s.Auth = hookThatKnows(studioKey) }
	for name, option := range map[string]func(*ingest.Server){"keyring": func(*ingest.Server) {}, "webhook": webhook} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				took := map[string][]time.Duration{}
				guess := "s3cret-guess"
				for range 6 {
					for _, key := range []string{guess, studioKey} {
						c := b.dial().handshake().connect("live")
						started := time.Now()
						c.ask(key)
						took[key] = append(took[key], time.Since(started))
						c.Close()
						b.last()
					}
				}
				if want := []time.Duration{0, 0, 0, 250 * time.Millisecond, 500 * time.Millisecond, time.Second}; !slices.Equal(took[guess], want) {
					t.Errorf("guesses took %v, want %v", took[guess], want)
				}
				if want := make([]time.Duration, 6); !slices.Equal(took[studioKey], want) {
					t.Errorf("right keys took %v", took[studioKey])
				}
			}, option)
		})
	}
}

// program is a webhook's other side without a network.
type program func(*http.Request) int

func (p program) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: p(r), Body: http.NoBody, Request: r}, nil
}

func hookThatKnows(key string) *ingest.Webhook {
	return &ingest.Webhook{
		URL: "http://backend.example/", Streams: []ingest.Stream{{Name: "main", App: "live"}},
		Client: &http.Client{Transport: program(func(r *http.Request) int {
			if r.FormValue("name") == key {
				return http.StatusOK
			}
			return http.StatusForbidden
		})},
	}
}
