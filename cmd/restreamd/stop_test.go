package main_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

func contains(s, sub string) bool { return strings.Contains(s, sub) }

func startsWithKeyframe(t *testing.T, file string) bool {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v", "-read_intervals", "%+#1",
		"-show_entries", "packet=flags", "-of", "csv=p=0", file).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe: %v\n%s", err, out)
	}
	return strings.HasPrefix(string(out), "K")
}

// plays fails the test unless a file decodes without an error.
func plays(t *testing.T, file string) {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-xerror", "-nostdin", "-i", file, "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%s does not play: %v\n%s", file, err, out)
	}
}

// SIGTERM in mid-show: everything ends in order, soon, with whole files.
func TestStopInMidShow(t *testing.T) {
	t.Parallel()
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.Destination("sink", destination(sink, "k")))
	rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	awaitVideo(t, sink, 60)
	begun := time.Now()
	if code := r.Stop(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the stop took %v, want 10 s at most", took)
	}
	if left := r.Orphans(); len(left) > 0 {
		t.Errorf("children left: %v", left)
	}
	delivered := awaitGoodbye(t, sink).VideoHashes()
	recording := awaitFinished(t, r)
	plays(t, recording)
	got := rt.VideoHashes(t, recording)
	sameHashes(t, "recording and destination", got, delivered)
}

// kill -9 of the relay in mid-show: its children finish and go, the recording plays, and the next start finishes it.
func TestKillInMidShow(t *testing.T) {
	t.Parallel()
	sink, wedged := rt.NewSink(t), rt.NewSink(t)
	r := rt.StartRelay(t, rt.Destination("sink", destination(sink, "k")), rt.Destination("wedged", destination(wedged, "k")))
	rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	awaitVideo(t, sink, 90)
	awaitState(t, r, "push", "wedged", output.Running)
	wedged.Wedge()
	r.Kill()
	rt.Eventually(t, 3*time.Second, "the children to go", func() bool { return len(r.Orphans()) == 0 })
	files, _ := filepath.Glob(filepath.Join(r.Data, "recordings", "main", "*.mp4"))
	if len(files) != 1 {
		t.Fatalf("recordings: %v, want one", files)
	}
	plays(t, files[0])
	got := rt.VideoHashes(t, files[0])
	sink.Wait(t, soon, func(s []rt.Session) bool { return !s[0].Closed.IsZero() })
	sameHashes(t, "recording", got, rt.VideoHashes(t, rt.Media(t))[:min(len(got), 240)])
	if sent := len(sink.Sessions()[0].VideoHashes()); len(got) < sent-2*gop {
		t.Errorf("the recording has %d packets, the destination had %d: more than 2 s are lost", len(got), sent)
	}

	again := rt.StartRelay(t, rt.InDir(r.Dir), rt.StreamConfig("hold: {for: 0s}")) // nobody waits for the encoder
	rt.Eventually(t, patient, "the recording to be finished by the next start", func() bool {
		return contains(again.Log(), "recording finished")
	})
	sameHashes(t, "finished recording", rt.VideoHashes(t, files[0]), got)
	if body := get(t, again, "/hls/main/index.m3u8").body; !contains(body, "ENDLIST") {
		t.Error("the playlist of the killed relay was not ended")
	}
}
