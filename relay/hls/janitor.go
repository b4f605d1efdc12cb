package hls

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	sweepEvery = 30 * time.Second
	// keepFor is how long a file that no playlist names may still be asked for: a player that paused, a slow download.
	keepFor = 2 * time.Minute
)

// Janitor removes what nobody can ask for any more: segments that ffmpeg left behind when a child took over from
// another, and sessions that are over and have been followed by another.
type Janitor struct {
	Dir string
	// Report is told what could not be removed; it is tried again. Default: nobody is.
	Report func(error)
}

// Serve sweeps until ctx is cancelled. A disk that cannot be swept is no reason to end a show.
func (j Janitor) Serve(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := j.Sweep(time.Now().Add(-keepFor)); err != nil && j.Report != nil {
				j.Report(err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Recover ends the playlists that a relay which was killed left open, but for those of sessions that go on, given by
// stream. Call it before packaging begins.
func (j Janitor) Recover(goesOn map[string]time.Time) error {
	open, err := fs.Glob(os.DirFS(j.Dir), "*/*/"+playlist)
	if err != nil {
		return fmt.Errorf("find playlists: %w", err)
	}
	for _, name := range open {
		dir := filepath.Dir(name)
		stream, _, _ := strings.Cut(filepath.Dir(dir), "@") // a rendition's session is its source's, or nearly
		if start, ok := goesOn[stream]; ok && filepath.Base(dir) >= start.UTC().Format(stamp) {
			continue
		}
		err = errors.Join(err, endPlaylist(filepath.Join(j.Dir, name)))
	}
	return err
}

// Sweep removes what was last written before a moment. What cannot be removed keeps nothing else from being.
func (j Janitor) Sweep(before time.Time) error {
	streams, err := os.ReadDir(j.Dir)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("sweep HLS files: %w", err)
	}
	var failed error
	for _, s := range streams {
		if s.IsDir() {
			failed = errors.Join(failed, sweepStream(filepath.Join(j.Dir, s.Name()), before))
		}
	}
	if failed != nil {
		return fmt.Errorf("sweep HLS files: %w", failed)
	}
	return nil
}

func sweepStream(dir string, before time.Time) error {
	names, err := sessions(dir)
	for i, name := range names {
		session := filepath.Join(dir, name)
		if i < len(names)-1 && olderThan(filepath.Join(session, playlist), before) {
			err = errors.Join(err, os.RemoveAll(session))
		} else {
			err = errors.Join(err, sweepSegments(session, before))
		}
	}
	return err
}

// olderThan reports whether a file was last written before a moment, or is not there.
func olderThan(name string, t time.Time) bool {
	info, err := os.Stat(name)
	return err != nil || info.ModTime().Before(t)
}

// sweepSegments removes the old segments of a session that its playlist does not name, half-written ones of a child
// that was killed among them.
func sweepSegments(dir string, before time.Time) error {
	index, err := os.ReadFile(filepath.Join(dir, playlist))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	listed := string(index)
	var failed error
	for _, f := range files {
		segment := strings.TrimSuffix(f.Name(), ".tmp")
		name := filepath.Join(dir, f.Name())
		if segmentPattern.MatchString(segment) && !strings.Contains(listed, f.Name()) && olderThan(name, before) {
			if err := os.Remove(name); !os.IsNotExist(err) {
				failed = errors.Join(failed, err)
			}
		}
	}
	return failed
}
