package ingest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/restreamd/restreamd/ingest"
)

// More than the permitted bitrate is read later: nothing is lost, nobody is sent away, and it takes its time.
func TestBitrateIsHeldByWaiting(t *testing.T) {
	for _, tc := range []struct {
		rate    int64 // bit/s
		packets int   // of 10,000 bytes
	}{
		{200_000, 30}, {1_000_000, 150}, {8_000_000, 1000}, {100_000_000, 7000}, {0, 1000},
	} {
		t.Run(fmt.Sprint(tc.rate), func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				sub := b.hub.Stream("main").Subscribe(1 << 30)
				defer sub.Close()
				c := b.dial().handshake().connect("live").publish(studioKey)
				c.chunkSize(1 << 16)
				started := time.Now()
				for i := range tc.packets {
					p := frame(i)
					p.Body = append(p.Body, make([]byte, 10_000-len(p.Body))...)
					c.write(p)
				}
				took := time.Since(started)
				c.Close()
				time.Sleep(time.Second)
				var want time.Duration
				if tc.rate > 0 { // what is over four seconds' worth
					want = time.Duration(float64(tc.packets*10_000*8)/float64(tc.rate)*float64(time.Second)) - 4*time.Second
				}
				if took < want-want/20 || took > want+want/20+time.Second {
					t.Errorf("took %v, want %v", took, want)
				}
				message, fields := b.last()
				if message != "publisher gone" || (fields["throttled"].(time.Duration) > 0) != (want > 0) {
					t.Errorf("%s: %v", message, fields)
				}
				all, err := sub.Read(b.ctx, nil)
				if err != nil || len(all) != tc.packets {
					t.Errorf("%d packets of %d, %v", len(all), tc.packets, err)
				}
			}, limits(func(l *ingest.Limits) { l.Bitrate = tc.rate }))
		})
	}
}

// However low the bitrate, a publisher that waits is gone soon after it was sent away.
func TestWaitingForTheBitrateEndsWithTheSession(t *testing.T) {
	inBubble(t, func(b *bubble) {
		c := b.dial().handshake().connect("live").publish(studioKey)
		c.chunkSize(1 << 16)
		go func() { // until it is sent away
			for c.send(9, 0, large(0, 50_000).Body) == nil {
			}
		}()
		time.Sleep(time.Minute) // by now it waits
		b.hub.Stream("main").Disconnect()
		time.Sleep(500 * time.Millisecond)
		if message, fields := b.last(); message != "publisher gone" || fields["code"] != "disconnected" {
			t.Errorf("%s: %v", message, fields)
		}
	}, limits(func(l *ingest.Limits) { l.Bitrate = 30_000 }))
}
