package process_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/process"
)

func TestRunCarriesBytesAndEnds(t *testing.T) {
	spec := sh("cat")
	var out string
	spec.Output = collect(&out)
	payload := strings.Repeat("0123456789", 100_000)
	spec.Feed = func(_ context.Context, stdin *os.File) error {
		_, err := io.WriteString(stdin, payload)
		return err
	}
	spec.PipeSize = 1 << 20
	exit := process.Run(t.Context(), spec)
	if exit.Code != 0 || exit.Err != nil || exit.Asked || exit.Forced || exit.Signal != 0 {
		t.Fatalf("%v: %+v", exit, exit)
	}
	if out != payload {
		t.Errorf("%d bytes came back of %d", len(out), len(payload))
	}
	if exit.Pid == 0 || exit.Ran() <= 0 || exit.Usage.MaxRSS < 100<<10 || exit.Usage.MaxRSS > 1<<30 {
		t.Errorf("books: %+v", exit)
	}
}

func TestRunWithoutFeedOrOutput(t *testing.T) {
	exit := process.Run(t.Context(), sh("cat; echo lost; echo seen >&2; exit 3"))
	if exit.Code != 3 || exit.String() != "exit 3" || fmt.Sprint(exit.Lines) != "[seen]" {
		t.Errorf("%v %q", exit, exit.Lines)
	}
}

func TestRunGivesExactlyTheEnvironment(t *testing.T) {
	t.Setenv("RELAY_SECRET", "must not leak")
	for _, env := range [][]string{nil, {"A=1"}} {
		var out string
		exit := process.Run(t.Context(), process.Spec{Path: "/usr/bin/env", Env: env, Output: collect(&out)})
		if want := strings.Join(append(env, ""), "\n"); out != want || exit.Code != 0 {
			t.Errorf("%v: environment %q, want %q", exit, out, want)
		}
	}
}

