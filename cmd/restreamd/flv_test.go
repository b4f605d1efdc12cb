package main_test

import (
	"bytes"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

func flvURL(r *rt.Relay, stream string) string { return "http://" + r.HTTP + "/flv/" + stream + ".flv" }

// tape is a real player that keeps what it plays.
type tape struct {
	*exec.Cmd
	file string
	said bytes.Buffer
}

// play starts a player of a URL; its file is complete when it has ended.
func play(t *testing.T, url string) *tape {
	t.Helper()
	p := &tape{file: filepath.Join(t.TempDir(), "played.flv")}
	p.Cmd = exec.Command("ffmpeg", "-v", "error", "-nostdin", "-i", url, "-c", "copy", "-f", "flv", "-flush_packets", "1", p.file)
	p.Stderr = &p.said
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

// ended waits for the player to end by itself.
func (p *tape) ended(t *testing.T) string {
	t.Helper()
	stop := time.AfterFunc(patient, func() { _ = p.Process.Kill() })
	defer stop.Stop()
	if err := p.Wait(); err != nil {
		t.Errorf("the player ended with %v\n%s", err, &p.said)
	}
	return p.file
}

// firstFrame is how long a viewer waits from its request to the first keyframe.
func firstFrame(t testing.TB, url string) time.Duration {
	t.Helper()
	client := http.Client{Timeout: patient, Transport: &http.Transport{DisableKeepAlives: true}}
	begun := time.Now()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := flv.NewReader(resp.Body)
	for {
		p, err := r.Read()
		if err != nil {
			t.Fatalf("before the first keyframe (%s): %v", resp.Status, err)
		}
		if p.Kind == relay.Video && p.Keyframe {
			if p.DTS > 1000 {
				t.Errorf("the first picture is at %d ms of the viewer's clock", p.DTS)
			}
			return time.Since(begun)
		}
	}
}

// A viewer over HTTP-FLV gets every packet from a keyframe to the end of the show, and is there at once.
func TestFLVIsWhole(t *testing.T) {
	t.Parallel()
	media := rt.Media(t)
	r := rt.StartRelay(t, rt.StreamConfig(quiet))
	if resp, body := r.Fetch(t, "/flv/main.flv"); resp.StatusCode != http.StatusNotFound || resp.Header.Get("Retry-After") == "" {
		t.Errorf("off air: %s %q %q", resp.Status, resp.Header, body)
	}
	pub := rt.Publish(t, r.PublishURL(), media)
	rt.Eventually(t, patient, "two GOPs", func() bool {
		p := snapshot(t, r).Streams[0].Publisher
		return p != nil && p.Frames > gop+gop/2
	})
	player := play(t, flvURL(r, "main"))
	took := firstFrame(t, flvURL(r, "main"))
	t.Logf("first frame after %v", took.Round(time.Millisecond))
	if took > 3*time.Second { // 300 ms are promised, of a machine with less to do
		t.Errorf("the first frame came after %v", took)
	}
	if code := pub.Wait(); code != 0 {
		t.Errorf("the encoder ended with %d", code)
	}
	played := player.ended(t)
	tailOf(t, "pictures", rt.VideoHashes(t, played), rt.VideoHashes(t, media), gop)
	want, got := rt.AudioHashes(t, media), rt.AudioHashes(t, played)
	if at := len(want) - len(got); len(got) < 60 || at < 0 || !slices.Equal(got, want[at:]) {
		t.Errorf("sound: %d packets, want the end of %d", len(got), len(want))
	}
}

// An encoder that is lost and comes back does not end a viewer's connection: it is held as everybody is.
func TestFLVIsHeld(t *testing.T) {
	t.Parallel()
	before, after := rt.Media(t), rt.Media(t, rt.Bitrate(1000))
	r := rt.StartRelay(t, rt.StreamConfig(quiet))
	pub := rt.Publish(t, r.PublishURL(), before, rt.Loop())
	rt.Eventually(t, patient, "a keyframe", func() bool { return snapshot(t, r).Streams[0].Live })
	player := play(t, flvURL(r, "main"))
	rt.Eventually(t, patient, "the player to play", func() bool {
		hashes, err := rt.PacketHashes(player.file, "v:0")
		return err == nil && len(hashes) > gop
	})
	pub.Kill()
	awaitHold(t, r)
	pub = rt.Publish(t, r.PublishURL(), after)
	if code := pub.Wait(); code != 0 {
		t.Errorf("the encoder ended with %d", code)
	}
	played := player.ended(t)
	legs := []leg{
		{name: "the first encoder", video: slices.Repeat(rt.VideoHashes(t, before), 20)},
		{name: "the second encoder", video: rt.VideoHashes(t, after), whole: true},
	}
	inOrder(t, "played", rt.VideoHashes(t, played), legs)
	decodes(t, played)
}

// BenchmarkFLV prints how long a new viewer over HTTP-FLV waits for its first frame. Run it by make bench.
func BenchmarkFLV(b *testing.B) {
	r := rt.StartRelay(b, append(shipped(), rt.StreamConfig(quiet))...)
	rt.Publish(b, r.PublishURL(), rt.Media(b, rt.Bitrate(4000)), rt.Loop())
	rt.Eventually(b, patient, "the stream to be live", func() bool {
		code, err := status(flvURL(r, "main"))
		return err == nil && code == http.StatusOK
	})
	var all []time.Duration
	for range 50 {
		all = append(all, firstFrame(b, flvURL(r, "main")))
	}
	slices.Sort(all)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(quantile(all, 0.5)), "ms-to-first-frame")
	b.ReportMetric(ms(quantile(all, 0.95)), "ms-to-first-frame-p95")
	b.ReportMetric(0, "ns/op")
}

func status(url string) (int, error) {
	resp, err := http.Head(url)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Body.Close()
}
