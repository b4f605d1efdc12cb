package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// newDesk makes the desk, and whoever keeps recordings within their room.
func (h *house) newDesk() *desk {
	d := &desk{cfg: h.cfg.Config, hub: h.hub, outputs: h.outputs, log: h.log, janitor: h.newJanitor(), parked: h.finisher.Again}
	// Somebody waits for a clip: it gives way to nobody. On two busy cores the finisher's way took 7 to 10 s for one of 3 s.
	run := func(ctx context.Context, job ffmpeg.Job) error { return runJob(ctx, h.cfg.FFmpeg, h.env(), job) }
	d.clipper = &recorder.Clipper{Dir: recordings(h.cfg.Data), Run: run, Room: h.room}
	d.readOrders()
	d.janitor.Look()
	return d
}

func (h *house) newJanitor() *recorder.Janitor {
	limits := map[string]recorder.Limits{}
	for _, s := range h.cfg.Streams {
		limits[s.Name] = recorder.Limits(s.Record.Room)
	}
	return &recorder.Janitor{
		Dir: recordings(h.cfg.Data), Limits: limits,
		InUse: func(stream string, session time.Time) bool {
			if s := h.hub.Stream(stream); s != nil {
				if now, on := s.Session(); on && now.UTC().Truncate(time.Second).Equal(session) {
					return true
				}
			}
			return h.finisher.Has(stream, session) || h.uploads.waits(stream, session)
		},
		Removed: func(r recorder.Removal) {
			about := []zap.Field{
				zap.String("stream", r.Stream), zap.Time("session", r.Session), zap.Strings("files", r.Files),
				zap.Int64("bytes", r.Bytes), zap.String("why", r.Why),
			}
			if r.Err != nil {
				h.log.Error("recording not removed", append(about, zap.Error(r.Err))...)
				return
			}
			h.log.Info("recording removed", about...)
		},
	}
}

// room says why so many bytes must not be written beside recordings now: what is made of them must not take the room that
// those which are on need.
func (h *house) room(bytes int64) error {
	var least int64
	for _, s := range h.cfg.Streams {
		least = max(least, s.Record.Room.MinFree)
	}
	free := disk(recordings(h.cfg.Data)).Free
	if free-bytes >= least {
		return nil
	}
	return fmt.Errorf("%s are needed and %s are free, of which min_free keeps %s: remove files from the disk of %s",
		sized(bytes), sized(free), sized(least), recordings(h.cfg.Data))
}

// shortWords tells of too little room. They have no numbers that change: an output is planned anew when they do.
func shortWords(s config.Stream, data string) string {
	return fmt.Sprintf("recording is stopped: less than %s (min_free) are free on the disk of %s; remove files from it; recording goes on by itself once there is room",
		sized(s.Record.Room.MinFree), recordings(data))
}

// sized writes a number of bytes for people.
func sized(bytes int64) string {
	n, units := float64(bytes), []string{"B", "kB", "MB", "GB", "TB"}
	for n >= 1000 && len(units) > 1 {
		n, units = n/1000, units[1:]
	}
	return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64) + " " + units[0]
}
