package relaytest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mediaRevision is part of every cached file's name: raise it when the ffmpeg command below changes.
const mediaRevision = 1

// mediaFrameRate is in frames a second. It is fixed: no test needs another, and a GOP is easier to count in it.
const mediaFrameRate = 30

type mediaSpec struct {
	duration      time.Duration
	width, height int
	bitrate       int // video, in kb/s
	gop           time.Duration
	video, audio  bool
}

// MediaOption changes what [Media] makes.
type MediaOption func(*mediaSpec)

// Duration sets the length of the file. It defaults to 8 s.
func Duration(d time.Duration) MediaOption { return func(s *mediaSpec) { s.duration = d } }

// Size sets the picture's size in pixels, both even. It defaults to 640x360. Another size is another codec header.
func Size(width, height int) MediaOption {
	return func(s *mediaSpec) { s.width, s.height = width, height }
}

// Bitrate sets the video bitrate in kb/s. It defaults to 900, which makes about 1 Mb/s with the audio.
func Bitrate(kilobits int) MediaOption { return func(s *mediaSpec) { s.bitrate = kilobits } }

// GOP sets the distance between keyframes. It defaults to 1 s.
func GOP(d time.Duration) MediaOption { return func(s *mediaSpec) { s.gop = d } }

// AudioOnly leaves the video out.
func AudioOnly() MediaOption { return func(s *mediaSpec) { s.video = false } }

// VideoOnly leaves the audio out.
func VideoOnly() MediaOption { return func(s *mediaSpec) { s.audio = false } }

// Media returns the path of an FLV file made by ffmpeg: H.264 with B-frames at 30 frames a second and AAC-LC,
// 48 kHz stereo. The file is kept in the temporary folder under a name that says what is in it, and shared by
// everybody: do not write to it.
func Media(t testing.TB, opts ...MediaOption) string {
	t.Helper()
	spec := mediaSpec{
		duration: 8 * time.Second,
		width:    640, height: 360, bitrate: 900,
		gop:   time.Second,
		video: true, audio: true,
	}
	for _, opt := range opts {
		opt(&spec)
	}
	path := filepath.Join(cacheFolder(), spec.name())
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := spec.make(path); err != nil {
		t.Fatalf("make test media: %v", err)
	}
	return path
}

func (s mediaSpec) name() string {
	parts := []string{"media" + strconv.Itoa(mediaRevision), s.duration.String()}
	if s.video {
		parts = append(parts, fmt.Sprintf("%dx%d-%dk-gop%v", s.width, s.height, s.bitrate, s.gop))
	}
	if s.audio {
		parts = append(parts, "aac")
	}
	return strings.Join(parts, "-") + ".flv"
}

// make writes the file under another name first. The first of several test binaries wins: a file somebody already
// took hashes of is never replaced.
func (s mediaSpec) make(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make cache folder: %w", err)
	}
	draft, err := os.CreateTemp(filepath.Dir(path), "draft-*.flv")
	if err != nil {
		return fmt.Errorf("create draft: %w", err)
	}
	defer os.Remove(draft.Name())
	draft.Close()
	out, err := exec.Command("ffmpeg", s.args(draft.Name())...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("run ffmpeg (scripts/install-ffmpeg.sh installs it): %w\n%s", err, out)
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keep media: %w", err)
	}
	return nil
}

func (s mediaSpec) args(path string) []string {
	args := []string{"-hide_banner", "-loglevel", "error", "-nostdin", "-y"}
	length := fmt.Sprintf("%.3f", s.duration.Seconds())
	if s.video {
		source := fmt.Sprintf("testsrc2=size=%dx%d:rate=%d", s.width, s.height, mediaFrameRate)
		args = append(args, "-f", "lavfi", "-t", length, "-i", source)
	}
	if s.audio {
		args = append(args, "-f", "lavfi", "-t", length, "-i", "sine=frequency=1000:sample_rate=48000")
	}
	if s.video {
		gop := strconv.Itoa(int(s.gop.Seconds() * mediaFrameRate))
		rate := strconv.Itoa(s.bitrate) + "k"
		args = append(args, "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "2",
			"-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-g", gop, "-keyint_min", gop, "-sc_threshold", "0")
	}
	if s.audio {
		args = append(args, "-c:a", "aac", "-b:a", "128k", "-ac", "2")
	}
	return append(args, "-f", "flv", path)
}

// cacheFolder keeps what is expensive to make from one test binary to the next. One user cannot use another's.
func cacheFolder() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("restreamd-relaytest-%d", os.Getuid()))
}
