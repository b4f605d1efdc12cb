package main

import (
	"context"
	"fmt"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/process"
)

// runJob runs a job without a feed to its end.
func runJob(ctx context.Context, exe string, env []string, job ffmpeg.Job) error {
	args, err := job.Args()
	if err != nil {
		return err
	}
	exit := process.Run(ctx, process.Spec{
		Path: exe, Args: args, Env: env, DieWithParent: job.DieWithParent,
		Grace: process.Grace{Term: time.Millisecond, Kill: time.Second},
	})
	switch {
	case exit.Code == 0:
		return nil
	case exit.Pid == 0:
		return fmt.Errorf("start ffmpeg: %w", exit.Err)
	}
	why := ffmpeg.Classify(exit.Lines, exit)
	return fmt.Errorf("ffmpeg: %s %s: %q", exit, why, exit.Lines)
}
