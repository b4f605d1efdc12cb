package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/hold"
)

const (
	// slatesKept is how many slates stay on disk: one for each picture, size and rate used lately.
	slatesKept = 16
	// draftMark begins the names of files that are being made.
	draftMark = "draft-"
)

// slates makes one stream's slate as its publisher's media asks for: in the background, once, and kept on disk. Until
// it is made, and where none can be, the publisher's last picture is shown.
type slates struct {
	file string // picture or clip
	dir  string // of what was made
	run  func(context.Context, ffmpeg.Job) error
	log  *zap.Logger
	wake chan struct{}

	mu     sync.Mutex
	wanted shape
	made   shape       // the one ready was made for
	ready  *hold.Slate // nil: it cannot be made
}

func (h *house) slates(s config.Stream) *slates {
	return &slates{
		file: s.Hold.Slate,
		dir:  filepath.Join(stateDir(h.cfg.Data), "slates"),
		run:  func(ctx context.Context, job ffmpeg.Job) error { return runJob(ctx, h.cfg.FFmpeg, h.env(), job) },
		log:  h.log.With(zap.String("stream", s.Name), zap.String("slate", s.Hold.Slate)),
		wake: make(chan struct{}, 1),
	}
}

// fitting is hold.Settings.Slate.
func (s *slates) fitting(m relay.Media) *hold.Slate {
	want, ok := shapeOf(m)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == want {
		return s.ready
	}
	s.wanted = want
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// serve makes what is wanted until ctx is cancelled.
func (s *slates) serve(ctx context.Context) {
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
		s.mu.Lock()
		want := s.wanted
		done := s.made == want
		s.mu.Unlock()
		if done {
			continue
		}
		slate, err := s.make(ctx, want)
		if err != nil && ctx.Err() == nil {
			s.log.Error("no slate: the last picture will be shown", zap.Error(err))
		}
		s.mu.Lock()
		s.made, s.ready = want, slate
		s.mu.Unlock()
	}
}

// make returns what was made before, or makes it.
func (s *slates) make(ctx context.Context, want shape) (*hold.Slate, error) {
	job, err := slateJob(s.file, want)
	if err != nil {
		return nil, err
	}
	name, err := s.name(job)
	if err != nil {
		return nil, fmt.Errorf("read slate: %w", err)
	}
	if slate, err := readSlate(name, want.fps); err == nil {
		now := time.Now()
		_ = os.Chtimes(name, now, now) // tidy removes what was not used lately
		return slate, nil
	}
	if err := s.encode(ctx, job, name); err != nil {
		return nil, fmt.Errorf("encode slate: %w", err)
	}
	s.tidy()
	return readSlate(name, want.fps)
}

// name is where what a job makes of the slate is kept: the same picture made the same way is the same file.
func (s *slates) name(job ffmpeg.Job) (string, error) {
	f, err := os.Open(s.file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", err
	}
	_, _ = fmt.Fprint(hash, job.Outputs) // a hash takes everything
	return filepath.Join(s.dir, hex.EncodeToString(hash.Sum(nil)[:16])+".flv"), nil
}

// encode runs the job beside the file's place and puts what it made there when it is whole and on disk.
func (s *slates) encode(ctx context.Context, job ffmpeg.Job, name string) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	draft, err := os.CreateTemp(s.dir, draftMark+"*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name()) //nolint:errcheck // it is gone when all went well
	defer draft.Close()
	job.Outputs[0].URL = draft.Name()
	if err := s.run(ctx, job); err != nil {
		return err
	}
	if err := draft.Sync(); err != nil {
		return err
	}
	return os.Rename(draft.Name(), name)
}

// tidy removes the oldest of many, and drafts that a crash left. What is shown is in memory; what cannot be removed is
// tried again.
func (s *slates) tidy() {
	entries, _ := os.ReadDir(s.dir)
	var files []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil:
		case !strings.HasPrefix(e.Name(), draftMark):
			files = append(files, info)
		case time.Since(info.ModTime()) > time.Hour:
			_ = os.Remove(filepath.Join(s.dir, e.Name()))
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, old := range files[min(slatesKept, len(files)):] {
		_ = os.Remove(filepath.Join(s.dir, old.Name()))
	}
}
