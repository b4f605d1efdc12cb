package main_test

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// quiet is a stream without outputs, for tests of who comes in.
const quiet = "record: {enabled: false}\nhls: {enabled: false}\n"

const takenUp = "restreamd.yml taken up"

// reconfigure writes restreamd.yml anew and waits until it is in force.
func reconfigure(t *testing.T, r *rt.Relay, opts ...rt.RelayOption) {
	t.Helper()
	before := strings.Count(r.Log(), takenUp)
	r.Configure(t, opts...)
	awaitTakenUp(t, r, before)
}

// awaitTakenUp waits until the log says so once more than before.
func awaitTakenUp(t *testing.T, r *rt.Relay, before int) {
	t.Helper()
	written := time.Now()
	rt.Eventually(t, 2*time.Second, "the new restreamd.yml to be in force", func() bool {
		return strings.Count(r.Log(), takenUp) > before
	})
	t.Logf("in force after %v", time.Since(written).Round(time.Millisecond))
}

// streamURL is what publishes to or plays main with another key than the relay's own.
func streamURL(r *rt.Relay, key string) string { return "rtmp://" + r.RTMP + "/live/" + key }

// opens fails the test unless a URL can be published to. It leaves the stream off air.
func opens(t *testing.T, r *rt.Relay, url string) {
	t.Helper()
	e, err := rt.Dial(t, url)
	if err != nil {
		t.Errorf("not let in: %v", err)
		return
	}
	if err := e.Goodbye(); err != nil {
		t.Error(err)
	}
	e.Close()
	rt.Eventually(t, soon, "the publisher to be gone", func() bool { return publisherKey(t, r) == "" })
}

// refused fails the test unless a URL is answered with words.
func refused(t *testing.T, url, words string) {
	t.Helper()
	if _, err := rt.Dial(t, url); err == nil || !contains(err.Error(), words) {
		t.Errorf("answered %v, want %q", err, words)
	}
}

// publisherKey is the name of the key that is on air, "" for none.
func publisherKey(t *testing.T, r *rt.Relay) string {
	t.Helper()
	if p := snapshot(t, r).Streams[0].Publisher; p != nil {
		return p.Key
	}
	return ""
}

// awaitLog waits until one line of the log holds all of words, and returns it.
func awaitLog(t *testing.T, r *rt.Relay, words ...string) string {
	t.Helper()
	var line string
	rt.Eventually(t, soon, fmt.Sprintf("a log line with %q", words), func() bool {
		found := logLines(r, words...)
		if len(found) > 0 {
			line = found[0]
		}
		return len(found) > 0
	})
	return line
}

// logLines returns the lines of the log that hold all of words.
func logLines(r *rt.Relay, words ...string) []string {
	var all []string
	for line := range strings.Lines(r.Log()) {
		found := true
		for _, w := range words {
			found = found && contains(line, w)
		}
		if found {
			all = append(all, line)
		}
	}
	return all
}

// A key that is added opens the stream; one that is removed opens nothing, and who came in by it finishes the show.
func TestKeysChangeInMidShow(t *testing.T) {
	t.Parallel()
	media := rt.Media(t)
	sink := rt.NewSink(t)
	field := rt.StreamKey("{name: field, key: field-4711}")
	r := rt.StartRelay(t, rt.StreamConfig(quiet), rt.Destination("sink", destination(sink, "k")))
	refused(t, streamURL(r, "field-4711"), "unknown stream key")
	reconfigure(t, r, rt.StreamConfig(quiet), field)
	opens(t, r, streamURL(r, "field-4711"))

	pub := rt.Publish(t, r.PublishURL(), media)
	awaitVideo(t, sink, 30)
	reconfigure(t, r, rt.StreamConfig(quiet), field, rt.NoKey())
	refused(t, r.PublishURL(), "unknown stream key")
	if code := pub.Wait(); code != 0 {
		t.Errorf("the encoder whose key was removed ended with %d, want its show to go on", code)
	}
	sameHashes(t, "delivered", awaitGoodbye(t, sink).VideoHashes(), rt.VideoHashes(t, media))
	awaitLog(t, r, "publisher gone", `"key":"studio"`, `"code":"goodbye"`)
	opens(t, r, streamURL(r, "field-4711"))
}

