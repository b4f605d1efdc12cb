package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// A relay that dies, or is restarted, goes on with its session when the encoder returns within the hold.
func TestSessionOutlivesTheRelay(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*rt.Relay){
		"killed":    func(r *rt.Relay) { r.Kill() },
		"restarted": func(r *rt.Relay) { r.Stop(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := rt.NewSink(t)
			r := rt.StartRelay(t, rt.Destination("platform", destination(sink, "k")))
			media := rt.Media(t)
			pub := rt.Publish(t, r.PublishURL(), media, rt.Loop())
			awaitVideo(t, sink, 60)
			began := *snapshot(t, r).Streams[0].Session
			rt.Eventually(t, soon, "the session to be saved", func() bool { return saved(t, r.Data) })
			end(r)
			pub.Kill()

			begun := time.Now()
			r = rt.StartRelay(t, rt.InDir(r.Dir), rt.Destination("platform", destination(sink, "k")))
			t.Logf("ready after %v", time.Since(begun).Round(10*time.Millisecond))
			s := snapshot(t, r).Streams[0]
			if s.Session == nil || !s.Session.Equal(began) || s.Hold == nil || s.Live {
				t.Fatalf("before the encoder is back: %+v", s.StreamStatus)
			}
			if pub := rt.Publish(t, r.PublishURL(), media); pub.Wait() != 0 {
				t.Fatal("the encoder failed")
			}
			sink.Wait(t, patient, func(s []rt.Session) bool { return len(s) > 1 && s[len(s)-1].Clean })
			rt.Eventually(t, soon, "the session to be over", func() bool { return snapshot(t, r).Streams[0].Session == nil })
			if log := r.Log(); strings.Count(log, `"msg":"publisher accepted"`) != 1 || !strings.Contains(log, began.Format("2006-01-02T15:04:05")) {
				t.Errorf("the log does not tell that session %v goes on:\n%s", began, log)
			}
			rt.Eventually(t, soon, "the playlist to end", func() bool {
				return strings.Contains(get(t, r, "/hls/main/index.m3u8").body, "ENDLIST")
			})
			rt.Eventually(t, patient, "one recording, of all of it", func() bool {
				files, _ := filepath.Glob(filepath.Join(r.Data, "recordings", "main", "*.mp4"))
				return len(files) == 1 && strings.Contains(r.Log(), "recording finished") && len(rt.VideoHashes(t, files[0])) > 240
			})
		})
	}
}

func saved(t *testing.T, data string) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "state", "sessions.json"))
	return err == nil && strings.Contains(string(text), "seen")
}
