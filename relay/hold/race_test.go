package hold_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/hold"
)

// Publishers, switches, outputs, closers and a keeper all at once; the race detector, outputs that see time go back and
// what is left over are the judges.
func TestEverythingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := relay.NewHub("main")
		s := hub.Stream("main")
		hub.Observe(func(relay.Event) {})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		set := hold.Defaults()
		set.For, set.Every, set.Stall, set.FailBack, set.Floor = time.Second, 5*time.Millisecond, 30*time.Millisecond, 20*time.Millisecond, 1
		set.Prove = true
		keeper := hold.Keeper{Stream: s, Settings: func() hold.Settings { return set }}
		var all sync.WaitGroup
		all.Go(func() {
			if err := keeper.Serve(ctx); err != nil {
				t.Error(err)
			}
		})
		for i := range 6 {
			all.Go(func() { publishAtRandom(ctx, s, i) })
		}
		for range 4 {
			all.Go(func() { outputs(ctx, t, s) })
		}
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				_ = s.Switch([]string{"primary", "backup"}[i%2], "test", i%3 == 0) // there may be nobody
				s.Status()
				s.FPS()
				if i%50 == 0 {
					s.Disconnect()
				}
				time.Sleep(20 * time.Millisecond) // the bubble's time
			}
		})
		all.Wait()
		hub.Close()
		if st := s.Status(); st.Publisher != nil || len(st.Standby) > 0 || st.Session != nil || st.Outputs > 0 {
			t.Errorf("left over: %+v", st)
		}
	})
}

// publishAtRandom publishes again and again, each time for a little while.
func publishAtRandom(ctx context.Context, s *relay.Stream, i int) {
	for round := 0; ctx.Err() == nil; round++ {
		who := relay.Publisher{Key: fmt.Sprint("key", i%3)}
		if i%3 == 2 {
			who.Role = relay.Backup
		}
		p, err := s.Publish(who)
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		_ = p.Write(relay.Packet{Kind: relay.Video, Slot: relay.HeaderSlot(relay.Video, 0), Body: []byte("sps")}) // it may be replaced at any time
		_ = p.Write(relay.Packet{Kind: relay.Audio, Slot: relay.HeaderSlot(relay.Audio, 0), Body: []byte(aac)})
		for n := int64(0); n < int64(20+i*7) && p.Err() == nil; n++ {
			_ = p.Write(relay.Packet{Kind: relay.Video, DTS: n * 40, Keyframe: n%5 == 0, Body: []byte("picture")})
			_ = p.Write(relay.Packet{Kind: relay.Audio, DTS: n * 40, Body: []byte("sound")})
			p.Describe(relay.Media{Encoder: "test"})
			if n%9 == 8 {
				time.Sleep(time.Duration(1+i*10) * time.Millisecond) // some of them stall
			}
			if n%31 == 30 {
				p.Resync()
			}
		}
		if round%3 == 0 {
			p.Close()
		} else {
			p.Lose(errors.New("reset"))
		}
	}
}

// outputs joins again and again, and looks at the clock.
func outputs(ctx context.Context, t *testing.T, s *relay.Stream) {
	for n := 0; ctx.Err() == nil; n++ {
		sub := s.Subscribe(1 << 20)
		if n%2 == 0 {
			sub.Accept(relay.FreezeOnly)
		}
		brief, cancel := context.WithTimeout(ctx, time.Duration(n%7)*20*time.Millisecond)
		last := map[relay.Kind]int64{}
		var batch []*relay.Packet
		var err error
		for err == nil {
			batch, err = sub.Read(brief, batch)
			for _, p := range batch {
				dts := p.DTS // of init packets as well: they belong to outputs
				if p.Slot == 0 && dts < last[p.Kind] {
					t.Errorf("%v at %d after %d", p.Kind, dts, last[p.Kind])
				}
				if p.Slot == 0 {
					last[p.Kind] = dts
				}
			}
		}
		cancel()
		sub.Close()
	}
}

// A keeper that is told to go leaves no stopgap behind, and one whose stream is closed has nothing to do.
func TestKeeperGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := relay.NewStream("main")
		keeper := hold.Keeper{Stream: s, Settings: hold.Defaults}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- keeper.Serve(ctx) }()
		p, err := s.Publish(relay.Publisher{Key: "studio"})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Write(relay.Packet{Kind: relay.Video, Keyframe: true, Body: []byte("k")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if st := s.Status(); st.Hold == nil || !st.Hold.Shown {
			t.Errorf("no hold after a stall of 2 s: %+v", st)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if st := s.Status(); st.Hold == nil || st.Hold.Shown || st.Session == nil {
			t.Errorf("after the keeper went: %+v", st)
		}
		s.Close()
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := keeper.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
}
