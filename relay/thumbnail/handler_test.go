package thumbnail_test

import (
	"context"
	"errors"
	"image/color"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/thumbnail"
)

var (
	red  = color.RGBA{R: 255}
	blue = color.RGBA{B: 255}
)

// The newest keyframe is what is shown, in its own colours, with what a browser needs to keep it.
func TestPicture(t *testing.T) {
	t.Parallel()
	s := relay.NewStream("main")
	pub := publish(t, s)
	h := handler(s, "ffmpeg")
	h.Pace.Every = instantly
	send(t, pub, coloured(t, "red", "1280x720"))
	first := get(h, "main")
	etag, date := first.Header().Get("ETag"), first.Header().Get("Last-Modified")
	if first.Header().Get("Cache-Control") != "max-age=5" || len(etag) < 10 || date == "" {
		t.Errorf("%v", first.Header())
	}
	if size := first.Body.Len(); size > 100_000 {
		t.Errorf("a picture of one colour has %d bytes", size)
	}
	img := decode(t, first)
	if b := img.Bounds(); b.Dx() != 640 || b.Dy() != 360 || !near(img, red) {
		t.Errorf("%v %v", b, img.At(b.Dx()/2, b.Dy()/2))
	}
	if w := get(h, "main", "If-None-Match: "+etag); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("who has it gets %d and %d bytes", w.Code, w.Body.Len())
	}
	send(t, pub, coloured(t, "blue", "1280x720"))
	if second := get(h, "main", "If-None-Match: "+etag); !near(decode(t, second), blue) || second.Header().Get("ETag") == etag {
		t.Error("the next keyframe is not shown")
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		size          string
		more          []string
		width, height int
	}{
		"small":             {"320x180", nil, 320, 180},
		"upright":           {"1080x1920", nil, 640, 1137},
		"pixels not square": {"480x576", []string{"-aspect", "4:3"}, 640, 480},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := relay.NewStream("main")
			send(t, publish(t, s), coloured(t, "red", tc.size, tc.more...))
			if b := decode(t, get(handler(s, "ffmpeg"), "main")).Bounds(); b.Dx() != tc.width || b.Dy()-tc.height > 1 || tc.height-b.Dy() > 1 {
				t.Errorf("%v, want %dx%d", b, tc.width, tc.height)
			}
		})
	}
}

// However many ask, and however often: one ffmpeg in 5 s, and none for a keyframe that was shown.
func TestCost(t *testing.T) {
	t.Parallel()
	s := relay.NewStream("main")
	pub := publish(t, s)
	h := handler(s, "counts")
	h.Pace.Every = time.Hour
	send(t, pub, coloured(t, "red", "320x180"))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if w := get(h, "main"); w.Code != http.StatusOK {
				t.Errorf("%d %q", w.Code, w.Body)
			}
		})
	}
	all.Wait()
	if n := runs(t, "runs"); n != 1 {
		t.Errorf("50 who asked at once had ffmpeg run %d times", n)
	}
	h.Pace.Every = instantly
	for range 5 {
		decode(t, get(h, "main"))
	}
	if n := runs(t, "runs"); n != 1 {
		t.Errorf("the same keyframe had ffmpeg run %d times", n)
	}
	send(t, pub, coloured(t, "blue", "320x180"))
	if !near(decode(t, get(h, "main")), blue) || runs(t, "runs") != 2 {
		t.Errorf("the next keyframe had ffmpeg run %d times in all", runs(t, "runs"))
	}
}

// What cannot be shown is said in words, and nobody keeps the answer.
func TestAbsent(t *testing.T) {
	t.Parallel()
	s := relay.NewStream("main")
	h := handler(s, "ffmpeg")
	h.Pace = thumbnail.Pace{Every: instantly, Patience: 300 * time.Millisecond}
	absent(t, h, "nothing", "no stream of that name")
	absent(t, h, "main", "off air")

	pub := publish(t, s)
	absent(t, h, "main", "no keyframe has come yet")
	h.Pace.Patience = time.Minute
	send(t, pub, film(t, "sine=sample_rate=48000", "-c:a", "aac"))
	absent(t, h, "main", "no video")
	pub.Close()
	absent(t, h, "main", "off air")

	pub = publish(t, s)
	send(t, pub, coloured(t, "red", "320x180"))
	decode(t, get(h, "main"))
	pub.Close()
	absent(t, h, "main", "off air")

	pub = publish(t, s)
	send(t, pub, []relay.Packet{{Kind: relay.Video, Keyframe: true, Body: []byte{0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65}}})
	absent(t, h, "main", "cannot show")
	h.Tool.Reads = func(*relay.Packet) error { return errors.New("codec HEVC needs ffmpeg 6.1 or later") }
	absent(t, h, "main", "HEVC needs ffmpeg 6.1")
}

func absent(t *testing.T, h http.Handler, stream, why string) {
	t.Helper()
	w := get(h, stream)
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), why) || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %q, want 404 and %q", w.Code, w.Header(), w.Body, why)
	}
}

// An ffmpeg that hangs or never stops talking is ended, and the stream's next picture waits its time.
func TestBadTool(t *testing.T) {
	t.Parallel()
	for exe, why := range map[string]string{"hangs": "took too long", "floods": "cannot show", "not-there": "start ffmpeg"} {
		t.Run(exe, func(t *testing.T) {
			t.Parallel()
			s := relay.NewStream("main")
			send(t, publish(t, s), coloured(t, "red", "320x180"))
			h := handler(s, exe)
			h.Pace.Every = time.Hour
			if exe == "hangs" {
				h.Pace.Patience = 500 * time.Millisecond
			}
			absent(t, h, "main", why)
			absent(t, h, "main", why)
		})
	}
	t.Cleanup(func() {
		if n := runs(t, "hung"); n != 1 {
			t.Errorf("one that hangs was run %d times", n)
		}
	})
}

// A show begins with a picture of its own, however soon after the last one it comes.
func TestNextShow(t *testing.T) {
	t.Parallel()
	s := relay.NewStream("main")
	h := handler(s, "ffmpeg")
	h.Pace.Every = time.Hour
	for _, show := range []struct {
		name string
		is   color.RGBA
	}{{"red", red}, {"blue", blue}} {
		pub := publish(t, s)
		send(t, pub, coloured(t, show.name, "320x180"))
		if !near(decode(t, get(h, "main")), show.is) {
			t.Errorf("the %s show has another picture", show.name)
		}
		pub.Close()
	}
}

// A busy machine's picture comes late, and comes.
func TestSlowTool(t *testing.T) {
	t.Parallel()
	s := relay.NewStream("main")
	send(t, publish(t, s), coloured(t, "red", "320x180"))
	h := handler(s, "slow")
	if !near(decode(t, get(h, "main")), red) {
		t.Error("another picture")
	}
}

// Who goes away while another's picture is made does not wait, and the picture is made.
func TestGivesUp(t *testing.T) {
	t.Parallel()
	s := relay.NewStream("main")
	send(t, publish(t, s), coloured(t, "red", "320x180"))
	h := handler(s, "ffmpeg")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	r.SetPathValue("stream", "main")
	h.ServeHTTP(httptest.NewRecorder(), r) // may have made it or not
	decode(t, get(h, "main"))
}
