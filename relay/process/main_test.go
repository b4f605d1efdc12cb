package process_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/restreamd/restreamd/relay/process"
)

// roleVar makes this test program play a child instead.
const roleVar = "PROCESS_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		play(role)
		return
	}
	goleak.VerifyTestMain(m)
}

// play is what a re-executed test program does.
func play(role string) {
	switch role {
	case "parent": // runs a stubborn child and one that ends with its stdin, until killed
		go process.Run(context.Background(), process.Spec{
			Path: os.Args[0], Env: asRole("stubborn"), DieWithParent: true, Feed: hold, Started: announce("stubborn")})
		process.Run(context.Background(), process.Spec{
			Path: "/bin/sh", Args: []string{"-c", "cat >/dev/null; echo finished >" + os.Args[1]},
			Env: []string{"PATH=" + os.Getenv("PATH")}, Feed: hold, Started: announce("finisher")})
	case "stubborn": // heeds neither end of stdin nor SIGTERM
		signal.Ignore(syscall.SIGTERM, syscall.SIGPIPE)
		_, _ = fmt.Fprintln(os.Stderr, "ready")
		<-time.After(time.Minute) // an empty select would be a deadlock that ends it
	case "second": // heeds the second SIGTERM only
		signals := make(chan os.Signal, 8)
		signal.Notify(signals, syscall.SIGTERM)
		_, _ = fmt.Fprintln(os.Stderr, "ready")
		<-signals
		<-signals
		os.Exit(7)
	case "flags": // prints what its stdin's open file is like
		flags, err := unix.FcntlInt(0, unix.F_GETFL, 0)
		fmt.Println(flags&unix.O_NONBLOCK != 0, err)
		size, err := unix.FcntlInt(0, unix.F_GETPIPE_SZ, 0)
		fmt.Println(size, err)
	}
}

func asRole(role string) []string { return []string{roleVar + "=" + role} }

func announce(name string) func(int) {
	return func(pid int) { fmt.Printf("%s %d\n", name, pid) }
}

// hold feeds nothing and keeps stdin open until told to end.
func hold(ctx context.Context, _ *os.File) error {
	<-ctx.Done()
	return ctx.Err()
}

func sh(script string) process.Spec {
	return process.Spec{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")}}
}

// quick is for children that heed a signal only: on a busy machine that takes them a while. stubborn is for those that
// heed none.
var (
	quick    = process.Grace{Term: 500 * time.Millisecond, Kill: 20 * time.Second}
	stubborn = process.Grace{Term: 500 * time.Millisecond, Kill: 500 * time.Millisecond}
)

// collect returns an Output that keeps everything in text.
func collect(text *string) func(io.Reader) error {
	return func(r io.Reader) error {
		b, err := io.ReadAll(r)
		*text = string(b)
		return err
	}
}

// within fails the test when the calls take longer: nothing here may wait for ever.
func within(t *testing.T, limit time.Duration, calls func()) {
	t.Helper()
	begun := time.Now()
	calls()
	if took := time.Since(begun); took > limit {
		t.Errorf("took %v, at most %v wanted", took.Round(time.Millisecond), limit)
	}
}

// eventually polls, since processes end when the kernel pleases.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}

func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
