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
	return runSpec(ctx, process.Spec{Path: exe, Env: env}, job)
}

// runSpec is runJob for a child of which more is said. What reads its output may fail too.
func runSpec(ctx context.Context, spec process.Spec, job ffmpeg.Job) (err error) {
	if spec.Args, err = job.Args(); err != nil {
		return err
	}
	spec.DieWithParent = job.DieWithParent
	spec.Grace = process.Grace{Term: time.Millisecond, Kill: time.Second}
	if spec.Output != nil {
		spec.Grace.Term = time.Second // from the end of its output to its own
	}
	exit := process.Run(ctx, spec)
	switch {
	case exit.Code == 0:
		return exit.Err
	case exit.Pid == 0:
		return fmt.Errorf("start ffmpeg: %w", exit.Err)
	}
	why := ffmpeg.Classify(exit.Lines, exit)
	return fmt.Errorf("ffmpeg: %s %s: %q", exit, why, exit.Lines)
}
