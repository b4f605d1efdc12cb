package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// Publish once: every packet is in the recording, at every destination and in HLS.
func TestMainJob(t *testing.T) {
	t.Parallel()
	media := rt.Media(t)
	want := rt.VideoHashes(t, media)
	plain, acking := rt.NewSink(t), rt.NewSink(t, rt.AckEvery(100_000))
	r := rt.StartRelay(t, rt.Destination("plain", destination(plain, "plain-key?bandwidthtest=true")),
		rt.Destination("acking", destination(acking, "acking-key")),
		rt.StreamConfig("hls: {segment: 1s, window: 60}"))
	pub := rt.Publish(t, r.PublishURL(), media)

	awaitVideo(t, plain, 60)
	for _, o := range [][2]string{{"push", "plain"}, {"push", "acking"}, {"record", "record"}, {"hls", "hls"}} {
		awaitState(t, r, o[0], o[1], output.Running)
	}
	if code := pub.Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d:\n%s", code, pub.Log())
	}
	for name, sink := range map[string]*rt.Sink{"plain": plain, "acking": acking} {
		s := awaitGoodbye(t, sink)
		sameHashes(t, name+" video", s.VideoHashes(), want)
		sameHashes(t, name+" audio", s.AudioHashes(), rt.AudioHashes(t, media))
		if err := s.MonotonicDTS(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s.App != "live" {
			t.Errorf("%s: app %q", name, s.App)
		}
	}
	if key := plain.Sessions()[0].Key; key != canary("plain-key?bandwidthtest=true") {
		t.Errorf("the platform was given key %q", key)
	}

	recording := awaitFinished(t, r)
	sameHashes(t, "recording video", rt.VideoHashes(t, recording), want)
	sameHashes(t, "recording audio", rt.AudioHashes(t, recording), rt.AudioHashes(t, media))
	checkHLS(t, r, media)
	if code := r.Stop(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// awaitFinished waits until the only recording is an ordinary MP4 file with its index in front.
func awaitFinished(t *testing.T, r *rt.Relay) string {
	t.Helper()
	rt.Eventually(t, patient, "the recording to be finished", func() bool { return strings.Contains(r.Log(), "recording finished") })
	files, err := filepath.Glob(filepath.Join(r.Data, "recordings", "main", "*.mp4"))
	if err != nil || len(files) != 1 {
		t.Fatalf("recordings: %v %v, want one file", files, err)
	}
	head := make([]byte, 4096)
	f, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Read(head); err != nil {
		t.Fatal(err)
	}
	if text := string(head); !strings.Contains(text, "moov") || strings.Contains(text, "mvex") {
		t.Errorf("%s is not a finished MP4 with its index in front", files[0])
	}
	if _, err := time.Parse("2006-01-02T15-04-05Z.mp4", filepath.Base(files[0])); err != nil {
		t.Errorf("name of the recording: %v", err)
	}
	return files[0]
}

// checkHLS joins the segments that the playlist names and compares their pictures.
func checkHLS(t *testing.T, r *rt.Relay, media string) {
	t.Helper()
	list := get(t, r, "/hls/main/index.m3u8")
	if list.Header.Get("Cache-Control") != "public, max-age=0, s-maxage=1" {
		t.Errorf("playlist Cache-Control: %q", list.Header.Get("Cache-Control"))
	}
	if !strings.HasSuffix(list.body, "#EXT-X-ENDLIST\n") {
		t.Errorf("the playlist of a show that is over does not end:\n%s", list.body)
	}
	var all strings.Builder
	for line := range strings.Lines(list.body) {
		name := strings.TrimSpace(line)
		if name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		segment := get(t, r, "/hls/main/"+name)
		if !strings.Contains(segment.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s Cache-Control: %q", name, segment.Header.Get("Cache-Control"))
		}
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(segment.body), 0o600); err != nil {
			t.Fatal(err)
		}
		if !startsWithKeyframe(t, file) {
			t.Errorf("segment %s does not begin with a keyframe", name)
		}
		all.WriteString(segment.body)
	}
	joined := filepath.Join(t.TempDir(), "all.ts")
	if err := os.WriteFile(joined, []byte(all.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	sameHashes(t, "HLS video", rt.VideoHashesAnnexB(t, joined), rt.VideoHashesAnnexB(t, media))
}

type response struct {
	*http.Response
	body string
}

func get(t *testing.T, r *rt.Relay, path string) response {
	t.Helper()
	resp, body := r.Fetch(t, path)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s", path, resp.Status)
	}
	return response{resp, string(body)}
}

// HLS plays within 6 s of the publish; a new publish is a new session with numbers that go on.
func TestHLSStartsSoonAndAgain(t *testing.T) {
	t.Parallel()
	media := rt.Media(t, rt.GOP(2*time.Second))
	r := rt.StartRelay(t)
	var last int
	for range 2 {
		pub := rt.Publish(t, r.PublishURL(), media, rt.Loop())
		begun := time.Now()
		rt.Eventually(t, 6*time.Second, "a playlist of a live stream", func() bool {
			code, body := r.Get(t, "/hls/main/index.m3u8")
			return code == http.StatusOK && strings.Contains(string(body), ".ts") && !strings.Contains(string(body), "ENDLIST")
		})
		t.Logf("first playlist %v after the encoder was started", time.Since(begun).Round(10*time.Millisecond))
		body := get(t, r, "/hls/main/index.m3u8").body
		first := mediaSequence(t, body)
		if first <= last {
			t.Errorf("media sequence %d of a later session, was %d", first, last)
		}
		last = first
		pub.Stop()
		rt.Eventually(t, soon, "the end of the playlist", func() bool {
			_, body := r.Get(t, "/hls/main/index.m3u8")
			return strings.Contains(string(body), "ENDLIST")
		})
	}
	if page := get(t, r, "/watch/main").body; !strings.Contains(page, "<video") {
		t.Error("/watch/main has no video element")
	}
}

func mediaSequence(t *testing.T, playlist string) int {
	t.Helper()
	_, rest, _ := strings.Cut(playlist, "#EXT-X-MEDIA-SEQUENCE:")
	n, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]))
	if err != nil {
		t.Fatalf("no media sequence in the playlist: %v\n%s", err, playlist)
	}
	return n
}
