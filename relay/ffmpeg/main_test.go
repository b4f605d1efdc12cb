package ffmpeg_test

import (
	"context"
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// needFFmpeg skips where no ffmpeg is installed.
func needFFmpeg(t *testing.T) {
	t.Helper()
	if exit := process.Run(t.Context(), process.Spec{Path: "ffmpeg", Args: []string{"-version"}}); exit.Pid == 0 {
		t.Skip("no ffmpeg; make run installs it")
	}
}

// run runs a job with the input on its stdin, and returns what it wrote to stdout, its reports and its exit.
func run(t *testing.T, job ffmpeg.Job, input []byte) (string, []ffmpeg.Progress, process.Exit) {
	t.Helper()
	args, err := job.Args()
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := job.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	var output []byte
	var parser ffmpeg.ProgressParser
	var reports []ffmpeg.Progress
	exit := process.Run(t.Context(), process.Spec{
		Path: "ffmpeg", Args: args, Env: ffmpeg.Env(), Secrets: secrets, DieWithParent: true,
		Feed: func(_ context.Context, stdin *os.File) error {
			_, err := stdin.Write(input)
			return err
		},
		Output: func(stdout io.Reader) (err error) {
			output, err = io.ReadAll(stdout)
			return err
		},
		Progress: func(line string) {
			if report, ok := parser.Line(line); ok {
				reports = append(reports, report)
			}
		},
	})
	return string(output), reports, exit
}

// clip is 3 s of moving picture and tone in FLV, made by ffmpeg.
func clip(t *testing.T) []byte {
	t.Helper()
	flv, _, exit := run(t, ffmpeg.Job{
		Input: ffmpeg.Input{
			URL:     "testsrc=size=320x180:rate=25:duration=3[out0];sine=duration=3[out1]",
			Options: ffmpeg.Options{"f": "lavfi"},
		},
		Outputs: []ffmpeg.Output{{URL: "pipe:1", Options: ffmpeg.Options{
			"f": "flv", "c:v": "libx264", "preset": "ultrafast", "pix_fmt": "yuv420p", "g": "25", "c:a": "aac",
			"flvflags": "no_duration_filesize",
		}}},
	}, nil)
	if exit.Code != 0 || len(flv) < 10_000 {
		t.Fatalf("make a clip: %v, %d bytes: %q", exit, len(flv), exit.Lines)
	}
	return []byte(flv)
}
