package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// post asks the relay for something that needs the admin token. It decodes the answer into v.
func post(t *testing.T, r *rt.Relay, path, body string, v any) int {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(r.Data, "admin.token"))
	must(t, err)
	req, err := http.NewRequest(http.MethodPost, "http://"+r.HTTP+path, io.NopCloser(strings.NewReader(body)))
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	resp, text := r.Do(t, req)
	if v != nil {
		must(t, json.Unmarshal(text, v))
	}
	return resp.StatusCode
}

const recordPath = "/api/v1/streams/main/record"

func parts(t *testing.T, r *rt.Relay) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(r.Data, "recordings", "main", "*.mp4"))
	must(t, err)
	return files
}

// Recording is stopped and started by hand: the take so far is finished, the next part follows, and what was said
// outlives the relay but not the session.
func TestRecordByHand(t *testing.T) {
	t.Parallel()
	media := rt.Media(t, rt.Duration(24*time.Second))
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.Destination("platform", destination(sink, "k")), rt.StreamConfig("hls: {enabled: false}"))
	var said httpapi.Recording
	if code := post(t, r, recordPath+"?on=false", "", nil); code != http.StatusConflict {
		t.Errorf("off air: %d", code)
	}
	pub := rt.Publish(t, r.PublishURL(), media)
	awaitVideo(t, sink, 90)
	awaitState(t, r, "record", "record", output.Running)
	if code := post(t, r, recordPath, `{"on": false}`, &said); code != http.StatusOK || said.On || !said.ByHand || !said.Configured {
		t.Fatalf("stop: %d %+v", code, said)
	}
	first := awaitFinished(t, r) // one file, an ordinary one
	want := rt.VideoHashes(t, media)
	before := rt.VideoHashes(t, first)
	if runs := stretches(t, "first part", before, want); len(runs) != 1 || runs[0][0] != 0 {
		t.Errorf("the first part has %v", runs)
	}
	if o := outputStatus(t, r, "record", "record"); o.State != output.Off || o.Class != "" || !strings.Contains(o.Reason, "by hand") {
		t.Errorf("the recorder is %+v", o)
	}
	if alarms := snapshot(t, r).Alarms; len(alarms) > 0 {
		t.Errorf("alarms for what somebody wished: %+v", alarms)
	}
	awaitVideo(t, sink, len(before)+2*gop) // the parts do not touch

	if text := r.Command(t, "record", "start"); !strings.Contains(text, "main is to be recorded") {
		t.Errorf("record start prints %q", text)
	}
	awaitState(t, r, "record", "record", output.Running)
	if all := parts(t, r); len(all) != 2 || !strings.HasSuffix(all[1], ".part2.mp4") {
		t.Errorf("files: %q", all)
	}
	if code := pub.Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	sameHashes(t, "push", awaitGoodbye(t, sink).VideoHashes(), want)
	rt.Eventually(t, patient, "one file of both", func() bool { return len(parts(t, r)) == 1 })
	lostInTheMiddle(t, recorded(t, r), want)
}

// A stream that is not recorded by itself is recorded from a word on, until its session is over, whatever becomes of the
// relay meanwhile.
func TestRecordByHandOutlivesTheRelay(t *testing.T) {
	t.Parallel()
	config := rt.StreamConfig("record: {enabled: false}\nhls: {enabled: false}")
	r := rt.StartRelay(t, config)
	media := rt.Media(t)
	pub := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	live := func() bool { return snapshot(t, r).Streams[0].Live }
	rt.Eventually(t, patient, "the stream to be on air", live)
	var said httpapi.Recording
	must(t, json.Unmarshal([]byte(get(t, r, recordPath).body), &said))
	if said.On || said.ByHand || said.State != output.Off {
		t.Errorf("as configured: %+v", said)
	}
	if code := post(t, r, recordPath+"?on=true", "", &said); code != http.StatusOK || !said.On || !said.ByHand || said.Configured {
		t.Errorf("start: %d %+v", code, said)
	}
	awaitState(t, r, "record", "record", output.Running)
	rt.Eventually(t, soon, "the session to be saved", func() bool { return saved(t, r.Data) })
	r.Kill()
	pub.Kill()

	r = rt.StartRelay(t, rt.InDir(r.Dir), config)
	pub = rt.Publish(t, r.PublishURL(), media, rt.Loop())
	awaitState(t, r, "record", "record", output.Running)
	pub.Stop()
	rt.Eventually(t, patient, "the order to be forgotten", func() bool {
		return snapshot(t, r).Streams[0].Session == nil && outputStatus(t, r, "record", "record").State == ""
	})
	files := len(parts(t, r))
	pub = rt.Publish(t, r.PublishURL(), media)
	if pub.Wait() != 0 {
		t.Fatal("the encoder failed")
	}
	if now := len(parts(t, r)); now > files {
		t.Errorf("the next session was recorded: %q", parts(t, r))
	}
}

