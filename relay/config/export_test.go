package config

import (
	"errors"

	"github.com/fsnotify/fsnotify"
)

// Folder is what a Watcher reads its folder with.
type Folder struct{ folder }

func NewFolder(dir string, known Known) *Folder { return &Folder{folder{dir: dir, known: known}} }

func (f *Folder) Load() Snapshot { return f.load() }

// WithoutInotify makes the watcher find what it finds where the kernel has no inotify instances left.
func (w *Watcher) WithoutInotify() {
	w.open = func() (*fsnotify.Watcher, error) { return nil, errors.New("too many open files") }
}

// DecodeDestination makes a destination of the content of a file.
func DecodeDestination(file string, data []byte, known Known) (Destination, error) {
	return decodeDestination(&document{file: file}, data, known)
}
