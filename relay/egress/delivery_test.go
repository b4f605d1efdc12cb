package egress_test

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/egress"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// The handshake of TLS is not the child's.
func TestDeliveryBeginsWithTheChild(t *testing.T) {
	each(t, func(t *testing.T, p *platform, g egress.Gate) {
		r := open(t, t.Context(), g)
		p.peer(t)
		relaytest.Eventually(t, soon, "the child to be there", func() bool { return r.Delivery().Begun })
		relaytest.Eventually(t, soon, "a round trip", func() bool { return r.Delivery().RTT > 0 })
		want := egress.Delivery{Begun: true, RTT: r.Delivery().RTT}
		if d := r.Delivery(); d != want {
			t.Errorf("%+v, want nothing delivered", d)
		}
	})
}

func TestDeliveryToAPlatformThatReads(t *testing.T) {
	each(t, func(t *testing.T, p *platform, g egress.Gate) {
		r := open(t, t.Context(), g)
		go func(peer io.Reader) { _, _ = io.Copy(io.Discard, peer) }(p.peer(t))
		var others sync.WaitGroup
		defer others.Wait()
		others.Go(func() {
			for range 1000 {
				r.Delivery()
			}
		})
		relaytest.Eventually(t, soon, "the child to be there", func() bool { return r.Delivery().Begun })
		const chunk, every = 20_000, 50 * time.Millisecond
		pace := time.NewTicker(every)
		defer pace.Stop()
		begun, total := time.Now(), int64(0)
		for time.Since(begun) < 1500*time.Millisecond {
			write(t, r.child, noise(chunk))
			total += chunk
			<-pace.C
		}
		took := time.Since(begun).Seconds()
		relaytest.Eventually(t, soon, "all to be acknowledged", func() bool { return r.Delivery().Acked == total })
		d := r.Delivery()
		if d.Sent != total || d.Queued != 0 || d.QueueAge != 0 {
			t.Errorf("%+v, want all %d bytes sent and none waiting", d, total)
		}
		if want := float64(total) * 8 / took; float64(d.Bitrate) < want*0.7 || float64(d.Bitrate) > want*1.1 {
			t.Errorf("bitrate %d, want %.0f", d.Bitrate, want)
		}
	})
}

// A platform that stops reading is found out by the age of what it has not taken, whatever it says meanwhile and
// whatever else the child sends; and it is forgiven when it reads again.
func TestDeliveryToAPlatformThatStopsReading(t *testing.T) {
	for name, chats := range map[string]bool{"silent": false, "chatting": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, p *platform, g egress.Gate) {
				r := open(t, t.Context(), g)
				peer := p.peer(t)
				go func() { _, _ = io.Copy(io.Discard, r.child) }()
				w := &witness{running: r}
				w.write(t, 1<<20)
				w.await(t, "the queue to age and the bitrate to fall", func(d egress.Delivery) bool {
					if chats {
						write(t, peer, make([]byte, 16))
					}
					w.write(t, 100)
					return d.QueueAge > 3*time.Second && d.Bitrate == 0
				})
				checkAcked(t, r.Delivery().Acked, peer)
				go func() { _, _ = io.Copy(io.Discard, peer) }()
				w.await(t, "the queue to be young again", func(d egress.Delivery) bool {
					w.write(t, 100)
					return d.QueueAge < 200*time.Millisecond && d.Bitrate > 0
				})
				w.await(t, "all to be acknowledged", func(d egress.Delivery) bool { return d.Acked == w.written })
			})
		})
	}
}

// A platform that is behind is late by as much, though it acknowledges all the time.
func TestDeliveryToAPlatformThatIsBehind(t *testing.T) {
	each(t, func(t *testing.T, p *platform, g egress.Gate) {
		r := open(t, t.Context(), g)
		peer := p.peer(t)
		if err := peer.SetReadDeadline(time.Now().Add(soon)); err != nil {
			t.Fatal(err)
		}
		w := &witness{running: r}
		w.write(t, 200<<10)
		begun := time.Now()
		w.await(t, "some time", func(egress.Delivery) bool {
			w.write(t, 4<<10)
			read(t, peer, 4<<10)
			return time.Since(begun) > 2*time.Second
		})
		if d := r.Delivery(); d.QueueAge == 0 || d.Acked == 0 || d.Bitrate == 0 {
			t.Errorf("%+v, but the platform reads", d)
		}
	})
}

// checkAcked compares with what is in the kernel of a platform that has read nothing. TLS adds 22 bytes to a record of
// 1.4 to 16 KiB, and what it added to records under way is not told from what it added to those that arrived.
func checkAcked(t *testing.T, acked int64, peer net.Conn) {
	t.Helper()
	if tcp, plain := peer.(*net.TCPConn); plain {
		if has := int64(waiting(t, tcp)); acked != has {
			t.Errorf("%d bytes acknowledged, the platform has %d", acked, has)
		}
		return
	}
	has := int64(waiting(t, peer.(*tls.Conn).NetConn().(*net.TCPConn)))
	if acked >= has || acked < has-5000 {
		t.Errorf("%d bytes acknowledged, the platform has %d with what TLS adds", acked, has)
	}
}

// witness watches a link's delivery: it must never contradict itself, nor what was written and when.
type witness struct {
	*running
	written int64
	writes  []written
	last    egress.Delivery
}

type written struct {
	at  time.Time
	end int64
}

func (w *witness) write(t *testing.T, n int) {
	t.Helper()
	w.written += int64(n)
	w.writes = append(w.writes, written{time.Now(), w.written})
	write(t, w.child, noise(n))
}

func (w *witness) await(t *testing.T, what string, done func(egress.Delivery) bool) {
	t.Helper()
	relaytest.Eventually(t, 3*soon, what, func() bool {
		d := w.Delivery()
		if d.Acked > d.Sent || d.Sent > w.written || d.Acked < w.last.Acked || d.Sent < w.last.Sent {
			t.Fatalf("of %d bytes first %+v, then %+v", w.written, w.last, d)
		}
		if d.Acked+d.Queued > w.written || (d.Queued == 0) != (d.QueueAge == 0) {
			t.Fatalf("of %d bytes %+v", w.written, d)
		}
		if age := w.age(d.Acked); d.Queued > 0 && (d.QueueAge > age+100*time.Millisecond || d.QueueAge < age-time.Second) {
			t.Fatalf("the queue is %v old, but was written %v ago", d.QueueAge, age)
		}
		w.last = d
		return done(d)
	})
}

// age is how long ago the byte after acked was written.
func (w *witness) age(acked int64) time.Duration {
	for _, one := range w.writes {
		if one.end > acked {
			return time.Since(one.at)
		}
	}
	return 0
}
