package rendition_test

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/process"
	"github.com/restreamd/restreamd/relay/rendition"
)

// A picture that turns white with a tone still does so, within 40 ms, which is where people begin to see it.
func TestSoundAndPictureStayTogether(t *testing.T) {
	source := filepath.Join(t.TempDir(), "source.flv")
	ask(t, "ffmpeg", "-v", "error", "-nostdin",
		"-f", "lavfi", "-i", "color=black:320x180:r=30:d=6,drawbox=c=white:t=fill:enable='between(t,2,4)'",
		"-f", "lavfi", "-i", "aevalsrc='if(between(t,2,4),0.5*sin(2*PI*440*t))':s=44100:d=6",
		"-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "30", "-c:a", "aac", "-ac", "2", source)
	for name, s := range map[string]rendition.Settings{
		"encoded": {Height: 120, FPS: 15},
		"copied":  {CopyVideo: true},
	} {
		made := filepath.Join(t.TempDir(), "made.flv")
		if err := os.WriteFile(made, encode(t, s, live, read(t, source)).raw, 0o600); err != nil {
			t.Fatal(err)
		}
		before, after := skew(t, source), skew(t, made)
		t.Logf("%s: the tone is %+.0f ms from the picture, in the source %+.0f ms", name, after*1000, before*1000)
		if d := after - before; d < -0.040 || d > 0.040 {
			t.Errorf("%s: the skew grew by %.0f ms", name, d*1000)
		}
	}
}

// skew is how long after the picture the tone begins, in seconds.
func skew(t *testing.T, path string) float64 {
	t.Helper()
	text := lines(t, "ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-i", path,
		"-vf", "blackdetect=d=0.1:pix_th=0.5", "-af", "silencedetect=n=-30dB:d=0.1", "-f", "null", "-")
	first := func(pattern string) float64 {
		found := regexp.MustCompile(pattern + `([0-9.]+)`).FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("no %s in:\n%s", pattern, text)
		}
		at, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	return first("silence_end: ") - first("black_end:")
}

// ask runs a program and returns what it prints.
func ask(t *testing.T, name string, args ...string) string {
	t.Helper()
	var text []byte
	exit := process.Run(t.Context(), process.Spec{
		Path: name, Args: args, Env: ffmpeg.Env(),
		Output: func(stdout io.Reader) (err error) {
			text, err = io.ReadAll(stdout)
			return err
		},
	})
	if exit.Code != 0 || exit.Err != nil {
		t.Fatalf("%s: %v: %q", name, exit, exit.Lines)
	}
	return strings.TrimSpace(string(text))
}

// lines is what a program says on stderr.
func lines(t *testing.T, name string, args ...string) string {
	t.Helper()
	var said strings.Builder
	exit := process.Run(t.Context(), process.Spec{
		Path: name, Args: args, Env: ffmpeg.Env(),
		Line: func(line string) { said.WriteString(line + "\n") },
	})
	if exit.Code != 0 || exit.Err != nil {
		t.Fatalf("%s: %v: %q", name, exit, exit.Lines)
	}
	return said.String()
}
