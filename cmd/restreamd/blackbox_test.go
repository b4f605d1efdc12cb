package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// What happened in a session stands beside its recording: line by line while it is on, and in words when it is over.
func TestBlackBox(t *testing.T) {
	t.Parallel()
	sink, down := rt.NewSink(t), rt.NewSink(t)
	down.Stop()
	r := rt.StartRelay(t, rt.Destination("platform", destination(sink, "k")), rt.Destination("down", destination(down, "k2")))
	media := rt.Media(t)
	pub := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	awaitVideo(t, sink, 60)
	pub.Kill()
	rt.Eventually(t, soon, "the hold", func() bool { return snapshot(t, r).Streams[0].Hold != nil })
	if again := rt.Publish(t, r.PublishURL(), media); again.Wait() != 0 {
		t.Fatal("the encoder failed")
	}
	var summary string
	rt.Eventually(t, patient, "the summary", func() bool {
		summary = one(t, r, "*.md")
		return summary != ""
	})
	lines := one(t, r, "*.events.jsonl")
	for _, want := range []string{
		`"what":"began"`, `"what":"published"`, `"what":"lost"`, `"role":"stopgap"`, `"what":"ended"`, `"what":"rates"`,
		`"output":"push/down"`, `"class":"refused"`, `"output":"push/platform"`, `"queue_age"`,
	} {
		if !strings.Contains(lines, want) {
			t.Errorf("no %s in the black box", want)
		}
	}
	for _, want := range []string{"studio", "push/down", "refused"} {
		if !strings.Contains(summary, want) {
			t.Errorf("no %q in the summary:\n%s", want, summary)
		}
	}
	t.Logf("summary:\n%s", summary)
}

// one returns the content of the only file beside the recordings of main whose name matches, "" if there is none.
func one(t *testing.T, r *rt.Relay, pattern string) string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(r.Data, "recordings", "main", pattern))
	if len(files) == 0 {
		return ""
	}
	if len(files) > 1 {
		t.Errorf("%d files %s, want 1", len(files), pattern)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
