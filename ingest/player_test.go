package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// alsoTLS has a server listen for RTMPS too and returns the URL without a path.
func (h *house) alsoTLS(t *testing.T, s *ingest.Server) string {
	t.Helper()
	certificate := loadPair(t, newAuthority(t).issue(t, time.Hour))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	background(t, func(ctx context.Context) error { return s.ServeTLS(ctx, ln, certificate.TLSConfig()) })
	return "rtmps://" + ln.Addr().String()
}

func show(t *testing.T) string { return relaytest.Media(t, relaytest.Duration(4*time.Second)) }

// stage is a house where a show is on, by now in its second GOP, and the URL to play it from.
type stage struct {
	*house
	*viewer
	encoder *relaytest.Publisher
	url     string
}

func onAir(t *testing.T, secure bool) stage {
	t.Helper()
	var server *ingest.Server
	h := serve(t, func(s *ingest.Server) { server = s })
	s := stage{house: h, viewer: h.watch(t, "main"), url: h.url("live/" + studioKey)}
	if secure {
		s.url = h.alsoTLS(t, server) + "/live/" + studioKey
	}
	s.encoder = relaytest.Publish(t, h.url("live/"+studioKey), show(t), relaytest.Loop())
	h.arrived(t, 45)
	return s
}

// What real players get: from a keyframe on every packet in order, up to the end of the session.
func TestRealPlayers(t *testing.T) {
	t.Parallel()
	ffmpeg := func(file, url string) *exec.Cmd {
		return exec.Command("ffmpeg", "-v", "error", "-nostdin", "-y", "-i", url, "-c", "copy", "-f", "flv", file)
	}
	librtmp := func(file, url string) *exec.Cmd {
		return exec.Command("rtmpdump", "-v", "-r", url, "--live", "-o", file)
	}
	for name, tc := range map[string]struct {
		player func(file, url string) *exec.Cmd
		secure bool
	}{
		"ffmpeg": {ffmpeg, false}, "ffmpeg over TLS": {ffmpeg, true}, "librtmp": {librtmp, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "played.flv")
			s := onAir(t, tc.secure)
			cmd := tc.player(file, s.url)
			if cmd.Err != nil {
				t.Skipf("%v (scripts/install-test-deps.sh)", cmd.Err)
			}
			s.play(t, cmd)
			s.wantPlayed(t, file)
		})
	}
}

// play runs a player for two seconds of the show and to its end.
func (s stage) play(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*soon)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	s.logged(t, "player accepted", "")
	s.arrived(t, s.hub.Stream("main").Status().Publisher.Frames+60)
	s.encoder.Stop()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: %v\n%s", cmd.Path, err, &said)
	}
}

func (s stage) wantPlayed(t *testing.T, file string) {
	t.Helper()
	published, keyframes := s.hashes(t)
	for kind, got := range map[relay.Kind][]string{relay.Video: relaytest.VideoHashes(t, file), relay.Audio: relaytest.AudioHashes(t, file)} {
		want := published[kind]
		begin := len(want) - len(got)
		if len(got) < 60 || begin < 0 || !slices.Equal(got, want[begin:]) {
			t.Errorf("%d %v packets of %d, or others", len(got), kind, len(want))
		}
		if kind == relay.Video && !keyframes[begin] {
			t.Error("the first picture is no keyframe")
		}
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	url := onAir(t, false).url
	started := time.Now()
	out, err := exec.Command("ffprobe", "-v", "error", "-show_streams", "-of", "json", url).Output()
	if err != nil {
		t.Fatal(err)
	}
	var found struct {
		Streams []struct {
			CodecName string `json:"codec_name"`
			Width     int    `json:"width"`
		} `json:"streams"`
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	t.Logf("ffprobe took %v", time.Since(started))
	if len(found.Streams) != 2 || found.Streams[0].CodecName != "h264" || found.Streams[0].Width != 640 || found.Streams[1].CodecName != "aac" {
		t.Errorf("found %+v", found.Streams)
	}
}
