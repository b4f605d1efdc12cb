package main

import (
	"context"
	"sync"

	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/hold"
)

// keep keeps the sessions of all streams alive while their encoders are gone.
func (h *house) keep(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, s := range h.cfg.Streams {
		set := holdOf(s.Hold)
		if s.Hold.Show == config.HoldSlate {
			slates := h.slates(s)
			set.Slate = slates.fitting
			wg.Go(func() { slates.serve(ctx) })
		}
		keeper := hold.Keeper{Stream: h.hub.Stream(s.Name), Settings: func() hold.Settings { return set }}
		wg.Go(func() { _ = keeper.Serve(ctx) }) // it ends with ctx and knows no failure
	}
	wg.Wait()
	return nil
}

func holdOf(c config.Hold) hold.Settings {
	s := hold.Defaults()
	s.For, s.AfterStop, s.Prove = c.For, c.AfterStop, c.Return == config.HoldGOP
	s.Stall, s.Floor, s.FailBack = c.Stall, c.Floor, c.FailBack
	return s
}
