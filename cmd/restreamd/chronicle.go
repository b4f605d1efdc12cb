package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/hls"
	"github.com/restreamd/restreamd/relay/output"
)

// ratesEvery is how often rates go into the black box.
const ratesEvery = time.Second

// chronicle tells the black box what happens: the hub's events, the outputs', and once a second the rates of all that
// is on. Its see methods are called with locks of the hub and of outputs held; mu is taken last.
type chronicle struct {
	box     *recorder.BlackBox
	hub     *relay.Hub
	outputs *output.Set
	past    *recorder.History
	shows   hls.Handler // of what past sessions left to watch
	log     *zap.Logger
	news    chan relay.Event // for the log, which may block; what finds it full is in the black box alone

	mu       sync.Mutex
	sessions map[string]time.Time // newest session of each stream
}

// chronicle makes the black box and has hub and outputs tell it what happens.
func (h *house) chronicle() {
	box := &recorder.BlackBox{
		Dir: recordings(h.cfg.Data), Redact: h.keys.mask.hide,
		Report: func(file string, err error) { h.log.Warn("black box", zap.String("file", file), zap.Error(err)) },
	}
	if err := box.Recover(); err != nil {
		h.log.Warn("an earlier session is not summed up", zap.Error(err))
	}
	h.story = &chronicle{
		box: box, hub: h.hub, outputs: h.outputs, log: h.log,
		news:     make(chan relay.Event, 64),
		sessions: map[string]time.Time{},
		shows:    hls.Handler{Dir: hlsDir(h.cfg.Data)},
	}
	h.story.remember(recordings(h.cfg.Data))
	h.hub.Observe(h.story.seeStream)
	h.outputs.See = h.story.seeOutput
}

// seeStream takes an event of the hub.
func (c *chronicle) seeStream(e relay.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e.What {
	case relay.Began:
		c.sessions[e.Stream] = e.Session
	}
	if e.Session.IsZero() {
		return
	}
	if e.What == relay.Switched || e.What == relay.Fed || e.What == relay.Ended { // who came and went, ingest tells
		select {
		case c.news <- e:
		default:
		}
	}
	c.box.Add(e.Stream, e.Session, recorder.Entry{At: e.At, What: string(e.What), Key: e.Key, Role: string(e.Role), Why: e.Why})
	if e.What == relay.Ended {
		c.box.End(e.Stream, e.Session)
	}
}

// seeOutput takes a change of an output's state.
func (c *chronicle) seeOutput(s output.Status) {
	stream, of, _ := strings.Cut(s.Stream, "@") // a rendition's outputs belong to its source's session
	c.mu.Lock()
	defer c.mu.Unlock()
	if session, ok := c.sessions[stream]; ok {
		c.box.Add(stream, session, recorder.Entry{
			What: "output", Output: outputName(s.ID, of), State: string(s.State), Class: string(s.Class), Why: s.Reason,
		})
	}
}

func outputName(id output.ID, rendition string) string {
	name := id.Kind + "/" + id.Name
	if rendition != "" {
		name += "@" + rendition
	}
	return name
}

// Serve takes rates and writes the log until ctx is cancelled.
func (c *chronicle) Serve(ctx context.Context) error {
	tick := time.NewTicker(ratesEvery)
	defer tick.Stop()
	for {
		select {
		case e := <-c.news:
			c.log.Info(sentence(e.What), zap.String("stream", e.Stream), zap.Time("session", e.Session),
				zap.String("key", e.Key), zap.String("role", string(e.Role)), zap.String("why", e.Why))
		case <-tick.C:
			c.rates()
		case <-ctx.Done():
			return nil
		}
	}
}

func sentence(what relay.Happening) string {
	switch what {
	case relay.Switched:
		return "another publisher is to feed the stream"
	case relay.Fed:
		return "the stream is fed"
	}
	return "session over"
}

func (c *chronicle) rates() {
	on := map[string]time.Time{}
	for _, s := range c.hub.Streams() {
		status := s.Status()
		if status.Session == nil || strings.Contains(s.Name(), "@") {
			continue
		}
		on[s.Name()] = *status.Session
		if p := status.Publisher; p != nil {
			c.box.Add(s.Name(), *status.Session, recorder.Entry{What: "rates", Key: p.Key, Numbers: map[string]float64{
				"bitrate": float64(p.Rates.VideoBitrate + p.Rates.AudioBitrate), "fps": p.Rates.FPS, "gop": p.Rates.KeyframeInterval,
			}})
		}
	}
	for _, o := range c.outputs.Snapshot() {
		session, ok := on[o.Stream]
		if !ok || o.Delivery == nil {
			continue
		}
		d := o.Delivery
		c.box.Add(o.Stream, session, recorder.Entry{What: "rates", Output: outputName(o.ID, ""), State: string(d.Grade), Numbers: map[string]float64{
			"bitrate": float64(d.Bitrate), "rtt": d.RTT, "queue_age": d.QueueAge, "retransmits": float64(d.Retransmits), "drops": float64(o.Drops.Packets),
		}})
	}
}
