package main

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/rendition"
)

// directEvery is how often streams are compared with contracts and clocks with schedules.
const directEvery = time.Second

// director keeps the outputs what the destinations, the measured streams and the clock ask for:
//
//	destinations.d ─▶ snapshot ┐
//	streams' measures ─▶ fits  ├─▶ wants ─▶ renditions within the budget ─▶ specs ─▶ output.Set
//	clock ─▶ schedules         ┘
//
// Whatever happened, everything is planned anew; outputs whose fingerprint is the same are not touched.
type director struct {
	planner
	hub     *relay.Hub
	outputs *output.Set

	mu         sync.Mutex
	snapshot   config.Snapshot
	fits       map[fitOf]*fit
	renditions rendition.Planner
	plan       rendition.Plan  // the newest
	derived    map[string]bool // streams of plan
	pictures   map[string]relay.VideoTrack
	told       map[told]bool // what was logged of the sessions that are on
	left       *leftRenditions
}

// told names what is logged once a session.
type told struct{ stream, whom, what string }

// fitOf names a fit.
type fitOf struct{ stream, destination string }

func newDirector(p planner, hub *relay.Hub, outputs *output.Set, budget float64) *director {
	return &director{
		planner: p, hub: hub, outputs: outputs, renditions: rendition.Planner{Budget: budget},
		fits: map[fitOf]*fit{}, derived: map[string]bool{}, pictures: map[string]relay.VideoTrack{}, told: map[told]bool{},
		left: &leftRenditions{hub: hub},
	}
}

// Serve directs until ctx is cancelled.
func (d *director) Serve(ctx context.Context) error {
	tick := time.NewTicker(directEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			d.mu.Lock()
			d.direct()
			d.mu.Unlock()
		case <-ctx.Done():
			return nil
		}
	}
}

// apply takes a new snapshot of destinations.d.
func (d *director) apply(s config.Snapshot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.warnLast(s)
	d.snapshot = s
	d.direct()
}

// again plans with what is known, now.
func (d *director) again() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.direct()
}

// warnLast tells loudly of a change that ends the last push of a show.
func (d *director) warnLast(next config.Snapshot) {
	for _, s := range d.hub.Streams() {
		if _, on := s.Session(); !on || !isServed(d.snapshot, s.Name()) || isServed(next, s.Name()) {
			continue
		}
		d.log.Error("the last destination was removed while on air: the show goes nowhere now; put its file back to go on",
			zap.String("stream", s.Name()))
	}
}

func isServed(s config.Snapshot, stream string) bool {
	return slices.ContainsFunc(s.Destinations, func(d config.Destination) bool {
		return d.Enabled && slices.Contains(d.Streams, stream)
	})
}

// direct is called with d.mu held.
func (d *director) direct() {
	now := time.Now()
	status := map[string]relay.StreamStatus{}
	for _, s := range d.hub.Streams() {
		status[s.Name()] = s.Status()
	}
	seen := map[fitOf]bool{}
	wants := d.wants(d.snapshot.Destinations, now, func(s config.Stream, dest config.Destination) verdict {
		id := fitOf{s.Name, dest.Name}
		seen[id] = true
		if d.fits[id] == nil {
			d.fits[id] = &fit{}
		}
		d.fits[id].update(status[s.Name], dest, now)
		return d.fits[id].verdict
	})
	maps.DeleteFunc(d.fits, func(id fitOf, _ *fit) bool { return !seen[id] })

	d.look(status)
	d.plan = d.renditions.Plan(requests(wants), func(stream string) (int, int, float64) {
		v := d.pictures[stream]
		return v.Width, v.Height, v.FPS
	})
	d.tell()
	before := d.derived
	d.derived = map[string]bool{}
	d.outputs.Apply(d.specs(wants, d.plan, func(name string) output.Derived {
		d.derived[name] = true
		return heir{Derived: d.hub.Derive(name), name: name, left: d.left}
	}))
	for name := range before {
		if !d.derived[name] {
			d.hub.Retire(name)
		}
	}
}

// look remembers the pictures of the sessions that are on: while a publisher is gone its renditions keep their room.
func (d *director) look(status map[string]relay.StreamStatus) {
	for name, s := range status {
		switch {
		case s.Session == nil:
			delete(d.pictures, name)
		case s.Publisher != nil && s.Publisher.Media.Video.Width > 0:
			d.pictures[name] = s.Publisher.Media.Video
		}
	}
}

// tell logs findings that break a contract and renditions that are refused, once a session: they may come and go.
func (d *director) tell() {
	say := func(id told, message string, fields ...zap.Field) {
		if !d.told[id] {
			d.told[id] = true
			d.log.Warn(message, append(fields, zap.String("stream", id.stream), zap.String("for", id.whom))...)
		}
	}
	for id, f := range d.fits {
		for _, found := range f.findings {
			if found.Breaks {
				say(told{id.stream, id.destination, found.Code}, "the stream is not what the platform wants",
					zap.String("finding", found.Code), zap.String("what", found.Text), zap.String("fix", found.Fix))
			}
		}
	}
	for _, r := range d.plan.Refused {
		say(told{r.Request.Stream, r.Request.For, "refused"}, "no rendition", zap.String("why", r.Why))
	}
	maps.DeleteFunc(d.told, func(id told, _ bool) bool {
		s := d.hub.Stream(id.stream)
		if s == nil {
			return true
		}
		_, on := s.Session()
		return !on
	})
}

// findings are what a destination's platform would say of a stream.
func (d *director) findings(stream, destination string) []httpapi.Finding {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.fits[fitOf{stream, destination}]
	if f == nil {
		return nil
	}
	var all []httpapi.Finding
	for _, found := range f.findings {
		all = append(all, httpapi.Finding(found))
	}
	return all
}

// encoders tells what the renditions cost.
func (d *director) encoders() httpapi.Encoders {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := httpapi.Encoders{Budget: d.renditions.Budget, Used: d.plan.Cores(), Running: []httpapi.Encoder{}}
	for _, one := range d.plan.Encoders {
		if !one.Live {
			continue
		}
		e.Running = append(e.Running, httpapi.Encoder{Name: one.Name, Cores: one.Cores, For: one.For})
	}
	for _, r := range d.plan.Refused {
		e.Refused = append(e.Refused, httpapi.Refusal{For: r.Request.For, Why: r.Why})
	}
	return e
}
