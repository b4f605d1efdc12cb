package relay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// Packets come out as much later as told, at the pace at which they came, and so does the end.
func TestDelay(t *testing.T) {
	const delay = 30 * time.Second
	synctest.Test(t, func(t *testing.T) {
		s := relay.NewStream("main")
		sub := s.Subscribe(roomy)
		sub.Delay(delay)
		p := publish(t, s, "studio")
		go func() { // 2 s of 10 frames a second, in the bubble's time
			write(t, p, videoHeader("sps"))
			for i := range int64(20) {
				write(t, p, relay.Packet{Kind: relay.Video, DTS: i * 100, Keyframe: i%10 == 0, Body: []byte(fmt.Sprint(i))})
				time.Sleep(100 * time.Millisecond)
			}
			p.Close()
		}()
		media := 0
		for {
			packets, err := sub.Read(t.Context(), nil)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, pkt := range packets {
				if age := time.Since(pkt.Arrived); age < delay || age > delay+2*time.Millisecond {
					t.Errorf("%q came out after %v", pkt.Body, age)
				}
				if pkt.Slot == 0 {
					media++
				}
			}
		}
		if media != 20 || sub.Drops() != (relay.Drops{}) {
			t.Errorf("%d pictures, drops %+v", media, sub.Drops())
		}
		wantEnd(t, sub, io.EOF)
	})
}

// A read that waits for its time gives up with its context, and with the subscription once that is empty.
func TestDelayedReadGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := relay.NewStream("main")
		p := publish(t, s, "studio")
		write(t, p, key(0, "k0"))
		sub := s.Subscribe(roomy)
		sub.Delay(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if packets, err := sub.Read(ctx, nil); !errors.Is(err, context.DeadlineExceeded) || packets != nil {
			t.Errorf("read %q, %v", bodies(packets), err)
		}
		sub.Close()
		begun := time.Now()
		if packets, err := sub.Read(t.Context(), nil); err != nil || len(packets) != 1 || time.Since(begun) != 59*time.Second {
			t.Errorf("read %q, %v after %v", bodies(packets), err, time.Since(begun))
		}
		wantEnd(t, sub, relay.ErrClosed)
	})
}

// What is held back counts as queued, and no longer once it is read: a delay that does not fit loses whole GOPs, and
// no more memory is held than told.
func TestDelayIsBounded(t *testing.T) {
	const second = 1000 // bytes
	for name, c := range map[string]struct {
		limit int
		lossy bool
	}{
		"fits":         {limit: 12 * second},
		"does not fit": {limit: 4 * second, lossy: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := relay.NewStream("main")
				sub := s.Subscribe(c.limit)
				sub.Delay(10 * time.Second)
				p := publish(t, s, "studio")
				go func() {
					for i := range int64(600) { // a minute, a GOP a second
						write(t, p, relay.Packet{Kind: relay.Video, DTS: i * 100, Keyframe: i%10 == 0, Body: make([]byte, second/10)})
						time.Sleep(100 * time.Millisecond) // the bubble's time
					}
					p.Close()
				}()
				got := drain(t, sub, c.limit)
				drops := sub.Drops()
				if got == 0 || (drops.GOPs > 0) != c.lossy || drops.Packets+int64(got) != 600 || drops.Bytes != second/10*drops.Packets {
					t.Errorf("got %d packets of 600, drops %+v", got, drops)
				}
			})
		})
	}
}

// drain counts the media to the end. It fails where more came at once than the limit, or a GOP without its keyframe.
func drain(t *testing.T, sub *relay.Subscription, limit int) (got int) {
	t.Helper()
	last := int64(-100)
	var buf []*relay.Packet
	for {
		var err error
		buf, err = sub.Read(t.Context(), buf)
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		held := 0
		for _, p := range buf {
			if p.DTS != last+100 && !p.Keyframe {
				t.Fatalf("resumed at %d ms, which is no keyframe", p.DTS)
			}
			last, held, got = p.DTS, held+len(p.Body), got+1
		}
		if held > limit {
			t.Errorf("held %d bytes, limit %d", held, limit)
		}
	}
}
