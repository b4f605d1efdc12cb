package main

import (
	"fmt"
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

// late is how long a stream must break a contract after the verdict for another to be found.
const late = 10 * time.Second

// fit is what was found of one stream for one destination.
type fit struct {
	findings []push.Finding
	verdict
	code    string    // of the finding that a rest is for
	settled time.Time // since when the publisher is on that the verdict was made of; zero: there is none
	terms   string    // that the verdict was made for
	worse   time.Time // since when the stream needs more than the verdict does; zero: it does not
}

// update compares the stream with the contract, and decides: once for each publisher, anew when the terms change, and
// when the stream breaks more of the contract than it did. A push that runs is not stopped while the next publisher is
// measured, nor ever for a finding in mid-show: the broadcast goes first.
func (f *fit) update(s relay.StreamStatus, d config.Destination, now time.Time) {
	mode := d.Shape.Fit
	if d.Shape.Rendition != "" {
		mode = config.FitOff // what it gets was chosen
	}
	p := s.Publisher
	if p == nil || !s.Live {
		if s.Session == nil {
			*f = fit{verdict: undecided(mode, "it begins when the stream was measured")}
		}
		return
	}
	contract, m := limits(d), measure(s, now)
	heard := m
	heard.HasAudio = m.HasAudio || d.Audio.Silence
	needs := contract.Remedy(heard)
	heard.HasAudio = heard.HasAudio || f.remedy.Silence
	f.findings = contract.Examine(heard)
	terms := fmt.Sprintf("%s %+v", mode, contract)
	switch {
	case mode == config.FitOff:
		*f = fit{findings: f.findings}
	case now.Sub(p.Since) < measuring:
		if f.settled.IsZero() {
			f.verdict = undecided(mode, "the stream is being measured")
		}
	case !f.settled.Equal(p.Since), f.terms != terms, mode == config.FitAuto && f.isLate(needs, now):
		f.decide(mode, needs)
		f.settled, f.terms, f.worse = p.Since, terms, time.Time{}
		if f.rest != (output.Rest{}) {
			f.settled = time.Time{} // it may be put right while on air
		}
	}
}

func (f *fit) decide(mode string, needs push.Remedy) {
	switch broken := breach(f.findings); {
	case mode == config.FitAuto:
		f.verdict = verdict{remedy: needs}
	case broken == nil || !f.settled.IsZero() && f.rest == (output.Rest{}):
		f.verdict, f.code = verdict{}, "" // all is well, or a push runs
	case broken.Code != f.code || f.rest.State != output.Off: // else the numbers wobble, and nothing is new
		f.verdict = verdict{rest: output.Rest{State: output.Off, Reason: "fit: strict: " + broken.Text + ": " + broken.Fix}}
		f.code = broken.Code
	}
}

// isLate reports whether the stream has needed more than it gets for a while.
func (f *fit) isLate(needs push.Remedy, now time.Time) bool {
	had := f.remedy
	more := needs.Video && !had.Video || needs.Audio && !had.Audio || needs.Silence && !had.Silence ||
		needs.Height > 0 && had.Height == 0 || needs.Width > 0 && had.Width == 0 || needs.FPS > 0 && had.FPS == 0
	switch {
	case !more:
		f.worse = time.Time{}
	case f.worse.IsZero():
		f.worse = now
	}
	return more && now.Sub(f.worse) > late
}

func undecided(fit, reason string) verdict {
	if fit == config.FitOff {
		return verdict{}
	}
	return verdict{rest: output.Rest{State: output.Waiting, Reason: reason}}
}

func breach(findings []push.Finding) *push.Finding {
	for i := range findings {
		if findings[i].Breaks {
			return &findings[i]
		}
	}
	return nil
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
