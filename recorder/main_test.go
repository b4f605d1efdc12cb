package recorder_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/process"
	"github.com/restreamd/restreamd/relay/relaytest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(finisherEnv); dir != "" {
		finishAndExit(dir)
	}
	goleak.VerifyTestMain(m)
}

// finishAndExit is a process that does nothing but finish takes, until somebody kills it.
func finishAndExit(dir string) {
	f := recorder.Finisher{Dir: dir, Run: runFFmpeg, Report: func(string, time.Duration, error) {}}
	if err := f.All(); err != nil {
		os.Exit(1)
	}
	_ = f.Serve(context.Background())
}

const soon = 20 * time.Second

var start = time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)

const startName = "2026-11-22T18-00-00Z"

// record lets a real recording child record media, and returns the file.
func record(t *testing.T, dir, media string) string {
	t.Helper()
	job, name := recordJob(t, dir)
	exit := process.Run(t.Context(), spec(t, job, func(_ context.Context, stdin *os.File) error {
		return copyTo(stdin, media)
	}))
	if exit.Code != 0 {
		t.Fatalf("record: %v: %q", exit, exit.Lines)
	}
	return name
}

func recordJob(t *testing.T, dir string) (job ffmpeg.Job, name string) {
	t.Helper()
	job, err := recorder.Recipe{Dir: dir}.Job(ffmpeg.Attempt{Stream: "main", Session: start, Audio: true, Video: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range job.Dirs {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return job, job.Outputs[0].URL
}

func spec(t *testing.T, job ffmpeg.Job, feed func(context.Context, *os.File) error) process.Spec {
	t.Helper()
	args, err := job.Args()
	if err != nil {
		t.Fatal(err)
	}
	return process.Spec{Path: "ffmpeg", Args: args, Env: ffmpeg.Env(), DieWithParent: true, Feed: feed}
}

func copyTo(w io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// recordAndKill has a child killed once it has written half of media.
func recordAndKill(t *testing.T, dir, media string) string {
	t.Helper()
	job, name := recordJob(t, dir)
	pid := make(chan int, 1)
	s := spec(t, job, func(ctx context.Context, stdin *os.File) error {
		if err := copyTo(stdin, media); err != nil {
			return err
		}
		for size(name) < size(media)/2 && ctx.Err() == nil {
			<-time.After(10 * time.Millisecond)
		}
		if err := syscall.Kill(<-pid, syscall.SIGKILL); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	})
	s.Started = func(n int) { pid <- n }
	if exit := process.Run(t.Context(), s); exit.Signal != syscall.SIGKILL {
		t.Fatalf("the recording child was not killed: %v: %q", exit, exit.Lines)
	}
	return name
}

func size(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Size()
}

// runFFmpeg is a Finisher's Run.
func runFFmpeg(ctx context.Context, job ffmpeg.Job) error {
	args, err := job.Args()
	if err != nil {
		return err
	}
	exit := process.Run(ctx, process.Spec{Path: "ffmpeg", Args: args, Env: ffmpeg.Env(), DieWithParent: true})
	if exit.Code != 0 {
		return fmt.Errorf("%v: %q", exit, exit.Lines)
	}
	return nil
}

// readFFmpeg is a Finisher's Read.
func readFFmpeg(ctx context.Context, job ffmpeg.Job, see func(io.Reader) error) error {
	args, err := job.Args()
	if err != nil {
		return err
	}
	exit := process.Run(ctx, process.Spec{Path: "ffmpeg", Args: args, Env: ffmpeg.Env(), DieWithParent: true, Output: see})
	if exit.Code != 0 || exit.Err != nil {
		return fmt.Errorf("%v: %w: %q", exit, exit.Err, exit.Lines)
	}
	return nil
}

// result is what a Finisher reported.
type result struct {
	file string
	err  error
}

// bench is a finisher and what it reports.
type bench struct {
	*recorder.Finisher
	reports chan result
}

func newBench(dir string, run func(context.Context, ffmpeg.Job) error) *bench {
	b := &bench{reports: make(chan result, 16)}
	b.Finisher = &recorder.Finisher{Dir: dir, Run: run, Read: readFFmpeg, Report: func(file string, _ time.Duration, err error) {
		b.reports <- result{file, err}
	}}
	return b
}

// serve runs the finisher until everything asked for is done, and returns its reports.
func (b *bench) serve(t *testing.T) []result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { gone <- b.Serve(ctx) }()
	relaytest.Eventually(t, soon, "the finisher to be idle", b.Idle)
	cancel()
	if err := <-gone; err != nil {
		t.Errorf("Serve: %v", err)
	}
	var all []result
	for len(b.reports) > 0 {
		all = append(all, <-b.reports)
	}
	return all
}

func write(t *testing.T, content []byte, path ...string) string {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// names lists a folder, without the sidecars of files that are there.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return slices.DeleteFunc(all, func(name string) bool {
		of, sidecar := strings.CutSuffix(name, ".json")
		return sidecar && slices.Contains(all, of)
	})
}
