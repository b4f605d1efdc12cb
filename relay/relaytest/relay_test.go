package relaytest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/relaytest"
)

// fakeRelay is as much of a relay as the gear can see: it says where it listens, has a child, and ends in good
// order with exit code 3. LEAVE_CHILD makes it leave the child behind, as a crash does.
const fakeRelay = `#!/bin/bash
echo "started $*" >&2
sleep 300 & child=$!
trap '[ -n "$LEAVE_CHILD" ] || kill $child; exit 3' TERM
mkdir -p data/state
[ -s keys/studio ] || echo made-by-relay > data/stream.key
echo "{\"pid\":$$,\"rtmp\":\"127.0.0.1:1\",\"http\":\"${HTTP:-127.0.0.1:2}\"}" > data/state/draft
mv data/state/draft data/state/run.json
while :; do wait; done
`

func fake(t *testing.T) relaytest.RelayOption {
	t.Helper()
	path := filepath.Join(t.TempDir(), "restreamd")
	if err := os.WriteFile(path, []byte(fakeRelay), 0o700); err != nil {
		t.Fatal(err)
	}
	return relaytest.Binary(path)
}

func TestRelayIsStartedAndStopped(t *testing.T) {
	relay := relaytest.StartRelay(t, fake(t), relaytest.Env("COLOUR=blue"),
		relaytest.StreamConfig("record: {segment: 4s}\nhls: {enabled: false}"),
		relaytest.ExtraConfig("limits: {idle: 3s}"),
		relaytest.Destination("twitch", "url: rtmp://127.0.0.1:9/app\n"))

	if relay.RTMP != "127.0.0.1:1" || relay.HTTP != "127.0.0.1:2" {
		t.Errorf("listens on %q and %q", relay.RTMP, relay.HTTP)
	}
	if want := "rtmp://127.0.0.1:1/live/" + relay.Key; relay.PublishURL() != want || relay.Key == "" {
		t.Errorf("publish URL %q", relay.PublishURL())
	}
	children := relaytest.Children(relay.Pid())
	if len(children) != 1 || !slices.Equal(children[0].Args, []string{"sleep", "300"}) {
		t.Errorf("children %v", children)
	}
	if !slices.Contains(children[0].Environ, "COLOUR=blue") || children[0].Dir != relay.Dir {
		t.Errorf("child in %q with environment %q", children[0].Dir, children[0].Environ)
	}
	config := read(t, filepath.Join(relay.Dir, "restreamd.yml"))
	for _, want := range []string{"\n    record: {segment: 4s}\n    hls: {enabled: false}\n", "\nlimits: {idle: 3s}\n"} {
		if !strings.Contains(config, want) {
			t.Errorf("configuration lacks %q:\n%s", want, config)
		}
	}
	if got := read(t, filepath.Join(relay.Destinations, "twitch.yml")); got != "url: rtmp://127.0.0.1:9/app\n" {
		t.Errorf("destination file holds %q", got)
	}
	if code := relay.Stop(t); code != 3 {
		t.Errorf("exit code %d, want the relay's own 3", code)
	}
	if orphans := relay.Orphans(); len(orphans) != 0 {
		t.Errorf("orphans %v", orphans)
	}
	if !strings.Contains(relay.Log(), "started serve --config") {
		t.Errorf("log %q", relay.Log())
	}
}

func TestRelayKeepsItsKeyInItsFolder(t *testing.T) {
	first := relaytest.StartRelay(t, fake(t))
	first.Stop(t)
	second := relaytest.StartRelay(t, fake(t), relaytest.InDir(first.Dir))
	if second.Key != first.Key || second.Pid() == first.Pid() {
		t.Errorf("keys %q and %q, processes %d and %d", first.Key, second.Key, first.Pid(), second.Pid())
	}
}

func TestRelayMakesItsOwnKey(t *testing.T) {
	relay := relaytest.StartRelay(t, fake(t), relaytest.NoKey())
	if relay.Key != "made-by-relay" {
		t.Errorf("key %q", relay.Key)
	}
	if config := read(t, filepath.Join(relay.Dir, "restreamd.yml")); strings.Contains(config, "keys:") {
		t.Errorf("keys are configured:\n%s", config)
	}
}

func TestRelayOrphansAreSeen(t *testing.T) {
	relay := relaytest.StartRelay(t, fake(t), relaytest.Env("LEAVE_CHILD=1"))
	relay.Stop(t)
	orphans := relay.Orphans()
	if len(orphans) != 1 || orphans[0].Args[0] != "sleep" {
		t.Fatalf("orphans %v, want the one sleep", orphans)
	}
	orphan, err := os.FindProcess(orphans[0].Pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := orphan.Kill(); err != nil {
		t.Fatal(err)
	}
}

func TestDestinationsComeAndGo(t *testing.T) {
	relay := relaytest.StartRelay(t, fake(t))
	path := filepath.Join(relay.Destinations, "kick.yml")
	relay.PutDestination(t, "kick", "enabled: false\n")
	if got := read(t, path); got != "enabled: false\n" {
		t.Errorf("destination file holds %q", got)
	}
	relay.RemoveDestination(t, "kick")
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("destination file is still there: %v", err)
	}
}

func TestStatusIsDecoded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/status" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		fmt.Fprint(w, `{"streams":[{"name":"main"}]}`)
	}))
	defer server.Close()
	relay := relaytest.StartRelay(t, fake(t), relaytest.Env("HTTP="+server.Listener.Addr().String()))

	var status struct{ Streams []struct{ Name string } }
	relay.Status(t, &status)
	if len(status.Streams) != 1 || status.Streams[0].Name != "main" {
		t.Errorf("status %+v", status)
	}
	if code, _ := relay.Get(t, "/nowhere"); code != http.StatusNotFound {
		t.Errorf("nowhere answers %d", code)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestRelayIsConfigured(t *testing.T) {
	key := relaytest.StreamKey("{name: field, key: field-4711}")
	aux := relaytest.Stream("aux", "keys: []\nhls: {enabled: false}")
	relay := relaytest.StartRelay(t, fake(t), relaytest.Under("env", "COLOUR=red"), relaytest.File("jwt.secret", "s3cret\n"),
		relaytest.Listen("0.0.0.0:0"), key, aux)
	if got := read(t, filepath.Join(relay.Dir, "jwt.secret")); got != "s3cret\n" {
		t.Errorf("the file holds %q", got)
	}
	if child := relaytest.Children(relay.Pid())[0]; !slices.Contains(child.Environ, "COLOUR=red") {
		t.Errorf("environment %q, want what the program in front added", child.Environ)
	}
	path := filepath.Join(relay.Dir, "restreamd.yml")
	first := read(t, path)
	for _, want := range []string{
		"rtmp: {listen: \"0.0.0.0:0\"}\n", "    keys:\n      - {name: studio, key_file: ", "\n      - {name: field, key: field-4711}\n",
		"\n  aux:\n    keys: []\n    hls: {enabled: false}\n",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("configuration lacks %q:\n%s", want, first)
		}
	}
	relay.Configure(t, key, relaytest.NoKey())
	if got := read(t, path); strings.Contains(got, "studio") || strings.Contains(got, "aux") || !strings.Contains(got, "127.0.0.1:0") {
		t.Errorf("configured anew:\n%s", got)
	}
	relay.PutConfig(t, "[")
	if got := read(t, path); got != "[" {
		t.Errorf("put %q", got)
	}
}
