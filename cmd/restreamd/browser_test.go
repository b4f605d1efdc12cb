package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// needBrowser skips a test unless browsers are wanted: they are large, and slow without a graphics card.
func needBrowser(t *testing.T) {
	t.Helper()
	if os.Getenv("RESTREAMD_BROWSER") == "" {
		t.Skip("RESTREAMD_BROWSER=1 has a real Chromium play")
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

// seen is what the page says.
type seen struct {
	Time     float64 `json:"time"` // of the video, in seconds
	Now      float64 `json:"now"`  // by the page's clock, in seconds
	Width    int     `json:"width"`
	State    string  `json:"state"`
	Way      string  `json:"way"`    // hls, flv or native
	Faults   int     `json:"faults"` // fatal errors so far
	Fault    string  `json:"fault"`  // the newest
	Said     string  `json:"said"`   // to a screen reader
	Headline string  `json:"headline"`
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
	v.watched += time.Duration((at.Now - first.Now) * float64(time.Second)) // looking takes its time, on a busy machine
	v.played += at.Time - first.Time
}

func (v *viewer) look(t *testing.T) (now seen) {
	t.Helper()
	v.eval(t, `(() => {
		const v = document.getElementById("video"), p = document.getElementById("player"), text = (id) => document.getElementById(id)?.textContent;
		return v ? {time: v.currentTime, now: performance.now() / 1000, width: v.videoWidth, state: p.dataset.state, way: p.dataset.way, faults: Number(p.dataset.faults ?? 0), fault: p.dataset.fault,
			said: text("say"), headline: text("headline")} : {};
	})()`, &now)
	return now
}

// eval has the page work out an expression, a promise included.
func (v *viewer) eval(t *testing.T, expression string, value any) {
	t.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	v.call(t, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &answer)
	if answer.ExceptionDetails != nil {
		t.Fatalf("%s: %s", expression, answer.ExceptionDetails.Exception.Description)
	}
	if len(answer.Result.Value) > 0 {
		must(t, json.Unmarshal(answer.Result.Value, value))
	}
}

// awaitState waits until the page says that it is in a state.
func (v *viewer) awaitState(t *testing.T, state string) {
	t.Helper()
	rt.Eventually(t, patient, "the page to be "+state, func() bool { return v.look(t).State == state })
}

// click clicks the element of that id, as a person does: it counts as a gesture.
func (v *viewer) click(t *testing.T, id string) {
	t.Helper()
	var none struct{}
	v.call(t, "Runtime.evaluate", map[string]any{"expression": fmt.Sprintf("document.getElementById(%q).click()", id), "userGesture": true}, &none)
}

// press presses a key and lets it go.
func (v *viewer) press(t *testing.T, key, text string) {
	t.Helper()
	var none struct{}
	for _, what := range []string{"keyDown", "keyUp"} {
		v.call(t, "Input.dispatchKeyEvent", map[string]any{"type": what, "key": key, "text": text}, &none)
		text = ""
	}
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
