package main

import (
	"cmp"
	"context"
	"io"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/process"
)

func (h *house) newFinisher() *recorder.Finisher {
	run, read := inBackground(h.cfg.FFmpeg, h.env())
	return &recorder.Finisher{
		Dir:  recordings(h.cfg.Data),
		Room: h.room,
		Form: h.cfg.form,
		Run:  run,
		Read: read,
		Report: func(file string, took time.Duration, err error) {
			name, _ := filepath.Rel(h.cfg.Data, file)
			if err != nil {
				h.log.Error("recording not finished: it stays as it is and plays", zap.String("file", name), zap.Error(err))
				return
			}
			h.log.Info("recording finished", zap.String("file", name), zap.Duration("took", took.Round(time.Millisecond)))
			h.upload(file)
		},
	}
}

// inBackground are a finisher's ways to run jobs: nobody who is on air waits for them.
func inBackground(exe string, env []string) (
	run func(context.Context, ffmpeg.Job) error, read func(context.Context, ffmpeg.Job, func(io.Reader) error) error,
) {
	spec := process.Spec{Path: exe, Env: env, Background: true}
	run = func(ctx context.Context, job ffmpeg.Job) error { return runSpec(ctx, spec, job) }
	read = func(ctx context.Context, job ffmpeg.Job, see func(io.Reader) error) error {
		spec := spec
		spec.Output = see
		return runSpec(ctx, spec, job)
	}
	return run, read
}

// form is what a stream's finished recordings are like.
func (s *settings) form(stream string) recorder.Form {
	one, ok := s.Stream(stream)
	if !ok { // it was recorded under another configuration
		return recorder.Form{}
	}
	r := one.Record
	return recorder.Form{Container: recorder.Container(r.Container), Segment: r.Segment, Name: r.Name}
}

// lastChild is how long after a session's end a child that records it may be there: twice what ending it can take.
const lastChild = 15 * time.Second

// finishEarlier asks for the recordings of sessions of an earlier run once they are over: one whose encoder did not return
// has no output that would. Of one whose encoder did there is nothing left to do then.
func (h *house) finishEarlier(sessions map[string]savedSession) func(context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		over := map[string]time.Time{} // since when
		for len(sessions) > 0 {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
			for name, s := range sessions {
				stream := h.hub.Stream(name)
				if stream == nil {
					delete(sessions, name) // it is not configured any more, and nothing was left out
				} else if now := stream.Status().Session; now == nil || !now.Equal(s.Start) {
					over[name] = cmp.Or(over[name], time.Now())
				}
				if since := over[name]; !since.IsZero() && time.Since(since) >= lastChild {
					h.finisher.Session(name, s.Start)
					delete(sessions, name)
				}
			}
		}
		<-ctx.Done()
		return nil
	}
}

// finish gives the finisher time for what it has to do. What it cannot do is found again at the next start.
func (h *house) finish(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !h.finisher.Idle() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			h.log.Warn("a recording is left to be finished at the next start; it plays as it is")
			return
		}
	}
}
