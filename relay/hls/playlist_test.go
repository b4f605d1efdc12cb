package hls_test

import (
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/relaytest"
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

// pictures returns the hashes of all that a playlist names. ffmpeg would read an open playlist as live, and wait.
func pictures(t *testing.T, p playlistFile, dir string) []string {
	t.Helper()
	var all strings.Builder
	for _, name := range p.segments {
		all.WriteString(get(t, dir, name))
	}
	return relaytest.VideoHashesAnnexB(t, put(t, all.String(), t.TempDir(), "all.ts"))
}

func beginsWithKeyframe(t *testing.T, path string) bool {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=flags",
		"-of", "csv=p=0", "-read_intervals", "%+#1", path).Output()
	if err != nil {
		t.Fatalf("look into %s: %v", path, err)
	}
	return strings.HasPrefix(string(out), "K")
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
