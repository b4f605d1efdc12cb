package config

import (
	"errors"

	"github.com/fsnotify/fsnotify"
)

// WithoutInotify makes the watcher find what it finds where the kernel has no inotify instances left.
func (w *Watcher) WithoutInotify() {
	w.open = func() (*fsnotify.Watcher, error) { return nil, errors.New("too many open files") }
}
