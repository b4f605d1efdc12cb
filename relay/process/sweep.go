package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long Sweep waits after each signal.
const patience = 3 * time.Second

// Sweep ends what an earlier run of this program left behind: processes that carry marker ("NAME=value", exactly) in
// their environment and are neither this process nor one of its ancestors or descendants. Those that are finishing
// their files have grace (default 3 s) to go by themselves, then come SIGTERM twice and SIGKILL. It blocks until they
// are gone, it gave up, or ctx is done, and returns the process ids it found.
//
// It sees what /proc shows to this user, and finds nothing where the kernel has no pidfds (before Linux 5.3).
func Sweep(ctx context.Context, marker string, grace time.Duration) (found []int) {
	left := marked(marker)
	for _, s := range left {
		found = append(found, s.pid)
	}
	defer func() {
		for _, s := range left {
			_ = unix.Close(s.fd)
		}
	}()

	if grace <= 0 {
		grace = patience
	}
	for _, step := range []struct {
		signal  syscall.Signal
		patient time.Duration
	}{
		{0, grace}, // 0 sends nothing
		{syscall.SIGTERM, between},
		{syscall.SIGTERM, patience},
		{syscall.SIGKILL, patience},
	} {
		if left = signalAndWait(ctx, left, step.signal, step.patient); len(left) == 0 || ctx.Err() != nil {
			break
		}
	}
	return found
}

// stray is a process held by a pidfd, so that its number cannot come to mean another.
type stray struct {
	pid, fd int
}

func marked(marker string) []stray {
	entries, err := os.ReadDir("/proc")
	if err != nil || marker == "" {
		return nil
	}
	var strays []stray
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue
		}
		// Looked at only now: before the pidfd was open, the number could still have changed hands.
		if !carries(pid, marker) || related(pid, os.Getpid()) || related(os.Getpid(), pid) {
			_ = unix.Close(fd)
			continue
		}
		strays = append(strays, stray{pid: pid, fd: fd})
	}
	return strays
}

func carries(pid int, marker string) bool {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && slices.ContainsFunc(bytes.Split(environ, []byte{0}), func(entry []byte) bool {
		return string(entry) == marker
	})
}

// related reports whether pid is ancestor itself or descends from it.
func related(pid, ancestor int) bool {
	for pid > 1 && pid != ancestor {
		pid = parent(pid)
	}
	return pid == ancestor
}

func parent(pid int) int {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// "PID (name) state ppid …", and the name may hold spaces and parentheses.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(fields[1])
	return ppid
}

// signalAndWait returns those that are still there after patient.
func signalAndWait(ctx context.Context, strays []stray, signal syscall.Signal, patient time.Duration) []stray {
	for _, s := range strays {
		if signal != 0 {
			_ = unix.PidfdSendSignal(s.fd, signal, nil, 0)
		}
	}
	for deadline := time.Now().Add(patient); len(strays) > 0 && ctx.Err() == nil && time.Now().Before(deadline); {
		strays = slices.DeleteFunc(strays, func(s stray) bool {
			gone := exitedWithin(s.fd, 20*time.Millisecond)
			if gone {
				_ = unix.Close(s.fd)
			}
			return gone
		})
	}
	return strays
}

// exitedWithin waits: a pidfd becomes readable when its process exits.
func exitedWithin(pidfd int, wait time.Duration) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(wait.Milliseconds()))
	return err == nil && n > 0
}
