package process_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/restreamd/restreamd/relay/process"
)

// niceness is that of each of a process's threads.
func niceness(t *testing.T, pid int) (all []string) {
	t.Helper()
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range threads {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it ended
		}
		_, fields, _ := strings.Cut(string(stat), ") ") // the name of a program may hold anything
		all = append(all, strings.Fields(fields)[16])
	}
	return all
}

// A child in the background is nice with every thread it has, and others are not.
func TestBackground(t *testing.T) {
	for background, want := range map[bool]string{true: "19", false: "0"} {
		pids := make(chan int, 1)
		ready := make(chan struct{}, 1)
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan process.Exit, 1)
		go func() {
			gone <- process.Run(ctx, process.Spec{
				Path: "ffmpeg", Background: background, DieWithParent: true, Grace: quick,
				Args: []string{"-loglevel", "error", "-progress", "pipe:3", "-f", "lavfi", "-i", "testsrc2=size=320x180", "-threads", "4",
					"-c:v", "libx264", "-f", "null", "-"},
				Env:     []string{"PATH=" + os.Getenv("PATH")},
				Started: func(pid int) { pids <- pid },
				Progress: func(string) {
					select {
					case ready <- struct{}{}:
					default:
					}
				},
			})
		}()
		pid := <-pids
		<-ready // it encodes, with all its threads
		all := niceness(t, pid)
		if len(all) < 4 {
			t.Errorf("only %d threads", len(all))
		}
		for _, n := range all {
			if n != want {
				t.Errorf("background %v: threads as nice as %v, want all %s", background, all, want)
				break
			}
		}
		disk, _, _ := unix.Syscall(unix.SYS_IOPRIO_GET, 1, uintptr(pid), 0)
		if lowest := disk == 2<<13|7; lowest != background {
			t.Errorf("background %v: priority for the disk %x", background, disk)
		}
		cancel()
		<-gone
	}
}
