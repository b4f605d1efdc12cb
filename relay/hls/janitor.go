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

// Janitor removes what nobody can ask for any more: what a child that was killed left behind, sessions that are over and
// have been followed by another, and shows whose time is over.
type Janitor struct {
	Dir string
	// Keep is how long a stream's shows are kept after their end. Default: not at all.
	Keep func(stream string) time.Duration
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

// Sweep removes what was last written before a moment. What cannot be removed keeps nothing else from being.
func (j Janitor) Sweep(before time.Time) error {
	streams, err := os.ReadDir(j.Dir)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("sweep HLS files: %w", err)
	}
	var failed error
	for _, s := range streams {
		if s.IsDir() {
			failed = errors.Join(failed, j.sweepStream(filepath.Join(j.Dir, s.Name()), before))
		}
	}
	if failed != nil {
		return fmt.Errorf("sweep HLS files: %w", failed)
	}
	return nil
}

func (j Janitor) sweepStream(dir string, before time.Time) error {
	keep := time.Duration(0)
	if j.Keep != nil {
		keep = j.Keep(filepath.Base(dir))
	}
	names, err := sessions(dir)
	for i, name := range names {
		session := filepath.Join(dir, name)
		whole := filepath.Join(session, wholeShow)
		kept := exists(whole) && !olderThan(whole, before.Add(-keep))
		if i < len(names)-1 && !kept && olderThan(filepath.Join(session, playlist), before) {
			err = errors.Join(err, os.RemoveAll(session))
			continue
		}
		err = errors.Join(err, sweepSegments(session, exists(whole) && !kept, before))
		if !kept {
			err = errors.Join(err, remove(whole))
		}
	}
	return err
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// remove removes a file, if it is there.
func remove(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// olderThan reports whether a file was last written before a moment, or is not there.
func olderThan(name string, t time.Time) bool {
	info, err := os.Stat(name)
	return err != nil || info.ModTime().Before(t)
}

// sweepSegments removes the old segments of a session that neither its playlist nor its journal names, half-written ones
// of a child that was killed among them. The composer looks after what the journal names, until the show is no longer
// kept: expired.
func sweepSegments(dir string, expired bool, before time.Time) error {
	named, err := os.ReadFile(filepath.Join(dir, playlist))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if !expired {
		entries, err := os.ReadFile(filepath.Join(dir, journals))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		named = append(named, entries...)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	dash, err := os.ReadFile(filepath.Join(dir, manifest))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	text, dashes := string(named), string(dash)
	var failed error
	for _, f := range files {
		segment := strings.TrimSuffix(f.Name(), ".tmp")
		name := filepath.Join(dir, f.Name())
		_, child := dashFile(f.Name()) // a manifest names its child's segments by a pattern
		left := segmentPattern.MatchString(segment) && !strings.Contains(text, f.Name()) ||
			child != "" && !strings.Contains(dashes, child)
		if left && olderThan(name, before) {
			failed = errors.Join(failed, remove(name))
		}
	}
	return failed
}
