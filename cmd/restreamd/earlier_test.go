package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// A show that outlives the relay is one file in any container and under any name.
func TestOneFileOverARestart(t *testing.T) {
	t.Parallel()
	config := rt.StreamConfig("hls: {enabled: false}\nrecord: {container: mkv, name: 'shows/{stream}'}")
	r := rt.StartRelay(t, config)
	media := rt.Media(t)
	pub := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	awaitRecorded(t, r)
	r.Kill()
	pub.Kill()
	r = rt.StartRelay(t, rt.InDir(r.Dir), config)
	if pub := rt.Publish(t, r.PublishURL(), media); pub.Wait() != 0 {
		t.Fatal("the encoder failed")
	}
	file, about := finished(t, r, "shows/main.mkv")
	if got := len(rt.VideoHashes(t, file)); len(about.Parts) != 2 || got <= 240 {
		t.Errorf("%d packets of parts %v", got, about.Parts)
	}
}

// Of a show whose encoder does not return what there is becomes a file when it is over.
func TestNobodyReturnsAfterARestart(t *testing.T) {
	if os.Getenv("RESTREAMD_LONG") == "" {
		t.Skip("takes a minute; RESTREAMD_LONG=1 runs it")
	}
	t.Parallel()
	config := rt.StreamConfig("hls: {enabled: false}\nhold: {for: 20s}")
	r := rt.StartRelay(t, config)
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	awaitRecorded(t, r)
	r.Kill()
	pub.Kill()
	r = rt.StartRelay(t, rt.InDir(r.Dir), config)
	rt.Eventually(t, 2*time.Minute, "the recording to be finished", func() bool { return strings.Contains(r.Log(), "recording finished") })
	decodes(t, awaitFinished(t, r))
}

// awaitRecorded waits until some seconds of the stream main are on disk, and its session would be known after a kill.
func awaitRecorded(t *testing.T, r *rt.Relay) {
	t.Helper()
	rt.Eventually(t, patient, "some of a recording", func() bool {
		live, _ := filepath.Glob(filepath.Join(r.Data, "recordings", "main", "*.mp4"))
		if len(live) != 1 {
			return false
		}
		info, err := os.Stat(live[0])
		return err == nil && info.Size() > 300_000 && saved(t, r.Data)
	})
}
