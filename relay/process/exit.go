package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Exit is how one child ended.
type Exit struct {
	// Pid is 0 when the child never started.
	Pid int
	// Code is the exit code; -1 when a signal ended the child or it never started.
	Code int
	// Signal is what ended the child, 0 if none did.
	Signal syscall.Signal
	// Asked: the context was done, so the end was wanted and is no failure.
	Asked bool
	// Forced: end of stdin was not enough, the child was signalled by us.
	Forced bool

	// Err is what went wrong on our side: the child could not start, or Output or Feed failed. A Feed that failed only
	// because the child had closed its stdin is no such case: the child's own words tell more.
	Err error
	// FeedErr is what Feed returned, unless it returned because it was told to.
	FeedErr error

	// Started and Ended are zero when the child never started.
	Started, Ended time.Time
	// Lines are the last lines of stderr, redacted, oldest first, at most 30.
	Lines []string
	// Usage is what the child cost.
	Usage Usage
}

// Usage is what a child cost over its whole life.
type Usage struct {
	User, System time.Duration // processor time
	MaxRSS       int64         // largest resident set, in bytes
}

// String says in a few words how the child ended: "exit 1", "killed by SIGKILL", "could not start: …".
func (e Exit) String() string {
	switch {
	case e.Pid == 0:
		return fmt.Sprintf("could not start: %v", e.Err)
	case e.Signal != 0:
		return "killed by " + unix.SignalName(e.Signal)
	}
	return fmt.Sprintf("exit %d", e.Code)
}

// Ran is how long the child lived.
func (e Exit) Ran() time.Duration { return e.Ended.Sub(e.Started) }

// record fills in what the kernel reports of the reaped child.
func (e *Exit) record(state *os.ProcessState) {
	e.Code = state.ExitCode()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal = status.Signal()
	}
	e.Usage.User, e.Usage.System = state.UserTime(), state.SystemTime()
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		e.Usage.MaxRSS = usage.Maxrss << 10 // the kernel counts in KiB
	}
}

// untold drops the error of a Feed that returned because it was told to.
func untold(err error, told bool) error {
	if told && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded)) {
		return nil
	}
	return err
}
