package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// A viewer's browser plays on while the encoder is lost and comes back, as it was and with a picture of another size. It
// never stands still for longer than a segment.
func TestBrowserPlaysThroughALoss(t *testing.T) {
	t.Parallel()
	if os.Getenv("RESTREAMD_BROWSER") == "" {
		t.Skip("RESTREAMD_BROWSER=1 has a real Chromium play")
	}
	const segment = 2 * time.Second
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {segment: 2s}"))
	media, larger := rt.Media(t), rt.Media(t, rt.Size(960, 540))
	pub := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	rt.Eventually(t, patient, "a playlist", func() bool {
		code, _ := r.Get(t, "/hls/main/index.m3u8")
		return code == http.StatusOK
	})
	v := watch(t, "http://"+r.HTTP+"/watch/main")
	rt.Eventually(t, patient, "the browser to play", func() bool { return v.look(t).Time > 1 })

	v.play(t, 6*time.Second)
	for _, next := range []string{media, larger, media} {
		pub.Kill()
		awaitHold(t, r)
		v.play(t, 8*time.Second)
		pub = rt.Publish(t, r.PublishURL(), next, rt.Loop())
		v.play(t, 12*time.Second)
		if now, want := v.look(t).Width, map[string]int{media: 640, larger: 960}[next]; now != want {
			t.Errorf("the browser shows a picture of %d pixels, want %d", now, want)
		}
	}
	pub.Stop()
	t.Logf("played for %v, %.1f s of it, stood still for %v at most", v.watched.Round(time.Second), v.played, v.still.Round(10*time.Millisecond))
	if v.still > segment {
		t.Errorf("the browser stood still for %v, want a segment of %v at most", v.still, segment)
	}
	if missed := v.watched.Seconds() - v.played; missed > 3*segment.Seconds() { // one for each loss
		t.Errorf("of %v the browser played %.1f s", v.watched, v.played)
	}
}

// viewer is a page with a video in a Chromium, driven by its DevTools protocol: JSON on two pipes, each message ended by
// a zero byte.
type viewer struct {
	to      *os.File
	from    *os.File
	replies *bufio.Reader
	last    int    // number of the newest call
	page    string // session of the page

	watched time.Duration
	played  float64       // seconds
	still   time.Duration // the longest time without progress
}

// seen is what the video element says.
type seen struct {
	Time  float64 `json:"time"`
	Width int     `json:"width"`
}

// watch opens a page. The browser is closed at the end of the test.
func watch(t *testing.T, url string) *viewer {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Skip("no Chromium here (scripts/install-test-deps.sh)")
	}
	in, to, err := os.Pipe()
	must(t, err)
	from, out, err := os.Pipe()
	must(t, err)
	cmd := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--mute-audio",
		"--autoplay-policy=no-user-gesture-required", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{in, out} // 3 and 4
	must(t, cmd.Start())
	_, _ = in.Close(), out.Close()
	v := &viewer{to: to, from: from, replies: bufio.NewReader(from)}
	t.Cleanup(func() {
		_ = v.send("Browser.close", nil)
		gone := make(chan struct{})
		go func() { _ = cmd.Wait(); close(gone) }()
		select {
		case <-gone:
		case <-time.After(soon):
			_ = cmd.Process.Kill()
			<-gone
		}
		_, _ = to.Close(), from.Close()
	})
	var target struct{ TargetID string }
	v.call(t, "Target.createTarget", map[string]any{"url": url}, &target)
	var attached struct{ SessionID string }
	v.call(t, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	v.page = attached.SessionID
	return v
}

// play watches for a while and notes how the video goes on.
func (v *viewer) play(t *testing.T, d time.Duration) {
	t.Helper()
	begun := time.Now()
	first := v.look(t)
	at, moved := first, begun
	for time.Since(begun) < d {
		pause(t, 50*time.Millisecond)
		now := v.look(t)
		if now.Time > at.Time {
			moved = time.Now()
		}
		if now.Time < at.Time {
			t.Errorf("the video went back from %.2f to %.2f s", at.Time, now.Time)
		}
		at = now
		v.still = max(v.still, time.Since(moved))
	}
	v.watched += time.Since(begun)
	v.played += at.Time - first.Time
}

func (v *viewer) look(t *testing.T) seen {
	t.Helper()
	const ask = `(() => { const v = document.getElementById("video"); return v ? {time: v.currentTime, width: v.videoWidth} : {}; })()`
	var answer struct{ Result struct{ Value seen } }
	v.call(t, "Runtime.evaluate", map[string]any{"expression": ask, "returnByValue": true}, &answer)
	return answer.Result.Value
}

// call calls a method and waits for its result. Events in between are nobody's.
func (v *viewer) call(t *testing.T, method string, params map[string]any, result any) {
	t.Helper()
	must(t, v.send(method, params))
	must(t, v.from.SetReadDeadline(time.Now().Add(patient)))
	for {
		text, err := v.replies.ReadBytes(0)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		var reply struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		must(t, json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &reply))
		switch {
		case reply.ID != v.last:
			continue
		case reply.Error != nil:
			t.Fatalf("%s: %s", method, reply.Error.Message)
		}
		must(t, json.Unmarshal(reply.Result, result))
		return
	}
}

func (v *viewer) send(method string, params map[string]any) error {
	v.last++
	message := map[string]any{"id": v.last, "method": method, "params": params}
	if params == nil {
		delete(message, "params")
	}
	if v.page != "" && method != "Browser.close" {
		message["sessionId"] = v.page
	}
	text, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	_, err = v.to.Write(append(text, 0))
	return err
}
