package relaytest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/relaytest"
)

// leakyRelay does what act.sh in its folder says once it has started.
const leakyRelay = `#!/bin/bash
mkdir -p data/state
echo "made-by-relay-4711" > data/stream.key
echo "{\"pid\":$$,\"rtmp\":\"127.0.0.1:1\",\"http\":\"$(cat http)\"}" > data/state/draft
mv data/state/draft data/state/run.json
env -i sleep 300 & idle=$!
trap 'kill $idle; exit 0' TERM
. ./act.sh
touch acted
while :; do wait; done
`

// watched is a test that is expected to fail.
type watched struct {
	testing.TB
	mu       sync.Mutex
	errors   []string
	cleanups []func()
}

func (w *watched) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errors = append(w.errors, fmt.Sprintf(format, args...))
}

func (w *watched) Failed() bool           { return false }
func (w *watched) Cleanup(cleanup func()) { w.cleanups = append(w.cleanups, cleanup) }

// end does what a test's end does.
func (w *watched) end() {
	for _, cleanup := range slices.Backward(w.cleanups) {
		cleanup()
	}
	w.cleanups = nil
}

// leaks runs a relay that does something, and returns what was found.
func leaks(t *testing.T, act string, opts ...relaytest.RelayOption) []string {
	t.Helper()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(act, "GET="+r.URL.Path+" ") {
			fmt.Fprint(w, act)
		}
	}))
	defer page.Close()
	if strings.HasPrefix(act, "GET=") {
		opts = append(opts, relaytest.File("act.sh", ""))
	} else {
		opts = append(opts, relaytest.File("act.sh", act))
	}
	binary := filepath.Join(t.TempDir(), "restreamd")
	if err := os.WriteFile(binary, []byte(leakyRelay), 0o700); err != nil {
		t.Fatal(err)
	}
	w := &watched{TB: t}
	defer w.end()
	relay := relaytest.StartRelay(w, append(opts, relaytest.Binary(binary), relaytest.File("http", page.Listener.Addr().String()))...)
	relaytest.Eventually(t, 10*time.Second, "the relay to do it", func() bool {
		_, err := os.Stat(filepath.Join(relay.Dir, "acted"))
		return err == nil
	})
	w.end()
	return w.errors
}

const canary = "canary+4711/0815"

