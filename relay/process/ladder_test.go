package process_test

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/process"
)

// stopWhenReady runs a child that says "ready" on stderr, tells it to end then, and reports its exit.
func stopWhenReady(t *testing.T, spec process.Spec) process.Exit {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	spec.Line = func(string) { cancel() }
	if spec.Grace == (process.Grace{}) {
		spec.Grace = quick
	}
	return process.Run(ctx, spec)
}

func TestLadderEndOfStdinIsEnough(t *testing.T) {
	spec := sh("echo ready >&2; cat >/dev/null; exit 0")
	spec.Feed, spec.Grace = hold, process.Grace{Term: 20 * time.Second}
	exit := stopWhenReady(t, spec)
	if exit.Code != 0 || !exit.Asked || exit.Forced || exit.Err != nil || exit.FeedErr != nil {
		t.Errorf("%v: %+v", exit, exit)
	}
}

func TestLadderIgnoresEndOfStdin(t *testing.T) {
	spec := sh("echo ready >&2; exec sleep 60")
	spec.Feed = hold
	exit := stopWhenReady(t, spec)
	if exit.Signal != syscall.SIGTERM || !exit.Asked || !exit.Forced || exit.String() != "killed by SIGTERM" {
		t.Errorf("%v: %+v", exit, exit)
	}
	if exit.Ran() < quick.Term {
		t.Errorf("signalled after %v, before its grace was over", exit.Ran())
	}
}

func TestLadderSecondTermCounts(t *testing.T) {
	exit := stopWhenReady(t, process.Spec{Path: os.Args[0], Env: asRole("second"), Feed: hold})
	if exit.Code != 7 || !exit.Forced {
		t.Errorf("%v: two SIGTERMs did not arrive as two", exit)
	}
}

func TestLadderIgnoresTerm(t *testing.T) {
	exit := stopWhenReady(t, process.Spec{Path: os.Args[0], Env: asRole("stubborn"), Feed: hold, DieWithParent: true, Grace: stubborn})
	if exit.Signal != syscall.SIGKILL || !exit.Asked || !exit.Forced {
		t.Errorf("%v: %+v", exit, exit)
	}
}

func TestLadderUnblocksAFeedNobodyReads(t *testing.T) {
	spec := sh("echo ready >&2; exec sleep 60")
	spec.Feed = func(_ context.Context, stdin *os.File) error { // it never looks at its context
		for {
			if _, err := stdin.Write(make([]byte, 64<<10)); err != nil {
				return err
			}
		}
	}
	within(t, 10*time.Second, func() {
		exit := stopWhenReady(t, spec)
		if !exit.Asked || exit.Err != nil || exit.FeedErr != nil {
			t.Errorf("%v: %v, %v", exit, exit.Err, exit.FeedErr)
		}
	})
}

func TestLadderLetsTheLastWriteFinish(t *testing.T) {
	spec := sh("echo ready >&2; wc -c")
	var out string
	spec.Output = collect(&out)
	spec.Feed = func(ctx context.Context, stdin *os.File) error {
		<-ctx.Done()
		_, err := stdin.Write(make([]byte, 300_000)) // more than the pipe holds
		return err
	}
	if exit := stopWhenReady(t, spec); exit.FeedErr != nil || out != "300000\n" {
		t.Errorf("%v: %v, child read %q", exit, exit.FeedErr, out)
	}
}

func TestLadderAfterEndOfStream(t *testing.T) {
	spec := sh("exec sleep 60")
	spec.Grace = quick
	spec.Feed = func(context.Context, *os.File) error { return nil }
	within(t, 10*time.Second, func() {
		exit := process.Run(t.Context(), spec)
		if exit.Asked || !exit.Forced || exit.Signal != syscall.SIGTERM {
			t.Errorf("%v: %+v", exit, exit)
		}
	})
}
