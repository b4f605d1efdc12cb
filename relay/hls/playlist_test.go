package hls_test

import (
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// playlistFile is what a media playlist says (RFC 8216).
type playlistFile struct {
	sequence string // of the first segment
	segments []string
	breaks   []int // before which segments there is a discontinuity
	ended    bool
}

func parse(t *testing.T, name string) playlistFile {
	t.Helper()
	text := get(t, name)
	if !strings.HasPrefix(text, "#EXTM3U\n") {
		t.Fatalf("%s is no playlist: %.80q", name, text)
	}
	var p playlistFile
	inf := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#EXT-X-MEDIA-SEQUENCE:"):
			p.sequence = line
		case line == "#EXT-X-DISCONTINUITY":
			p.breaks = append(p.breaks, len(p.segments))
		case line == "#EXT-X-ENDLIST":
			p.ended = true
		case strings.HasPrefix(line, "#EXTINF:"):
			inf = true
		case line != "" && line[0] != '#':
			if !inf {
				t.Errorf("segment %s has no length", line)
			}
			p.segments, inf = append(p.segments, line), false
		}
	}
	return p
}

// killWhen kills a process once a condition is met.
func killWhen(ctx context.Context, pid int, met func() bool) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !met() && time.Now().Before(deadline); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// decodes has ffmpeg decode all of a playlist that has ended; a single fault fails.
func decodes(t *testing.T, name string) {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-xerror", "-nostdin", "-allowed_extensions", "ALL", "-i", name, "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%s does not decode: %v\n%s", name, err, out)
	}
}
