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

// What is held back counts as queued: a delay that does not fit loses whole GOPs, and no more memory is held than told.
func TestDelayIsBounded(t *testing.T) {
	const limit = 4000 // bytes: 4 s
	synctest.Test(t, func(t *testing.T) {
		s := relay.NewStream("main")
		sub := s.Subscribe(limit)
		sub.Delay(10 * time.Second)
		p := publish(t, s, "studio")
		body := make([]byte, 100)
		got := 0
		go func() {
			for i := range int64(600) { // a minute, a GOP a second
				write(t, p, relay.Packet{Kind: relay.Video, DTS: i * 100, Keyframe: i%10 == 0, Body: body})
				time.Sleep(100 * time.Millisecond) // the bubble's time
			}
			p.Close()
		}()
		last := int64(-100)
		var buf []*relay.Packet
		for {
			var err error
			if buf, err = sub.Read(t.Context(), buf); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			for _, pkt := range buf {
				if pkt.DTS != last+100 && !pkt.Keyframe {
					t.Fatalf("resumed at %d ms, which is no keyframe", pkt.DTS)
				}
				last = pkt.DTS
				got++
			}
			if len(buf) > limit/100 {
				t.Errorf("held %d packets", len(buf))
			}
		}
		drops := sub.Drops()
		if got == 0 || drops.GOPs == 0 || drops.Packets+int64(got) != 600 || drops.Bytes != 100*drops.Packets {
			t.Errorf("got %d packets, drops %+v of 600", got, drops)
		}
	})
}
