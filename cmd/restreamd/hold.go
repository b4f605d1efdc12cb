package main

import (
	"context"
	"sync"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/hold"
)

// keep keeps the sessions of all streams alive while their encoders are gone.
func (h *house) keep(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, s := range h.cfg.Streams {
		var slate func(relay.Media) *hold.Slate
		if s.Hold.Show == config.HoldSlate {
			slates := h.slates(s)
			slate = slates.fitting
			wg.Go(func() { slates.serve(ctx) })
		}
		keeper := hold.Keeper{Stream: h.hub.Stream(s.Name), Settings: func() hold.Settings { return holdOf(h.door.hold(s.Name), slate) }}
		wg.Go(func() { _ = keeper.Serve(ctx) }) // it ends with ctx and knows no failure
	}
	wg.Wait()
	return nil
}

func holdOf(c config.Hold, slate func(relay.Media) *hold.Slate) hold.Settings {
	return hold.Settings{
		For: c.For, AfterStop: c.AfterStop, Every: c.Every, Prove: c.Return == config.HoldGOP,
		Stall: c.Stall, Floor: c.Floor, FailBack: c.FailBack, Slate: slate,
	}
}