// With revoke: end a publisher goes with its key, removed or expired.
func TestRevokedKeyEndsTheShow(t *testing.T) {
	t.Parallel()
	const ending = quiet + "revoke: end"
	field := rt.StreamKey("{name: field, key: field-4711}")
	r := rt.StartRelay(t, rt.StreamConfig(ending), field)
	dial(t, r.PublishURL())
	reconfigure(t, r, rt.StreamConfig(ending), field, rt.NoKey())
	rt.Eventually(t, 3*time.Second, "the publisher of a removed key to be ended", func() bool { return publisherKey(t, r) == "" })
	awaitLog(t, r, "publisher gone", `"key":"studio"`, `"code":"revoked"`, "unknown stream key")

	expires := time.Now().Add(4 * time.Second).Truncate(time.Second)
	until := fmt.Sprintf("{name: field, key: field-4711, expires: %s}", expires.UTC().Format(time.RFC3339))
	reconfigure(t, r, rt.StreamConfig(ending), rt.StreamKey(until), rt.NoKey())
	dial(t, streamURL(r, "field-4711"))
	rt.Eventually(t, time.Until(expires)+3*time.Second, "the publisher of an expired key to be ended", func() bool {
		return publisherKey(t, r) == ""
	})
	if now := time.Now(); now.Before(expires) {
		t.Errorf("ended %v before the key expired", expires.Sub(now))
	}
	awaitLog(t, r, "publisher gone", `"key":"field"`, `"code":"revoked"`, "has expired")
	refused(t, streamURL(r, "field-4711"), "this stream key has expired")
}

// A restreamd.yml with a mistake changes nothing, and the log says where the mistake is.
func TestBrokenConfigurationChangesNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ yaml, where string }{
		"not YAML":       {"streams: {}\nrtmp: [\n", "restreamd.yml:"},
		"a mistyped key": {"streams:\n  main:\n    keyz: []\n", "restreamd.yml:3: streams.main.keyz"},
		"lost":           {"", "restreamd.yml: the file is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rt.StartRelay(t, rt.StreamConfig(quiet), rt.StreamKey("{name: field, key: field-4711}"))
			e := dial(t, r.PublishURL())
			r.PutConfig(t, tc.yaml)
			awaitLog(t, r, "not taken up", filepath.Join(r.Dir, tc.where))
			if got := publisherKey(t, r); got != "studio" {
				t.Errorf("on air is %q, want who was", got)
			}
			e.Close()
			rt.Eventually(t, soon, "the publisher to be gone", func() bool { return publisherKey(t, r) == "" })
			opens(t, r, streamURL(r, "field-4711"))
			refused(t, streamURL(r, "guess"), "unknown stream key")

			reconfigure(t, r, rt.StreamConfig(quiet), rt.StreamKey("{name: other, key: other-4711}")) // mended
			opens(t, r, streamURL(r, "other-4711"))
			refused(t, streamURL(r, "field-4711"), "unknown stream key")
		})
	}
}

// Limits hold for whoever comes after their change.
func TestLimitsChangeInMidShow(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t, rt.StreamConfig(quiet))
	e := dial(t, r.PublishURL())
	reconfigure(t, r, rt.StreamConfig(quiet), rt.ExtraConfig("limits: {connections: 1}"))
	second, err := net.Dial("tcp", r.RTMP)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	awaitLog(t, r, "connection refused", second.LocalAddr().String(), `"code":"too_many"`, "limits.connections")
	if err := second.SetReadDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a connection too many reads %v, want its end", err)
	}
	if err := e.Send(rt.KindAudio, 0, []byte{0xaf, 0, 0x11, 0x90}); err != nil {
		t.Errorf("the publisher that was there: %v", err)
	}
	if got := publisherKey(t, r); got != "studio" {
		t.Errorf("on air is %q, want who was", got)
	}
	reconfigure(t, r, rt.StreamConfig(quiet))
	opens(t, r, r.PublishURL()) // takes over, and goes
}

// restreamd key new writes a key into restreamd.yml and prints it; the running relay takes it within 2 s.
func TestKeyNewWhileRunning(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t, rt.StreamConfig(quiet))
	before := strings.Count(r.Log(), takenUp)
	printed := r.Command(t, "key", "new", "main", "--name", "field")
	awaitTakenUp(t, r, before)
	server, _, _ := strings.Cut(printed, "Stream Key")
	if !contains(server, "Server      rtmp://"+r.RTMP+"/live\n") {
		t.Errorf("printed %q, want the Server line of OBS first", printed)
	}
	opens(t, r, streamURL(r, printedKey(t, printed)))
	awaitLog(t, r, "publisher accepted", `"key":"field"`)
	opens(t, r, r.PublishURL())
}

// printedKey is what a person would copy behind "Stream Key".
func printedKey(t *testing.T, printed string) string {
	t.Helper()
	_, rest, found := strings.Cut(printed, "Stream Key")
	if fields := strings.Fields(rest); found && len(fields) > 0 {
		return fields[0]
	}
	t.Fatalf("no stream key in %q", printed)
	return ""
}
