package main

import (
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/push"
)

// measuring is how long a publisher must have sent before its bitrate and keyframes are known well enough to decide by:
// rates are taken over 4 s, and no contract allows more than 4 s between keyframes.
const measuring = 5 * time.Second

// verdict is how a destination is served with a stream.
type verdict struct {
	rest   output.Rest
	remedy push.Remedy
}

// fit is what was found of one stream for one destination.
type fit struct {
	findings []push.Finding
	verdict
	settled time.Time // since when the publisher is on that the verdict was made of; zero: there is none
}

// update compares the stream with the contract, and decides once for each publisher. A push that runs is not stopped
// while the next publisher is measured, nor ever for a finding in mid-show: the broadcast goes first.
func (f *fit) update(s relay.StreamStatus, d config.Destination, now time.Time) {
	p := s.Publisher
	if p == nil || !s.Live {
		if s.Session == nil {
			*f = fit{verdict: undecided(d.Shape.Fit, "it begins when the stream was measured")}
		}
		return
	}
	contract := limits(d)
	m := measure(s, now)
	m.HasAudio = m.HasAudio || d.Audio.Silence || f.remedy.Silence
	f.findings = contract.Examine(m)
	if f.settled.Equal(p.Since) || d.Shape.Rendition != "" {
		return
	}
	if now.Sub(p.Since) < measuring {
		if f.settled.IsZero() {
			f.verdict = undecided(d.Shape.Fit, "the stream is being measured")
		}
		return
	}
	first := f.settled.IsZero()
	f.settled = p.Since
	switch d.Shape.Fit {
	case config.FitAuto:
		f.verdict = verdict{remedy: contract.Remedy(m)}
	case config.FitStrict:
		if why := breach(f.findings); why != "" && first {
			f.verdict = verdict{rest: output.Rest{State: output.Off, Reason: "fit: strict: " + why}}
			f.settled = time.Time{} // it may be put right while on air
			return
		}
		f.verdict = verdict{}
	}
}

func undecided(fit, reason string) verdict {
	if fit == config.FitOff {
		return verdict{}
	}
	return verdict{rest: output.Rest{State: output.Waiting, Reason: reason}}
}

func breach(findings []push.Finding) string {
	for _, f := range findings {
		if f.Breaks {
			return f.Text + ": " + f.Fix
		}
	}
	return ""
}

// limits is what the platform and the destination's file allow.
func limits(d config.Destination) push.Contract {
	if d.Shape.MaxBitrate == 0 {
		return d.Shape.Contract
	}
	return d.Shape.Contract.Override(push.Contract{MaxVideoBitrate: d.Shape.MaxBitrate})
}

// measure puts what is known of a stream into the contract's words.
func measure(s relay.StreamStatus, now time.Time) push.Measure {
	p := s.Publisher
	v, a, r := p.Media.Video, p.Media.Audio, p.Rates
	m := push.Measure{
		HasVideo: v.Codec != "" || p.Frames > 0, VideoCodec: v.Codec, VideoProfile: v.Profile,
		Width: v.Width, Height: v.Height, FPS: v.FPS, VideoBitrate: r.VideoBitrate,
		HasAudio: a.Codec != "" || r.AudioBitrate > 0, AudioCodec: a.Codec, AudioRate: a.Rate, Channels: a.Channels,
		AudioBitrate: r.AudioBitrate, GOP: time.Duration(r.LongestInterval * float64(time.Second)),
	}
	if m.FPS == 0 {
		m.FPS = r.FPS
	}
	if s.Session != nil {
		m.On = now.Sub(*s.Session)
	}
	return m
}
