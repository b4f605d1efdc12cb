package ffmpeg_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/process"
)

// The files hold what ffmpeg 5.1.9 wrote, with this package's global arguments, when each thing happened to it. The
// first words of a file's name are the cause.
func TestClassifyRealWords(t *testing.T) {
	causes := []ffmpeg.Cause{
		ffmpeg.CauseRejected, ffmpeg.CauseRefused, ffmpeg.CauseUnreachable, ffmpeg.CauseTimeout, ffmpeg.CauseClosed,
		ffmpeg.CauseDiskFull, ffmpeg.CauseFile, ffmpeg.CauseInput, ffmpeg.CauseUnsupported,
	}
	files, err := filepath.Glob("testdata/stderr/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, cause := range causes {
		seen := false
		for _, file := range files {
			name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".txt"), "_", " ")
			if !strings.HasPrefix(name, string(cause)) {
				continue
			}
			seen = true
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			exit := process.Exit{Pid: 1, Code: 1}
			if got := ffmpeg.Classify(strings.Split(string(text), "\n"), exit); got != cause {
				t.Errorf("%s: %q", file, got)
			}
		}
		if !seen {
			t.Errorf("no file for %q", cause)
		}
	}
}

func TestClassifyExits(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		name  string
		lines []string
		exit  process.Exit
		want  ffmpeg.Cause
	}{
		{"in order", nil, process.Exit{Pid: 1}, ffmpeg.CauseNone},
		{"asked", []string{"Broken pipe"}, process.Exit{Pid: 1, Code: 255, Asked: true}, ffmpeg.CauseNone},
		{"asked before the start", nil, process.Exit{Code: -1, Asked: true, Err: boom}, ffmpeg.CauseNone},
		{"not started", nil, process.Exit{Code: -1, Err: boom}, ffmpeg.CauseNotStarted},
		{"killed", nil, process.Exit{Pid: 1, Code: -1, Signal: syscall.SIGKILL}, ffmpeg.CauseKilled},
		{"forced", nil, process.Exit{Pid: 1, Code: -1, Signal: syscall.SIGKILL, Forced: true}, ffmpeg.CauseOther},
		{"full in spite of 0", []string{"No space left on device"}, process.Exit{Pid: 1}, ffmpeg.CauseDiskFull},
		{"server's own words", []string{"Server error: No space left on device"}, process.Exit{Pid: 1, Code: 1}, ffmpeg.CauseRejected},
		{"unknown", []string{"gibberish"}, process.Exit{Pid: 1, Code: 1}, ffmpeg.CauseOther},
	} {
		if got := ffmpeg.Classify(c.lines, c.exit); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
