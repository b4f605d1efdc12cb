package rendition

import (
	"fmt"
	"slices"
	"strings"
)

// Request is one output's wish for a rendition.
type Request struct {
	Stream   string // the source
	Name     string // of a configured rendition. Default: named after its settings
	Settings Settings
	For      string // who asks, for people: "push/twitch", "hls"
}

func (r Request) need() need { return need{r.Stream, r.Settings.withDefaults()} }

// need is what requests that can share an encode have in common.
type need struct {
	stream   string
	settings Settings
}

// Planner decides which renditions run. It remembers what it decided, so that a rendition that runs is never ended to
// make room for another. One goroutine at a time may use it.
//
//	requested ──fits the budget, or off air──▶ admitted ──no longer requested──▶ forgotten
//	    └──does not──▶ refused ──room appears, oldest first──▶ admitted
type Planner struct {
	// Budget is the sum of Settings.Cores that may run at once. Nothing runs with 0.
	Budget float64

	encodes []*encode // in the order they were first requested
}

// encode is a need, and who has it.
type encode struct {
	need     need
	name     string // without the stream
	cores    float64
	admitted bool
	live     bool // its source's size is known
	requests []Request
}

// Plan takes every request there is; one that is missing is no longer wanted. The size function tells a source's
// present picture, zeros where it is not known: then the rendition costs nothing, is admitted for the time being, and has
// to find its room when the size is known.
//
// What an admitted rendition costs can grow with its source. It stays, even above the budget: the budget only refuses.
func (p *Planner) Plan(requests []Request, size func(stream string) (width, height int, fps float64)) Plan {
	p.gather(requests)
	used := 0.0
	for _, e := range p.encodes {
		width, height, fps := size(e.need.stream)
		e.cores = e.need.settings.Cores(width, height, fps)
		live := width > 0 && height > 0
		if live && !e.live {
			e.admitted = false // so far it was for the time being
		}
		if e.live = live; e.admitted && live {
			used += e.cores
		}
	}
	for _, e := range p.encodes {
		switch {
		case !e.live:
			e.admitted = true
		case !e.admitted && used+e.cores <= p.Budget+rounding:
			e.admitted = true
			used += e.cores
		}
	}
	return p.plan(used)
}

// rounding is what a sum of cores may be off by.
const rounding = 1e-9

// gather shares the requests out among the encodes of before, new ones behind them.
func (p *Planner) gather(requests []Request) {
	for _, e := range p.encodes {
		e.requests = nil
	}
	for _, r := range requests {
		e := p.find(r.need())
		if e == nil {
			e = &encode{need: r.need()}
			p.encodes = append(p.encodes, e)
		}
		e.requests = append(e.requests, r)
	}
	p.encodes = slices.DeleteFunc(p.encodes, func(e *encode) bool { return len(e.requests) == 0 })
	for _, e := range p.encodes {
		if e.name == "" {
			e.name = p.freeName(e)
		}
	}
}

func (p *Planner) find(n need) *encode {
	for _, e := range p.encodes {
		if e.need == n {
			return e
		}
	}
	return nil
}

// freeName is a configured name if any request has one. Should another rendition of the stream have it already, which
// only settings that were given another's made name can bring about, a number is added.
func (p *Planner) freeName(e *encode) string {
	wanted := e.need.settings.Name()
	for _, r := range slices.Backward(e.requests) {
		if r.Name != "" {
			wanted = r.Name
		}
	}
	name := wanted
	for n := 2; p.taken(e.need.stream, name); n++ {
		name = fmt.Sprintf("%s-%d", wanted, n)
	}
	return name
}

func (p *Planner) taken(stream, name string) bool {
	return slices.ContainsFunc(p.encodes, func(e *encode) bool { return e.need.stream == stream && e.name == name })
}

func (p *Planner) plan(used float64) Plan {
	plan := Plan{names: map[need]string{}}
	for _, e := range p.encodes {
		if e.admitted {
			plan.Encoders = append(plan.Encoders, e.planned())
			plan.names[e.need] = e.fullName()
		}
	}
	for _, e := range p.encodes {
		if e.admitted {
			continue
		}
		why := p.whyNot(e, used, plan.Encoders)
		for _, r := range e.requests {
			plan.Refused = append(plan.Refused, Refusal{Request: r, Cores: e.cores, Why: why})
		}
	}
	return plan
}

func (p *Planner) whyNot(e *encode, used float64, running []Encode) string {
	taken := "none of it is taken"
	if len(running) > 0 {
		var names []string
		for _, r := range running {
			names = append(names, r.Name)
		}
		taken = fmt.Sprintf("%s take %.1f of it", strings.Join(names, ", "), used)
	}
	return fmt.Sprintf("%s needs about %.1f cores, the budget for encoding is %.1f and %s: "+
		"ask for fewer or smaller renditions, or raise encoders.budget", e.fullName(), e.cores, p.Budget, taken)
}

func (e *encode) fullName() string { return e.need.stream + "@" + e.name }

func (e *encode) planned() Encode {
	planned := Encode{Stream: e.need.stream, Name: e.fullName(), Settings: e.need.settings, Cores: e.cores, Live: e.live}
	for _, r := range e.requests {
		if r.For != "" && !slices.Contains(planned.For, r.For) {
			planned.For = append(planned.For, r.For)
		}
	}
	return planned
}
