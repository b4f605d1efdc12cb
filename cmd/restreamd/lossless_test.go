package main_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// Whenever the recorder's children are killed, the recording is one file with all that was sent: each packet once, in its
// place.
func TestRecordingOutlivesItsRecorder(t *testing.T) {
	t.Parallel()
	kills, length := 12, 24*time.Second
	if long() {
		kills, length = 200, 6*time.Minute
	}
	media := rt.Media(t, rt.Duration(length), rt.Size(320, 180), rt.Bitrate(400))
	r := rt.StartRelay(t, rt.StreamConfig("hls: {enabled: false}"))
	pub := rt.Publish(t, r.PublishURL(), media)
	rt.Eventually(t, patient, "the show to begin", func() bool { return snapshot(t, r).Streams[0].Session != nil })
	last, killed := 0, 0
	for ; killed < kills; killed++ {
		rt.Eventually(t, patient, "the next recorder", func() bool {
			pid := outputStatus(t, r, "record", "record").Pid
			next := pid != 0 && pid != last
			if next {
				last = pid
			} else {
				post(t, r, "/api/v1/outputs/main/record/record/retry", "", nil) // or it would wait for 5 s
			}
			return next || snapshot(t, r).Streams[0].Session == nil
		})
		if snapshot(t, r).Streams[0].Session == nil {
			break
		}
		pause(t, time.Duration(rand.Int64N(int64(length/time.Duration(kills)/2))))
		_ = syscall.Kill(last, syscall.SIGKILL) // it may have ended meanwhile
	}
	if pub.Wait() != 0 {
		t.Fatal("the encoder failed")
	}
	file := awaitFinished(t, r)
	t.Logf("%d kills", killed)
	sameHashes(t, "pictures", rt.VideoHashes(t, file), rt.VideoHashes(t, media))
	sameHashes(t, "sound", rt.AudioHashes(t, file), rt.AudioHashes(t, media))
	decodes(t, file)
	var told struct{ Gaps []any }
	must(t, json.Unmarshal(read(t, file+".json"), &told))
	if len(told.Gaps) > 0 {
		t.Errorf("its sidecar tells of gaps: %v", told.Gaps)
	}
	for _, track := range []string{"v:0", "a:0"} {
		inPlace(t, track, file, media)
	}
}

// inPlace checks that no packet has moved from its place by more than a frame.
func inPlace(t *testing.T, track, file, media string) {
	t.Helper()
	got, want := times(t, track, file), times(t, track, media)
	var most float64
	for i := range min(len(got), len(want)) {
		most = max(most, math.Abs((got[i]-got[0])-(want[i]-want[0])))
	}
	t.Logf("%s: at most %.0f ms from its place", track, most*1000)
	if most > 0.034 {
		t.Errorf("%s: a packet is %.0f ms from its place", track, most*1000)
	}
}

// times lists when each packet is shown, in seconds, in the order of decoding.
func times(t *testing.T, track, file string) (all []float64) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", track, "-show_entries", "packet=pts_time", "-of", "json", file).Output()
	must(t, err)
	var found struct {
		Packets []struct {
			Time string `json:"pts_time"`
		}
	}
	must(t, json.Unmarshal(out, &found))
	for _, p := range found.Packets {
		s, err := strconv.ParseFloat(p.Time, 64)
		must(t, err)
		all = append(all, s)
	}
	return all
}

// A relay that is killed again and again loses of each stretch what came last, a GOP and what was on its way at most. Each
// file opens.
func TestRecordingOutlivesTheRelay(t *testing.T) {
	t.Parallel()
	kills := 4
	if long() {
		kills = 50
	}
	media := rt.Media(t, rt.Duration(24*time.Second), rt.Size(320, 180), rt.Bitrate(400))
	r := rt.StartRelay(t, rt.StreamConfig("hls: {enabled: false}"))
	var sent [][]string
	for range kills {
		e := dial(t, r.PublishURL())
		var leg []string
		for _, s := range e.SendFor(t, time.Second+time.Duration(rand.Int64N(int64(2*time.Second))), read(t, media), 0) {
			if s.Kind == rt.KindVideo && !s.Init {
				leg = append(leg, s.Hash)
			}
		}
		sent = append(sent, leg)
		r.Kill()
		e.Close()
		r = rt.StartRelay(t, rt.InDir(r.Dir), rt.StreamConfig("hls: {enabled: false}"))
	}
	e := dial(t, r.PublishURL())
	e.SendFor(t, time.Second, read(t, media), 0)
	must(t, e.Goodbye())
	var recorded []string
	for _, file := range takes(t, r) {
		decodes(t, file)
		recorded = append(recorded, rt.VideoHashes(t, file)...)
	}
	lost := 0
	for i, leg := range sent {
		at := slices.Index(recorded, leg[0])
		if at < 0 {
			t.Errorf("of leg %d nothing is recorded", i)
			continue
		}
		n := 0
		for n < len(leg) && at+n < len(recorded) && recorded[at+n] == leg[n] {
			n++
		}
		recorded = recorded[at+n:]
		lost = max(lost, len(leg)-n)
		if len(leg)-n > gop {
			t.Errorf("of leg %d, %d of %d pictures are recorded: a GOP of %d may be lost", i, n, len(leg), gop)
		}
	}
	t.Logf("%d kills, %d pictures lost at most each time", kills, lost)
}
