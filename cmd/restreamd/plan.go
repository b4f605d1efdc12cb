package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/hls"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/push"
	"github.com/restreamd/restreamd/relay/rendition"
)

// Kinds of outputs.
const (
	kindRecord    = "record"
	kindHLS       = "hls"
	kindDASH      = "dash"
	kindPush      = "push"
	kindRendition = "rendition"
)

// backupMark ends the name of an output to a platform's backup ingest. No file's stem can hold it.
const backupMark = "@backup"

// planner turns what is configured into the outputs that are wanted. It looks at nothing but what it is given.
type planner struct {
	cfg      *config.Config
	finisher *recorder.Finisher
	desk     *desk // nil: nobody can have said anything about recording
	composer *hls.Composer
	own      ownPorts // where no gate may lead to
	unable   string   // why this ffmpeg makes no renditions; "": it does
	log      *zap.Logger
}

// want is one wanted output, and the rendition it needs to feed on, if any.
type want struct {
	output.Spec
	needs *rendition.Request
}

// wants lists every output that is configured; judge says how a destination is served.
func (p planner) wants(destinations []config.Destination, now time.Time, judge func(config.Stream, config.Destination) verdict) []want {
	var all []want
	for _, s := range p.cfg.Streams {
		if wanted, rest := p.desk.decide(s); wanted {
			spec := p.record(s)
			spec.Rest = rest
			all = append(all, want{Spec: spec})
		}
		if s.HLS.Enabled {
			all = append(all, want{Spec: p.hls(s, s.Name)})
			if s.HLS.DASH {
				all = append(all, want{Spec: p.dash(s)})
			}
			for _, name := range s.HLS.Renditions {
				all = append(all, p.rung(s, name))
			}
		}
		for _, d := range destinations {
			if d.Enabled && slices.Contains(d.Streams, s.Name) {
				all = append(all, p.pushes(s, d, now, judge(s, d))...)
			}
		}
	}
	return all
}

// requests are the renditions that outputs need which are not at rest.
func requests(wants []want) []rendition.Request {
	var all []rendition.Request
	for _, w := range wants {
		if w.needs != nil && w.Rest == (output.Rest{}) && w.needs.Settings.Validate() == nil {
			all = append(all, *w.needs)
		}
	}
	return all
}

// specs feeds each output from the rendition it needs, and adds the renditions. derive makes the stream of one.
func (p planner) specs(wants []want, plan rendition.Plan, derive func(name string) output.Derived) []output.Spec {
	var all []output.Spec
	fixed := fixedRenditions(wants, plan)
	for _, e := range plan.Encoders {
		if p.unable != "" {
			break
		}
		all = append(all, output.Spec{
			ID:          output.ID{Stream: e.Stream, Kind: kindRendition, Name: e.Name[len(e.Stream)+1:]},
			Fingerprint: fmt.Sprintf("%+v", e.Settings),
			Target:      "stream " + e.Name,
			Recipe:      rendition.Recipe{Settings: e.Settings},
			AudioTrack:  e.Settings.AudioTrack,
			Derived:     derive(e.Name),

			FixedHeaders: fixed[e.Name],
		})
	}
	for _, w := range wants {
		spec := w.Spec
		if w.needs != nil && spec.Rest == (output.Rest{}) {
			name, ok := plan.Find(*w.needs)
			invalid := w.needs.Settings.Validate()
			switch {
			case p.unable != "":
				spec.Rest = output.Rest{State: output.Off, Class: output.Program, Reason: p.unable}
			case invalid != nil:
				spec.Rest = output.Rest{State: output.Off, Class: output.Program, Reason: "what it needs cannot be encoded: " + invalid.Error()}
			case !ok:
				spec.Rest = output.Rest{State: output.Off, Class: output.Program, Reason: refusal(plan, *w.needs)}
			}
			if spec.From, spec.AudioTrack = name, 0; spec.ID.Kind == kindHLS {
				spec.From = "" // it is the rendition's own
			}
		}
		spec.Fingerprint = fmt.Sprint(spec.Fingerprint, " ", spec.From, " ", spec.Rest)
		all = append(all, spec)
	}
	return all
}

// fixedRenditions are those that feed outputs whose codec headers must stay: a slate's would go through, where the picture
// is copied, or leave its marks. One that runs is not started anew for an output that comes later.
func fixedRenditions(wants []want, plan rendition.Plan) map[string]bool {
	names := map[string]bool{}
	for _, w := range wants {
		if w.needs != nil && w.FixedHeaders {
			if name, ok := plan.Find(*w.needs); ok {
				names[name] = true
			}
		}
	}
	return names
}

