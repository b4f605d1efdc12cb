package main_test

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"
)

// A glassClock is an encoder whose picture shows the time: what a page draws tells when it was filmed. The time is 32 bits
// of milliseconds as black and white blocks, with their negative below.
const (
	clockWidth, clockHeight = 640, 360
	clockFPS                = 30
	clockBits               = 32
	clockBlock              = clockWidth / clockBits // pixels
)

// publishClock publishes the clock until the test ends, as live encoders do: no B-frames, a keyframe every 2 s.
func publishClock(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error",
		"-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", strconv.Itoa(clockWidth)+"x"+strconv.Itoa(clockHeight),
		"-framerate", strconv.Itoa(clockFPS), "-i", "pipe:0", "-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", strconv.Itoa(2*clockFPS), "-b:v", "1M",
		"-c:a", "aac", "-shortest", "-flush_packets", "1", "-f", "flv", url)
	cmd.Stderr = &complaints
	to, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	filmed := make(chan struct{})
	go func() {
		defer close(filmed)
		film(ctx, to)
	}()
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
		<-filmed
		if t.Failed() {
			t.Logf("the clock's encoder: %s", &complaints)
		}
	})
}

// film writes a frame for each thirtieth of a second that has passed, in time or late, so that the encoder's clock keeps to
// the wall's.
func film(ctx context.Context, to io.WriteCloser) {
	defer to.Close()
	tick := time.NewTicker(time.Second / clockFPS)
	defer tick.Stop()
	frame := bytes.Repeat([]byte{128}, clockWidth*clockHeight*3/2)
	begun, frames := time.Now(), 0
	for {
		for ; frames < int(time.Since(begun).Seconds()*clockFPS); frames++ {
			drawClock(frame, uint32(time.Now().UnixMilli()))
			if _, err := to.Write(frame); err != nil {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func drawClock(frame []byte, ms uint32) {
	for bit := range clockBits {
		shade := byte(16)
		if ms>>bit&1 == 1 {
			shade = 235
		}
		for y := range 2 * clockBlock {
			if y == clockBlock {
				shade = 251 - shade
			}
			at := y*clockWidth + bit*clockBlock
			copy(frame[at:at+clockBlock], bytes.Repeat([]byte{shade}, clockBlock))
		}
	}
}

// readClock is how old the picture on the page is, in milliseconds; -1 where the blocks cannot be read.
const readClock = `(() => {
	const video = document.getElementById("video"), canvas = document.createElement("canvas");
	[canvas.width, canvas.height] = [640, 40];
	const draw = canvas.getContext("2d", {willReadFrequently: true});
	draw.drawImage(video, 0, 0, video.videoWidth, 40, 0, 0, 640, 40);
	const now = Date.now(), {data} = draw.getImageData(0, 0, 640, 40);
	let ms = 0;
	for (let bit = 31; bit >= 0; bit--) {
		const at = (y) => data[4 * (y * 640 + bit * 20 + 10)] > 128;
		if (at(10) === at(30)) return -1;
		ms = ms * 2 + at(10);
	}
	return (now - ms) % 2 ** 32;
})()`

// glassToGlass is how old the page's picture is, over a while: the middle of all measures, and the worst.
func (v *viewer) glassToGlass(t *testing.T, d time.Duration) (usual, worst time.Duration) {
	t.Helper()
	var all []time.Duration
	for begun := time.Now(); time.Since(begun) < d; pause(t, 100*time.Millisecond) {
		var ms float64
		if v.eval(t, readClock, &ms); ms >= 0 {
			all = append(all, time.Duration(ms)*time.Millisecond)
		}
	}
	if len(all) < 10 {
		t.Fatalf("the clock could be read %d times", len(all))
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)-1]
}