// A clip is the newest of a show, whole from a keyframe on.
func TestClip(t *testing.T) {
	t.Parallel()
	media := rt.Media(t, rt.Duration(24*time.Second))
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.Destination("platform", destination(sink, "k")), rt.StreamConfig("hls: {enabled: false}"))
	const clipPath = "/api/v1/streams/main/clip"
	var refused struct{ Error string }
	if code := post(t, r, clipPath, "", &refused); code != http.StatusConflict || !strings.Contains(refused.Error, "nothing is recorded") {
		t.Errorf("off air: %d %q", code, refused.Error)
	}
	pub := rt.Publish(t, r.PublishURL(), media)
	awaitVideo(t, sink, 8*gop)
	awaitState(t, r, "record", "record", output.Running)
	now := len(awaitVideo(t, sink, 0).VideoHashes())
	var clip httpapi.Clip
	if code := post(t, r, clipPath+"?seconds=3", "", &clip); code != http.StatusCreated {
		t.Fatalf("clip: %d %+v", code, clip)
	}
	want := rt.VideoHashes(t, media)
	file := filepath.Join(r.Data, "recordings", filepath.FromSlash(clip.File))
	runs := stretches(t, "clip", rt.VideoHashes(t, file), want)
	t.Logf("a clip of 3 s asked for at packet %d has %v, %.2f s", now, runs, clip.Seconds)
	if len(runs) != 1 || runs[0][0]%gop != 0 || runs[0][1] < now || runs[0][1]-runs[0][0] < 3*gop || runs[0][1]-runs[0][0] > 4*gop+gop/2 {
		t.Errorf("the clip has packets %v, asked for at %d", runs, now)
	}
	plays(t, file)
	if head := string(read(t, file)[:2048]); !strings.Contains(head, "moov") || strings.Contains(head, "mvex") {
		t.Error("the clip is not an ordinary MP4 with its index in front")
	}

	// Two at once: one is refused. Several in a second: each has its name.
	var again httpapi.Clip
	codes := make(chan int, 2)
	for range 2 {
		go func() { codes <- post(t, r, clipPath+"?seconds=1", "", nil) }()
	}
	if a, b := <-codes, <-codes; a+b != http.StatusCreated+http.StatusConflict {
		t.Errorf("two clips at once: %d and %d", a, b)
	}
	if code := post(t, r, clipPath+"?seconds=3600", "", &again); code != http.StatusCreated || again.File == clip.File {
		t.Errorf("clip of all: %d %+v", code, again)
	}
	all := stretches(t, "clip of all", rt.VideoHashes(t, filepath.Join(r.Data, "recordings", again.File)), want)
	if len(all) != 1 || all[0][0] != 0 {
		t.Errorf("a clip longer than the show has %v", all)
	}
	for _, bad := range []string{"0", "-1", "3601", "1.5", "x"} {
		if code := post(t, r, clipPath+"?seconds="+bad, "", nil); code != http.StatusBadRequest {
			t.Errorf("seconds=%s: %d", bad, code)
		}
	}
	if code := pub.Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	sameHashes(t, "push", awaitGoodbye(t, sink).VideoHashes(), want)
	sameHashes(t, "recording", rt.VideoHashes(t, awaitFinished(t, r)), want)
	if entries, err := os.ReadDir(filepath.Join(r.Data, "recordings", "main", "clips")); err != nil || len(entries) != 3 {
		t.Errorf("clips: %v %v", entries, err)
	}
}
