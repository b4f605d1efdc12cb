package config_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/config"
)

// editAndFollow makes a few changes that a watcher on dir has to find.
func editAndFollow(t *testing.T, w *watched, dir string) {
	t.Helper()
	w.await(t, "! kept=false")
	write(t, filepath.Join(dir, "a.yml"), content("one", "k"))
	w.await(t, "a=one/k")
	w.shell(t, "sed -i s/one/two/ d/a.yml")
	w.await(t, "a=two/k")
	w.shell(t, "rm d/a.yml")
	w.await(t, "")
}

func TestWatcherPollsWithoutInotify(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "d")
	watcher := &config.Watcher{Dir: dir, Debounce: time.Millisecond, Rescan: longRescan}
	watcher.WithoutInotify()
	editAndFollow(t, watchWith(t, watcher), dir)
}

// limitEnv names the kernel's limit that the test sets to 0 for itself, in a user namespace of its own.
const limitEnv = "RESTREAMD_TEST_NO"

// The kernel itself refuses here: no inotify instances, and instances that may watch nothing.
func TestWatcherPollsWhenTheKernelRefuses(t *testing.T) {
	if limit := os.Getenv(limitEnv); limit != "" {
		if err := os.WriteFile("/proc/sys/user/"+limit, []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "d")
		editAndFollow(t, watch(t, dir, longRescan), dir)
		return
	}
	t.Parallel()
	for _, limit := range []string{"max_inotify_instances", "max_inotify_watches"} {
		cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), limitEnv+"="+limit)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Skipf("no user namespaces here: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", limit, err, out.Bytes())
		}
	}
}

// More happens than the kernel's queue of events holds, while nobody takes events from it.
func TestWatcherSurvivesLostEvents(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Skip(err)
	}
	queue, err := strconv.Atoi(string(bytes.TrimSpace(text)))
	if err != nil || queue > 100_000 {
		t.Skipf("a queue of %s events is not filled here", text)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yml"), content("one", "k"))

	var mu sync.Mutex
	applied := 0
	first, flooded, seen := make(chan struct{}), make(chan struct{}), make(chan string, 100)
	watcher := config.Watcher{Dir: dir, Known: known, Debounce: time.Millisecond, Rescan: longRescan, Apply: func(s config.Snapshot) {
		mu.Lock()
		defer mu.Unlock()
		if applied++; applied == 1 {
			close(first)
			<-flooded
		}
		seen <- fmt.Sprint(len(s.Destinations))
	}}
	ctx, cancel := context.WithCancel(t.Context())
	var served sync.WaitGroup
	served.Go(func() { _ = watcher.Serve(ctx) })
	defer served.Wait()
	defer cancel()

	<-first
	for i := range queue + 1000 {
		_ = os.WriteFile(filepath.Join(dir, "noise"+strconv.Itoa(i%2)), nil, 0o600)
	}
	write(t, filepath.Join(dir, "b.yml"), content("two", "k"))
	close(flooded)
	<-seen
	select {
	case got := <-seen:
		if got != "2" {
			t.Errorf("%s destinations, want 2", got)
		}
	case <-time.After(10 * time.Second):
		t.Error("a change among lost events was not found")
	}
}
