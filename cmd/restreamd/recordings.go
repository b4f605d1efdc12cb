package main

import (
	"context"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/ffmpeg"
)

func (h *house) newFinisher() *recorder.Finisher {
	return &recorder.Finisher{
		Dir: recordings(h.cfg.Data),
		Run: func(ctx context.Context, job ffmpeg.Job) error { return runJob(ctx, h.cfg.FFmpeg, h.env(), job) },
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
