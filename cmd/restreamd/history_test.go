package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// pastShow is a line of history as the API gives it.
type pastShow struct {
	Stream     string
	Start, End time.Time
	Seconds    float64
	Why        string
	Publishers []string
	Holds      int
	Held       float64 `json:"held_seconds"`
	Switches   int
	Restarts   int
	Recordings []string
	Summary    string
	Show       string
	Playback   string
}

func pastShows(t *testing.T, r *rt.Relay) []pastShow {
	t.Helper()
	code, body := r.Get(t, "/api/v1/sessions")
	var got struct{ Sessions []pastShow }
	if err := json.Unmarshal(body, &got); err != nil || code != 200 {
		t.Fatalf("%d, %v: %s", code, err, body)
	}
	for _, never := range []string{r.Key, fieldKey, "127.0.0.1", "null"} { // no secret, no address; what is empty is a list
		if strings.Contains(string(body), never) {
			t.Errorf("%q is in %s", never, body)
		}
	}
	return got.Sessions
}

// A show is one line of history once it is over, however often its encoders changed, and in the next run of the relay too.
func TestHistory(t *testing.T) {
	t.Parallel()
	sink := rt.NewSink(t)
	dir := t.TempDir()
	options := []rt.RelayOption{
		rt.InDir(dir), rt.Destination("sink", destination(sink, "k")), rt.StreamConfig("hls: {enabled: false}"),
		rt.StreamKey("{name: field, key: " + fieldKey + "}"),
	}
	r := rt.StartRelay(t, options...)
	media := rt.Media(t)
	first := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	awaitVideo(t, sink, 45)
	first.Kill()
	awaitHold(t, r)
	if shows := pastShows(t, r); len(shows) > 0 {
		t.Errorf("a show that is on is past: %+v", shows)
	}
	if code := rt.Publish(t, streamURL(r, fieldKey), media).Wait(); code != 0 {
		t.Fatalf("the second encoder ended with %d", code)
	}
	var show pastShow
	rt.Eventually(t, patient, "the show in the history, with its recording and summary", func() bool {
		all := pastShows(t, r)
		if len(all) == 1 {
			show = all[0]
		}
		return len(all) == 1 && len(show.Recordings) > 0 && show.Summary != ""
	})
	awaitFinished(t, r)
	if show.Stream != "main" || show.Why != "said goodbye" || !slices.Equal(show.Publishers, []string{"studio", "field"}) ||
		show.Holds != 1 || show.Held <= 0 || show.Switches != 1 || show.Restarts != 0 || show.Seconds < 3 || show.Seconds != show.End.Sub(show.Start).Seconds() {
		t.Errorf("%+v", show)
	}
	for _, file := range append(show.Recordings, show.Summary) {
		if text := read(t, filepath.Join(r.Data, "recordings", file)); len(text) == 0 {
			t.Errorf("%s is empty", file)
		}
	}
	rt.Eventually(t, patient, "the joined recording alone in the history", func() bool { return len(pastShows(t, r)[0].Recordings) == 1 })

	r.Stop(t)
	killed := filepath.Join(r.Data, "recordings", "main", "2026-01-01T00-00-00Z.events.jsonl")
	must(t, os.WriteFile(killed, []byte(`{"at":"2026-01-01T00:00:00Z","what":"began"}`), 0o644))
	again := rt.StartRelay(t, options...)
	rt.Eventually(t, patient, "the show in the next run's history, before an older one", func() bool {
		all := pastShows(t, again)
		return len(all) == 2 && all[1].Why == "" && fmt.Sprint(all[0].Start, all[0].End, all[0].Why, all[0].Holds) == fmt.Sprint(show.Start, show.End, show.Why, show.Holds)
	})
}
