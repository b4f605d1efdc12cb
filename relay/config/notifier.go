package config

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// notifier tells when something happens in a folder. The kernel watches the folder that a path led to when it was asked
// and knows nothing of paths, so follow must be called again and again. A notifier without inotify never tells anything.
type notifier struct {
	fs       *fsnotify.Watcher // nil without inotify
	watching os.FileInfo       // the folder being watched
}

// opener asks the kernel for events. It fails where there are no inotify instances left, as happens beside editors and
// desktops.
type opener func() (*fsnotify.Watcher, error)

// openNotifier opens with open; nil: with fsnotify's own.
func openNotifier(open opener) *notifier {
	if open == nil {
		open = fsnotify.NewWatcher
	}
	fs, err := open()
	if err != nil {
		// Out of inotify instances: polling finds everything too, only later.
		return &notifier{}
	}
	return &notifier{fs: fs}
}

func (n *notifier) close() {
	if n.fs != nil {
		n.fs.Close()
	}
}

// follow watches the folder that dir leads to now, and reports whether that worked.
func (n *notifier) follow(dir string) bool {
	if n.fs == nil {
		return false
	}
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	// A folder made anew may have the old one's number on disk; its watch has ended all the same.
	if os.SameFile(info, n.watching) && slices.Contains(n.fs.WatchList(), dir) {
		return true
	}
	// Fails when there was no watch, which is what it is for.
	_ = n.fs.Remove(dir)
	if err := n.fs.Add(dir); err != nil {
		return false
	}
	n.watching = info
	return true
}

// channels returns what to receive from; nil channels, which never deliver, without inotify. An error stands for
// events that were lost, so it means the same.
func (n *notifier) channels() (<-chan fsnotify.Event, <-chan error) {
	if n.fs == nil {
		return nil, nil
	}
	return n.fs.Events, n.fs.Errors
}

// wait returns after an event, after timeout, or when ctx ends. It reports whether there was an event.
func (n *notifier) wait(ctx context.Context, timeout time.Duration) bool {
	events, errors := n.channels()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-events:
		return true
	case _ = <-errors: //nolint:staticcheck // that something happened is enough: everything is read again
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// settle returns once nothing happened for quiet, after at most longest.
func (n *notifier) settle(ctx context.Context, quiet, longest time.Duration) {
	for deadline := time.Now().Add(longest); ; {
		left := min(quiet, time.Until(deadline))
		if left <= 0 || !n.wait(ctx, left) {
			return
		}
	}
}
