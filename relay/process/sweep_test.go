package process_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/process"
)

// abandon starts script under a shell that exits at once, as a dead relay would leave it, and returns its pid as soon
// as the script has written it to stdout.
func abandon(t *testing.T, marker, script string) int {
	t.Helper()
	spec := sh(fmt.Sprintf(`setsid sh -c '%s' 2>/dev/null 3>&2 &`, script))
	spec.Env = append(spec.Env, marker)
	var pid int
	spec.Output = func(stdout io.Reader) error {
		_, err := fmt.Fscanln(stdout, &pid)
		return err
	}
	if exit := process.Run(t.Context(), spec); exit.Err != nil || pid == 0 {
		t.Fatalf("%v: %v", exit, exit.Err)
	}
	return pid
}

func TestSweep(t *testing.T) {
	marker := "RESTREAMD_OWNER=" + t.TempDir()
	idle := abandon(t, marker, "echo $$; exec sleep 60 >/dev/null")
	stubborn := abandon(t, marker, `trap "" TERM; echo $$; exec >/dev/null; while :; do sleep 1; done`)
	other := abandon(t, marker+"x", "echo $$; exec sleep 60 >/dev/null")

	// A child of ours carries the marker too and must live.
	ctx, cancel := context.WithCancel(t.Context())
	mine, done := make(chan int, 1), make(chan process.Exit, 1)
	go func() {
		done <- process.Run(ctx, process.Spec{Path: "/bin/cat", Env: []string{marker}, Feed: hold, Started: func(pid int) { mine <- pid }})
	}()
	own := <-mine

	found := process.Sweep(t.Context(), marker, 50*time.Millisecond)
	if !slices.Contains(found, idle) || !slices.Contains(found, stubborn) || slices.Contains(found, other) || slices.Contains(found, own) {
		t.Errorf("found %v of idle %d, stubborn %d, other %d, own %d", found, idle, stubborn, other, own)
	}
	if alive(idle) || alive(stubborn) {
		t.Errorf("idle alive: %v, stubborn alive: %v", alive(idle), alive(stubborn))
	}
	if !alive(own) || !alive(other) {
		t.Errorf("own alive: %v, other's alive: %v", alive(own), alive(other))
	}
	cancel()
	<-done
	process.Sweep(t.Context(), marker+"x", time.Millisecond)
	if alive(other) {
		t.Error("other marker not swept")
	}
}

func TestSweepLetsALeftoverFinish(t *testing.T) {
	dir := t.TempDir()
	marker := "RESTREAMD_OWNER=" + dir
	pid := abandon(t, marker, "echo $$; exec >/dev/null; sleep 0.5; echo whole >"+dir+"/take")
	within(t, 5*time.Second, func() {
		if found := process.Sweep(t.Context(), marker, 10*time.Second); !slices.Contains(found, pid) {
			t.Errorf("found %v, not %d", found, pid)
		}
	})
	if text, err := os.ReadFile(dir + "/take"); string(text) != "whole\n" {
		t.Errorf("leftover did not finish its file: %q %v", text, err)
	}
}

func TestSweepNothing(t *testing.T) {
	if found := process.Sweep(t.Context(), "RESTREAMD_OWNER="+t.TempDir(), time.Hour); len(found) != 0 {
		t.Errorf("found %v", found)
	}
	if found := process.Sweep(t.Context(), "", time.Hour); len(found) != 0 {
		t.Errorf("no marker matched %v", found)
	}
}
