package hls

import (
	"context"
	"errors"
	"fmt"
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
type Janitor struct{ Dir string }

// Serve sweeps until ctx is cancelled.
func (j Janitor) Serve(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := j.Sweep(time.Now().Add(-keepFor)); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Recover ends the playlists that a relay which was killed left open. Call it before packaging begins.
func (j Janitor) Recover() error {
	open, err := filepath.Glob(filepath.Join(j.Dir, "*", "*", playlist))
	if err != nil {
		return fmt.Errorf("find playlists: %w", err)
	}
	for _, name := range open {
		err = errors.Join(err, endPlaylist(name))
	}
	return err
}

// Sweep removes what was last written before a moment.
func (j Janitor) Sweep(before time.Time) error {
	streams, err := os.ReadDir(j.Dir)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("sweep HLS files: %w", err)
	}
	for _, s := range streams {
		dir := filepath.Join(j.Dir, s.Name())
		names, err := sessions(dir)
		if err != nil {
			continue // a file among the folders is not ours
		}
		for i, name := range names {
			session := filepath.Join(dir, name)
			if i < len(names)-1 && olderThan(filepath.Join(session, playlist), before) {
				err = os.RemoveAll(session)
			} else {
				err = sweepSegments(session, before)
			}
			if err != nil {
				return fmt.Errorf("sweep HLS files: %w", err)
			}
		}
	}
	return nil
}

// olderThan reports whether a file was last written before a moment, or is not there.
func olderThan(name string, t time.Time) bool {
	info, err := os.Stat(name)
	return err != nil || info.ModTime().Before(t)
}

// sweepSegments removes the old segments of a session that its playlist does not name.
func sweepSegments(dir string, before time.Time) error {
	index, err := os.ReadFile(filepath.Join(dir, playlist))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	listed := string(index)
	segments, err := filepath.Glob(filepath.Join(dir, "*.ts"))
	if err != nil {
		return err
	}
	for _, name := range segments {
		if !strings.Contains(listed, filepath.Base(name)) && olderThan(name, before) {
			if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
	}
	return nil
}
