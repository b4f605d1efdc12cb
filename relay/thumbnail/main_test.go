package thumbnail_test

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/flv"
	"github.com/restreamd/restreamd/relay/thumbnail"
)

// scripts stand for ffmpeg. counts is the real one, which leaves a line for each run.
var scripts = map[string]string{
	"counts": `echo run >>"$(dirname "$0")/runs"; exec ffmpeg "$@"`,
	"hangs":  `echo run >>"$(dirname "$0")/hung"; exec sleep 60`,
	"slow":   `sleep 2; exec ffmpeg "$@"`,
	"floods": `exec cat /dev/zero`,
}

var scriptDir string

// TestMain writes the scripts before anything forks: a file that is still open for writing somewhere cannot be run.
func TestMain(m *testing.M) {
	var err error
	if scriptDir, err = os.MkdirTemp("", "thumbnail-test-"); err != nil {
		panic(err)
	}
	_ = flag.Set("test.parallel", "8")
	for name, body := range scripts {
		if err := os.WriteFile(filepath.Join(scriptDir, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(scriptDir)
		os.Exit(code)
	}))
}

func runs(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(scriptDir, file))
	if err != nil {
		return 0
	}
	return strings.Count(string(text), "run")
}

// handler shows one stream, main, with that ffmpeg.
func handler(s *relay.Stream, exe string) *thumbnail.Handler {
	if _, script := scripts[exe]; script {
		exe = filepath.Join(scriptDir, exe)
	}
	return &thumbnail.Handler{
		Find: func(name string) thumbnail.Source {
			if name == "main" {
				return s
			}
			return nil
		},
		Tool: thumbnail.Tool{Path: exe, Env: ffmpeg.Env()},
		Pace: thumbnail.Pace{Patience: time.Minute}, // tests share their machine
	}
}

// get asks for a picture, with headers "Name: value".
func get(h http.Handler, stream string, headers ...string) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	mux.Handle("GET /api/v1/streams/{stream}/thumbnail.jpg", h)
	r := httptest.NewRequest(http.MethodGet, "/api/v1/streams/"+stream+"/thumbnail.jpg", nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

func decode(t *testing.T, w *httptest.ResponseRecorder) image.Image {
	t.Helper()
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/jpeg" {
		t.Fatalf("%d %v %q", w.Code, w.Header(), w.Body)
	}
	img, err := jpeg.Decode(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// near reports whether the picture's middle has about that colour.
func near(img image.Image, want color.RGBA) bool {
	b := img.Bounds()
	r, g, bl, _ := img.At(b.Dx()/2, b.Dy()/2).RGBA()
	for _, d := range []int{int(r>>8) - int(want.R), int(g>>8) - int(want.G), int(bl>>8) - int(want.B)} {
		if d < -6 || d > 6 {
			return false
		}
	}
	return true
}

// film is the tags of what ffmpeg makes of a lavfi source: one second at 10 frames a second, a single keyframe.
func film(t *testing.T, source string, args ...string) []relay.Packet {
	t.Helper()
	file := filepath.Join(t.TempDir(), "film.flv")
	all := append([]string{"-v", "error", "-nostdin", "-f", "lavfi", "-i", source, "-t", "1"}, args...)
	if out, err := exec.Command("ffmpeg", append(all, "-f", "flv", file)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var packets []relay.Packet
	for tags := flv.NewReader(bytes.NewReader(text)); ; {
		p, err := tags.Read()
		if err != nil {
			return packets
		}
		packets = append(packets, p)
	}
}

// coloured is a film of one colour in HD, whose matrix is another than a JPEG's.
func coloured(t *testing.T, name, size string, more ...string) []relay.Packet {
	t.Helper()
	args := append([]string{"-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709", "-c:v", "libx264", "-preset", "ultrafast",
		"-pix_fmt", "yuv420p", "-bf", "2"}, more...)
	return film(t, "color="+name+":size="+size+":rate=10", args...)
}

func publish(t *testing.T, s *relay.Stream) *relay.Publication {
	t.Helper()
	pub, err := s.Publish(relay.Publisher{Key: "studio"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pub.Close)
	return pub
}

func send(t *testing.T, pub *relay.Publication, packets []relay.Packet) {
	t.Helper()
	for _, p := range packets {
		if err := pub.Write(p); err != nil {
			t.Fatal(err)
		}
	}
}

const instantly = time.Nanosecond