func TestRunCannotStart(t *testing.T) {
	for name, spec := range map[string]process.Spec{
		"missing": {Path: "/nonexistent/ffmpeg"},
		"nothing": {},
		"secret":  {Path: "/bin/true", Secrets: [][]byte{make([]byte, 64<<10+1)}},
	} {
		exit := process.Run(t.Context(), spec)
		if exit.Err == nil || exit.Code != -1 || exit.Pid != 0 || !strings.HasPrefix(exit.String(), "could not start: ") {
			t.Errorf("%s: %v: %+v", name, exit, exit)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if exit := process.Run(ctx, sh("exit 0")); !exit.Asked || exit.Pid != 0 {
		t.Errorf("started although already told to end: %+v", exit)
	}
}

func TestRunStdinIsBlockingForTheChild(t *testing.T) {
	var out string
	exit := process.Run(t.Context(), process.Spec{
		Path: os.Args[0], Env: asRole("flags"), PipeSize: 256 << 10, Output: collect(&out),
		Feed: func(context.Context, *os.File) error { return nil },
	})
	if want := "false <nil>\n262144 <nil>\n"; out != want {
		t.Errorf("%v: got %q, want %q", exit, out, want)
	}
}

func TestRunProgressAndLines(t *testing.T) {
	spec := sh(`printf 'frame=1\rprogress=end\n\n' >&3; printf 'a\rb\n\nc' >&2`)
	var progress, lines []string
	spec.Progress = func(line string) { progress = append(progress, line) }
	spec.Line = func(line string) { lines = append(lines, line) }
	exit := process.Run(t.Context(), spec)
	if got := fmt.Sprint(progress, lines, exit.Lines); got != "[frame=1 progress=end] [a b c] [a b c]" {
		t.Errorf("%v: %s", exit, got)
	}
}

func TestRunKeepsTheLastLinesRedactedAndPrintable(t *testing.T) {
	spec := sh(`i=0; while [ $i -lt 40 ]; do echo "line $i key=hush" >&2; i=$((i+1)); done; printf '\033[2Jpeer\n' >&2`)
	spec.Redact = func(line string) string { return strings.ReplaceAll(line, "hush", "***") }
	exit := process.Run(t.Context(), spec)
	if len(exit.Lines) != 30 || exit.Lines[0] != "line 11 key=***" || exit.Lines[29] != " [2Jpeer" {
		t.Errorf("%d lines: %q", len(exit.Lines), exit.Lines)
	}
}

func TestRunEndlessLineHidesAHalvedSecret(t *testing.T) {
	// The secret lies across the place where the raw line is cut, and shrinks into what may be shown.
	secret := strings.Repeat("s3cr3t", 160)
	spec := sh("cat >&2")
	spec.Redact = func(line string) string { return strings.ReplaceAll(line, secret, "***") }
	spec.Feed = func(_ context.Context, stdin *os.File) error {
		_, err := io.WriteString(stdin, strings.Repeat(secret, 5)+strings.Repeat("x", 5<<20))
		return err
	}
	exit := process.Run(t.Context(), spec)
	if len(exit.Lines) != 1 || len(exit.Lines[0]) > 1024 || strings.Contains(exit.Lines[0], "s3cr") {
		t.Errorf("%v: %d lines, the first %.200q", exit, len(exit.Lines), exit.Lines)
	}
}

func TestRunSlowCallbackDoesNotStopTheChild(t *testing.T) {
	release := make(chan struct{})
	spec := sh("i=0; while [ $i -lt 4000 ]; do echo 0123456789012345678901234567890123456789 >&2; i=$((i+1)); done; echo done")
	calls := 0
	spec.Line = func(string) { <-release; calls++ }
	spec.Output = func(stdout io.Reader) error {
		_, err := io.ReadAll(stdout)
		close(release) // the child got to its end while the callback hung
		return err
	}
	exit := process.Run(t.Context(), spec)
	if exit.Code != 0 || exit.Forced || calls == 0 || calls >= 4000 {
		t.Errorf("%v, %d calls", exit, calls)
	}
}

func TestRunSecrets(t *testing.T) {
	const first, second = "rtmp_playpath=first-key\n", "second-key"
	spec := sh(`cat /dev/fd/4; cat <&5; tr '\0' ' ' </proc/$$/cmdline; tr '\0' ' ' </proc/$$/environ`)
	spec.Secrets = [][]byte{[]byte(first), []byte(second), bytes.Repeat([]byte("z"), 64<<10)} // nobody reads the third
	var out string
	spec.Output = collect(&out)
	exit := process.Run(t.Context(), spec)
	if exit.Code != 0 || !strings.HasPrefix(out, first+second) {
		t.Fatalf("%v: %q", exit, out)
	}
	rest := strings.TrimPrefix(out, first+second)
	if !strings.Contains(rest, "/bin/sh") || strings.Contains(rest, "key") {
		t.Errorf("argv and environment: %q", rest)
	}
}

func TestRunFeedErrors(t *testing.T) {
	boom := errors.New("boom")
	spec := sh("cat >/dev/null; exit 5")
	spec.Feed = func(context.Context, *os.File) error { return boom }
	if exit := process.Run(t.Context(), spec); !errors.Is(exit.Err, boom) || !errors.Is(exit.FeedErr, boom) || exit.Code != 5 {
		t.Errorf("%v: %v, %v", exit, exit.Err, exit.FeedErr)
	}

	spec = sh("exit 6")
	spec.Feed = func(_ context.Context, stdin *os.File) error {
		for {
			if _, err := stdin.Write(make([]byte, 4096)); err != nil {
				return err
			}
		}
	}
	if exit := process.Run(t.Context(), spec); exit.Err != nil || exit.Code != 6 ||
		exit.FeedErr != nil && !errors.Is(exit.FeedErr, syscall.EPIPE) { // nil: the child's end was seen before its pipe's
		t.Errorf("%v: %v, %v", exit, exit.Err, exit.FeedErr)
	}
}

func TestRunOutputErrorEndsTheChild(t *testing.T) {
	spec := sh("while echo spam; do :; done")
	boom := errors.New("boom")
	spec.Output = func(io.Reader) error { return boom }
	within(t, 5*time.Second, func() {
		if exit := process.Run(t.Context(), spec); !errors.Is(exit.Err, boom) {
			t.Errorf("%v: %v", exit, exit.Err)
		}
	})
}

func TestRunChildThatDiesEndsAFeedThatWaits(t *testing.T) {
	spec := sh("exit 4")
	spec.Feed = hold
	within(t, 5*time.Second, func() {
		if exit := process.Run(t.Context(), spec); exit.Code != 4 || exit.FeedErr != nil || exit.Asked {
			t.Errorf("%v: %+v", exit, exit)
		}
	})
}

func TestRunGrandchildThatHoldsStderr(t *testing.T) {
	for name, script := range map[string]string{
		"in the group":  "sleep 60 & echo $!; exit 2",
		"in a new one":  "setsid sleep 7 & echo $!; exit 2",
		"silently held": "sleep 60 >/dev/null 2>&1 3>&1 & echo $!; exit 2",
	} {
		t.Run(name, func(t *testing.T) {
			spec := sh(script)
			var out string
			spec.Output = collect(&out)
			within(t, 3*time.Second, func() {
				if exit := process.Run(t.Context(), spec); exit.Code != 2 {
					t.Errorf("%v", exit)
				}
			})
			var pid int
			_, _ = fmt.Sscan(out, &pid)
			if strings.Contains(script, "setsid") {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			eventually(t, "grandchild gone", func() bool { return pid > 0 && !alive(pid) })
		})
	}
}

func TestRunDieWithParentHoldsItsThread(t *testing.T) {
	const children = 4
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started, goOn, done := make(chan int, children), make(chan struct{}), make(chan process.Exit, children)
	spec := process.Spec{Path: "/bin/cat", Feed: hold, DieWithParent: true, Started: func(pid int) {
		started <- pid
		<-goOn // the thread is idle now, or promised to the child
	}}
	for range children {
		go func() { done <- process.Run(ctx, spec) }()
	}
	for range children {
		<-started
	}
	// A goroutine that ends locked takes its thread with it, and the kernel signals the children of that thread.
	for range 50 {
		var wave sync.WaitGroup
		for range 20 {
			wave.Go(runtime.LockOSThread)
		}
		wave.Wait()
	}
	close(goOn)
	cancel()
	for range children {
		if exit := <-done; exit.Code != 0 || exit.Forced {
			t.Errorf("%v: the thread that started the child is gone", exit)
		}
	}
}

func TestRunParentKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "finished")
	pids := map[string]int{}
	var parent int
	exit := process.Run(t.Context(), process.Spec{
		Path: os.Args[0], Args: []string{file}, Env: append(asRole("parent"), "PATH="+os.Getenv("PATH")), Grace: quick,
		Started: func(pid int) { parent = pid },
		Output: func(stdout io.Reader) error {
			for range 2 {
				var name string
				var pid int
				if _, err := fmt.Fscan(stdout, &name, &pid); err != nil {
					return err
				}
				pids[name] = pid
			}
			for name, pid := range pids {
				if !alive(pid) {
					t.Errorf("%s %d is not running", name, pid)
				}
			}
			return syscall.Kill(parent, syscall.SIGKILL)
		},
	})
	if exit.Signal != syscall.SIGKILL || exit.Forced || len(pids) != 2 {
		t.Fatalf("%v: %v %q", exit, pids, exit.Lines)
	}
	eventually(t, "stubborn child killed by the kernel", func() bool { return !alive(pids["stubborn"]) })
	eventually(t, "finisher finished its file", func() bool {
		text, err := os.ReadFile(file)
		return err == nil && string(text) == "finished\n"
	})
	eventually(t, "finisher gone", func() bool { return !alive(pids["finisher"]) })
}