func refusal(plan rendition.Plan, r rendition.Request) string {
	for _, refused := range plan.Refused {
		if refused.Request == r {
			return refused.Why
		}
	}
	return "its rendition cannot be made"
}

func (p planner) record(s config.Stream) output.Spec {
	dir := recordings(p.cfg.Data)
	return output.Spec{
		ID:       output.ID{Stream: s.Name, Kind: kindRecord, Name: kindRecord},
		Target:   dir + "/" + s.Name,
		Recipe:   recorder.Recipe{Dir: dir},
		Filing:   output.Filing{Ledger: recorder.Recipe{Dir: dir}, Roll: s.Record.Segment},
		Finished: func(a ffmpeg.Attempt) { p.finisher.Session(a.Stream, a.Session) },
	}
}

// configured asks for a rendition of restreamd.yml. Names were checked when it was read; one that a reload took away
// is refused by the planner for want of settings.
func (p planner) configured(stream, name string, track int, whom string) *rendition.Request {
	i := slices.IndexFunc(p.cfg.Renditions, func(r config.Rendition) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	r := p.cfg.Renditions[i]
	if track > 0 {
		name = fmt.Sprintf("%s-audio%d", name, track+1)
	}
	set := renditionSettings(r)
	set.AudioTrack = uint8(track)
	return &rendition.Request{Stream: stream, Name: name, For: whom, Settings: set}
}

func renditionSettings(r config.Rendition) rendition.Settings {
	return rendition.Settings{
		Width: r.Width, Height: r.Height, FPS: r.FPS, VideoBitrate: r.VideoBitrate, GOP: r.GOP,
		Encoder: r.Encoder, Preset: r.Preset, AudioBitrate: r.AudioBitrate,
	}
}

// pushes are a stream's outputs to one destination: its ingest and, where wished, the backup's.
func (p planner) pushes(s config.Stream, d config.Destination, now time.Time, v verdict) []want {
	all := []want{p.push(s, d, d.Target, d.Name, now, v)}
	if !d.Backup {
		return all
	}
	known, _ := push.Lookup(d.Platform)
	if target, ok := known.Backup(d.Target); ok {
		all = append(all, p.push(s, d, target, d.Name+backupMark, now, v))
	}
	return all
}

func (p planner) push(s config.Stream, d config.Destination, target push.Target, name string, now time.Time, v verdict) want {
	fixed := limits(d).FixedHeaders
	w := want{Spec: output.Spec{
		ID:          output.ID{Stream: s.Name, Kind: kindPush, Name: name},
		Fingerprint: fmt.Sprint(d.Fingerprint, v.remedy.Silence, fixed),
		Target:      target.String(),
		Recipe:      push.Recipe{Target: target, Silence: d.Audio.Silence || v.remedy.Silence},
		Gate:        p.gate(target, d.Wire),
		Secrets:     target.Secrets(),
		Delay:       d.Wire.Delay,
		AudioTrack:  uint8(d.Audio.Track - 1),
		Rest:        cmp.Or(scheduled(d.Schedule, now), v.rest),

		FixedHeaders: fixed,
	}}
	whom := kindPush + "/" + name
	switch {
	case d.Shape.Rendition != "":
		w.needs = p.configured(s.Name, d.Shape.Rendition, d.Audio.Track-1, whom)
	case v.remedy.Video || v.remedy.Audio:
		w.needs = &rendition.Request{Stream: s.Name, For: whom, Settings: p.remedial(v.remedy, d.Audio.Track-1)}
	}
	return w
}

// remedial are the settings that change what breaks a contract and nothing else.
func (p planner) remedial(r push.Remedy, track int) rendition.Settings {
	return rendition.Settings{
		CopyVideo: !r.Video, Width: r.Width, Height: r.Height, FPS: r.FPS, VideoBitrate: r.VideoBitrate, GOP: r.GOP,
		CopyAudio: !r.Audio, AudioBitrate: r.AudioBitrate, AudioRate: r.AudioRate, Channels: r.Channels, AudioTrack: uint8(track),
	}
}

func scheduled(s config.Schedule, now time.Time) output.Rest {
	switch {
	case s.On(now):
		return output.Rest{}
	case s.Over(now):
		return output.Rest{State: output.Off, Reason: "its schedule ended at " + s.To.Format(time.RFC3339)}
	}
	return output.Rest{State: output.Waiting, Reason: "its schedule begins at " + s.From.Format(time.RFC3339)}
}
