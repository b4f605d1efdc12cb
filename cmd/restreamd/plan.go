package main

import (
	"context"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/egress"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/hls"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/push"
)

// Kinds of outputs.
const (
	kindRecord = "record"
	kindHLS    = "hls"
	kindPush   = "push"
)

// planner turns what is configured into the outputs that are wanted.
type planner struct {
	cfg      *config.Config
	finisher *recorder.Finisher
	log      *zap.Logger
}

// plan lists every wanted output.
func (p planner) plan(destinations []config.Destination) []output.Spec {
	var all []output.Spec
	for _, s := range p.cfg.Streams {
		if s.Record.Enabled {
			all = append(all, p.record(s))
		}
		if s.HLS.Enabled {
			all = append(all, p.hls(s))
		}
		for _, d := range destinations {
			if d.Enabled && slices.Contains(d.Streams, s.Name) {
				all = append(all, p.push(s, d))
			}
		}
	}
	return all
}

func (p planner) record(s config.Stream) output.Spec {
	dir := recordings(p.cfg.Data)
	return output.Spec{
		ID:       output.ID{Stream: s.Name, Kind: kindRecord, Name: kindRecord},
		Target:   dir + "/" + s.Name,
		Recipe:   recorder.Recipe{Dir: dir},
		Lossless: true,
		Finished: func(a ffmpeg.Attempt) { p.finisher.Session(a.Stream, a.Session) },
	}
}

func (p planner) hls(s config.Stream) output.Spec {
	recipe := hls.Recipe{Dir: hlsDir(p.cfg.Data), Segment: s.HLS.Segment, Window: s.HLS.Window}
	return output.Spec{
		ID:          output.ID{Stream: s.Name, Kind: kindHLS, Name: kindHLS},
		Fingerprint: fmt.Sprint(s.HLS.Segment, s.HLS.Window),
		Target:      "/hls/" + s.Name + "/index.m3u8",
		Recipe:      recipe,
		Finished: func(a ffmpeg.Attempt) {
			if err := recipe.End(a.Stream, a.Session); err != nil {
				p.log.Error("HLS playlist not ended", zap.String("stream", a.Stream), zap.Error(err))
			}
		},
	}
}

func (p planner) push(s config.Stream, d config.Destination) output.Spec {
	return output.Spec{
		ID:          output.ID{Stream: s.Name, Kind: kindPush, Name: d.Name},
		Fingerprint: d.Fingerprint,
		Target:      d.Target.String(),
		Recipe:      push.Recipe{Target: d.Target},
		Gate:        gate{egress.Gate{Address: d.Target.Address(), Host: d.Target.Host, TLS: d.Target.TLS()}},
		Secrets:     d.Target.Secrets(),
	}
}

// gate makes the egress gate the engine's.
type gate struct{ egress.Gate }

func (g gate) Open(ctx context.Context) (output.Link, error) {
	link, err := g.Gate.Open(ctx)
	if err != nil {
		return nil, err
	}
	return link, nil
}
