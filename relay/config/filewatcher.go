package config

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"
)

const defaultFileRescan = time.Second

// FileWatcher keeps reading restreamd.yml, and the files it names, while the relay runs. What cannot be used is refused,
// and the last good configuration stays in use:
//
//	mistake, or nothing left of the file ─▶ Refuse, once ─┐
//	another configuration ─▶ Apply ───────────────────────┼─▶ wait, as Watcher does
//	the one in use, written differently ──────────────────┘
//
// Events come from the file's folder alone. Changes inside of other folders, as of key files, are found by the clock.
type FileWatcher struct {
	Path    string        // may not exist: then Default is in use until it does
	Rescan  time.Duration // default 1 s
	Current *Config       // in use when Serve begins: as Load or Default returned it, or its Clone
	Apply   func(*Config) // called for changes only; the Config is the callee's own
	Refuse  func(error)   // called once for each distinct mistake in a row
}

// Serve watches until ctx ends, and returns its error. It calls Apply and Refuse one at a time.
func (w *FileWatcher) Serve(ctx context.Context) error {
	state := fileState{current: w.Current.Clone()}
	r := rereader{
		dir:      filepath.Dir(w.Path),
		debounce: defaultDebounce,
		rescan:   cmp.Or(w.Rescan, defaultFileRescan),
		look:     func() (take func()) { return w.look(&state) },
	}
	return r.serve(ctx)
}

// fileState is what a FileWatcher remembers.
type fileState struct {
	current *Config
	refused string // the mistake that was told last; "" once it is gone
}

func (w *FileWatcher) look(s *fileState) (take func()) {
	next, err := w.load(s.current)
	switch {
	case err != nil && err.Error() == s.refused:
		return nil
	case err != nil:
		return func() {
			s.refused = err.Error()
			w.Refuse(err)
		}
	case next.Equal(s.current):
		s.refused = ""
		return nil
	}
	return func() {
		s.current, s.refused = next, ""
		w.Apply(next.Clone())
	}
}

// load reads the file. One that is lost or cut off on air must not make a relay forget its keys: then the defaults are
// right only where they are in use already.
func (w *FileWatcher) load(current *Config) (*Config, error) {
	data, err := readText(w.Path)
	missing := errors.Is(err, fs.ErrNotExist)
	empty := err == nil && len(bytes.TrimSpace(data)) == 0
	switch {
	case (missing || empty) && w.isDefault(current):
		return current, nil
	case missing:
		return nil, &Error{File: w.Path, Problem: "the file is gone", Hint: "put it back; for the defaults, restart without it"}
	case empty:
		return nil, &Error{File: w.Path, Problem: "the file is empty", Hint: "put its content back; for the defaults, write a comment into it"}
	case err != nil:
		return nil, &Error{File: w.Path, Problem: "cannot be read: " + reason(err)}
	}
	return decode(w.Path, data)
}

// isDefault reports whether c is what no file or one without settings makes.
func (w *FileWatcher) isDefault(c *Config) bool {
	return c.Equal(Default()) || c.Equal(Default().relativeTo(filepath.Dir(w.Path)))
}
