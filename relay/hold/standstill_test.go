package hold_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/hold"
)

// A machine that stands still for a while keeps the relay from reading what its publishers send. That is not their
// failure.
func TestStandstillOfTheMachine(t *testing.T) {
	var nap atomic.Bool
	standStill := func(relay.Media) *hold.Slate { // it is asked at each look
		if nap.CompareAndSwap(true, false) {
			time.Sleep(2 * time.Second)
		}
		return nil
	}
	play(t, func(set *hold.Settings) { set.Slate = standStill }, func(s *scene) {
		e := s.encoder("studio", 0)
		e.pub.Describe(relay.Media{Encoder: "OBS"})
		e.run(3 * time.Second)
		nap.Store(true)
		time.Sleep(2100 * time.Millisecond) // the keeper is awake again, and has looked
		s.wantFeeder("studio")
		e.run(5 * time.Second) // first what has gathered
		s.wantTold("began", "published studio", "feeding studio")

		time.Sleep(1100 * time.Millisecond) // nothing was sent
		s.wantFeeder("hold")
	})
}