// Whatever way a secret is given, and wherever and in whatever spelling it shows, it is found; and the report does not
// show it again.
func TestLeaksAreFound(t *testing.T) {
	t.Parallel()
	type options = []relaytest.RelayOption
	plain := options{relaytest.Destination("twitch", "url: rtmp://127.0.0.1:9/app\nkey: \""+canary+"\"\n")}
	variable := options{relaytest.Destination("a", "platform: x\nkey_env: A_KEY\n"), relaytest.Env("A_KEY=" + canary)}
	for name, tc := range map[string]struct {
		act   string
		given options
		want  string
	}{
		"command line":    {"(exec -a 'push " + canary + "' sleep 0.5)", plain, "key in twitch.yml is in the command line of process"},
		"environment":     {"KEY=" + canary + " sleep 0.5", plain, "key in twitch.yml is in the environment of process"},
		"grandchild":      {"echo 'KEY=" + canary + " sleep 0.5; :' | bash", plain, "is in the environment of process"},
		"log":             {"echo 'open rtmp://x/app/" + canary + ": refused'", plain, "key in twitch.yml is in the log"},
		"last words":      {"trap 'printf " + canary + "; kill $idle; exit 0' TERM", plain, "is in the log"},
		"percent-encoded": {"echo canary%2B4711%2F0815", plain, "is in the log"},
		"Base64":          {"echo Y2FuYXJ5KzQ3MTEvMDgxNQ==", plain, "is in the log"},
		"state":           {"echo " + canary + " > data/state/kept", plain, "is in the content of a file state/kept"},
		"file name":       {"touch data/canary%2B4711%2F0815.mp4", plain, "is in the name of a file"},
		"status":          {"GET=/api/v1/status " + canary, plain, "is in the answer to GET /api/v1/status"},
		"metrics":         {"GET=/metrics " + canary, plain, "is in the answer to GET /metrics"},
		"dashboard":       {"GET=/ " + canary, plain, "is in the answer to GET /"},

		"key in the URL": {"echo canary4711x", options{relaytest.Destination("a", "url: rtmps://127.0.0.1/app/canary4711x?x=1\n")},
			"url in a.yml is in the log"},
		"key without its query": {"echo canary4711", options{relaytest.Destination("a", "url: rtmp://h/app\nkey: canary4711?test=1\n")},
			"key in a.yml is in the log"},
		"key in a file": {"echo " + canary, options{relaytest.Destination("a", "platform: x\nkey_file: ../keys/a\n"), relaytest.File("keys/a", canary+"\n")},
			"key_file in a.yml is in the log"},
		"key in a variable":      {"echo " + canary, variable, "key_env in a.yml is in the log"},
		"variable is handed on":  {"sleep 0.5", variable, "key_env in a.yml is in the environment"},
		"stream key":             {"echo field-4711", options{relaytest.StreamKey("{name: field, key: field-4711}")}, "key in restreamd.yml is in the log"},
		"stream key of the gear": {"cat keys/studio", nil, "key_file in restreamd.yml is in the log"},
		"other stream's key":     {"echo aux-4711", options{relaytest.Stream("aux", "keys: [{name: aux, key: aux-4711}]")}, "key in restreamd.yml"},
		"admin token":            {"echo " + canary, options{relaytest.File("data/admin.token", canary)}, "admin token is in the log"},
		"secret of tokens": {"echo " + canary, options{relaytest.ExtraConfig("auth: {jwt: {secret_file: jwt}}"), relaytest.File("jwt", canary)},
			"secret_file in restreamd.yml is in the log"},
		"own key, shown again": {"cat data/stream.key", options{relaytest.NoKey()}, "the relay made is in the log"},
		"given key, shown as if it was its own": {"printf '  Stream Key  %s   (shown this once; kept in x)\\n' $(cat keys/studio)", nil,
			"key_file in restreamd.yml is in the log"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := leaks(t, tc.act, tc.given...)
			if len(found) != 1 || !strings.Contains(found[0], tc.want) {
				t.Errorf("found %q, want one that says %q", found, tc.want)
			}
			if strings.Contains(strings.Join(found, ""), "4711") {
				t.Errorf("the report shows what leaked: %q", found)
			}
		})
	}
}

// What is where it belongs is no leak: a key the relay shows once, a variable in its own environment, a path, and what
// is too short to be told from other text.
func TestNoLeaks(t *testing.T) {
	t.Parallel()
	found := leaks(t, "printf '  Stream Key  %s   (shown this once; kept in x)\n' $(cat data/stream.key); echo /a/long/path.pem short",
		relaytest.NoKey(), relaytest.Env("A_KEY="+canary), relaytest.Destination("a", "platform: x\nkey_env: A_KEY\n"),
		relaytest.Destination("b", "url: rtmp://h/app\nkey: short\n"), relaytest.ExtraConfig("rtmps: {key: /a/long/path.pem}"))
	if len(found) != 0 {
		t.Errorf("found %q, want nothing", found)
	}
}

// Secrets that come while the relay runs are looked for as well, also where they are gone soon and whoever wrote them.
func TestLeaksOfLaterSecrets(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(*relaytest.Relay){
		"destination": func(r *relaytest.Relay) {
			r.PutDestination(t, "a", "url: rtmp://h/app\nkey: "+canary+"\n")
			r.RemoveDestination(t, "a")
		},
		"configuration": func(r *relaytest.Relay) {
			r.PutConfig(t, "streams: {main: {keys: [{name: x, key: canary-4711}]}}")
			r.PutConfig(t, "")
		},
		"by hand": func(r *relaytest.Relay) {
			if err := os.WriteFile(filepath.Join(r.Destinations, "a.yaml"), []byte("url: rtmp://h/app\nkey: "+canary+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &watched{TB: t}
			defer w.end()
			relay := relaytest.StartRelay(w, fake(t), relaytest.File("data/"+canary[:6]+"-4711", ""), relaytest.File("data/canary%2B4711%2F0815", ""))
			put(relay)
			w.end()
			if len(w.errors) != 1 || !strings.Contains(w.errors[0], "name of a file") {
				t.Errorf("found %q, want the name of a file", w.errors)
			}
		})
	}
}
