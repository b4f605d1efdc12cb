package main

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/hls"
	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/output"
)

// newComposer makes who writes the playlists. It is asked to recover before there is a hub.
func (h *house) newComposer() *hls.Composer {
	return &hls.Composer{
		Dir:      hlsDir(h.cfg.Data),
		Settings: h.hlsSettings,
		On: func(stream string) (time.Time, bool) {
			if h.hub == nil {
				return time.Time{}, false
			}
			return h.sessionOf(stream)
		},
		Report: func(err error) { h.log.Warn("HLS playlists", zap.Error(err)) },
	}
}

func (h *house) hlsSettings(stream string) hls.Settings {
	s, ok := h.cfg.Stream(source(stream))
	if !ok {
		return hls.Settings{}
	}
	set := hls.Settings{Window: s.HLS.Window, DVR: s.HLS.DVR, Keep: s.HLS.VODKeep, Expected: s.HLS.Segment}
	if h.hub == nil {
		return set
	}
	for _, name := range s.HLS.Renditions {
		if name = s.Name + "@" + name; h.hub.Stream(name) != nil { // else there is no room for it
			set.Renditions = append(set.Renditions, name)
		}
	}
	if p := h.hub.Stream(s.Name).Status().Publisher; p != nil {
		set.Expected = segmentLength(s.HLS.Segment, time.Duration(p.Rates.LongestInterval*float64(time.Second)))
	}
	return set
}

// segmentLength is how long segments of a stream will be that has a keyframe every gop.
func segmentLength(wished, gop time.Duration) time.Duration {
	if gop <= 0 {
		return wished
	}
	return (wished + gop - 1) / gop * gop
}

// compose writes playlists until ctx is cancelled.
func (h *house) compose(ctx context.Context) error { return h.composer.Serve(ctx) }

// tidy removes old HLS files. What cannot be removed is tried again.
func (h *house) tidy(ctx context.Context) error {
	j := hls.Janitor{
		Dir: hlsDir(h.cfg.Data),
		Keep: func(stream string) time.Duration {
			s, _ := h.cfg.Stream(source(stream))
			return s.HLS.VODKeep
		},
		Report: func(err error) { h.log.Warn("HLS files", zap.Error(err)) },
	}
	return j.Serve(ctx)
}

func (p planner) hls(s config.Stream, of string) output.Spec {
	return output.Spec{
		ID:          output.ID{Stream: of, Kind: kindHLS, Name: kindHLS},
		Fingerprint: fmt.Sprint(s.HLS.Segment, s.HLS.Type),
		Target:      "/hls/" + of + "/index.m3u8",
		Recipe:      hls.Recipe{Dir: hlsDir(p.cfg.Data), Segment: s.HLS.Segment, Type: s.HLS.Type},
		Finished: func(a ffmpeg.Attempt) {
			if err := p.composer.End(a.Stream, a.Session); err != nil {
				p.log.Error("HLS playlist not ended: it is tried again", zap.String("stream", a.Stream), zap.Error(err))
			}
		},
	}
}

func (p planner) dash(s config.Stream) output.Spec {
	return output.Spec{
		ID:          output.ID{Stream: s.Name, Kind: kindDASH, Name: kindDASH},
		Fingerprint: fmt.Sprint(s.HLS.Segment, s.HLS.Window),
		Target:      "/hls/" + s.Name + "/manifest.mpd",
		Recipe: hls.DASHRecipe{
			Dir: hlsDir(p.cfg.Data), Segment: s.HLS.Segment, Window: s.HLS.Window,
			Clock: "../.." + httpapi.ClockPath, // relative: nobody here knows by what name viewers reach the relay
		},
	}
}

// rung is a stream's HLS in a rendition.
func (p planner) rung(s config.Stream, name string) want {
	return want{
		Spec:  p.hls(s, s.Name+"@"+name),
		needs: p.configured(s.Name, name, 0, kindHLS+"/"+s.Name+"@"+name),
	}
}
