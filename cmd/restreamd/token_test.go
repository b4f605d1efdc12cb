package main_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/restreamd/restreamd/ingest"
	rt "github.com/restreamd/restreamd/relay/relaytest"
	"github.com/restreamd/restreamd/relay/secret"
)

const jwtSecret = "jwt-canary+0123456789/abcdef"

// withTokens has the relay accept tokens signed with jwtSecret.
func withTokens() []rt.RelayOption {
	return []rt.RelayOption{rt.File("jwt.secret", jwtSecret+"\n"), rt.ExtraConfig("auth: {jwt: {secret_file: jwt.secret}}"), rt.StreamConfig(quiet)}
}

// newToken makes one by the relay's own command.
func newToken(t *testing.T, r *rt.Relay, args ...string) string {
	t.Helper()
	return strings.TrimSpace(r.Command(t, "token", args...))
}

// signed is a token that restreamd token would not make.
func signed(t *testing.T, key string, made time.Time, valid time.Duration) string {
	t.Helper()
	s, err := ingest.SignToken(secret.New(key), "HS256", ingest.NewClaims("main", ingest.Publish, "", "", made, valid))
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

// What restreamd token prints publishes, in the key's place and behind any key, and nothing else does.
func TestTokens(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t, withTokens()...)
	good := newToken(t, r, "--stream", "main", "--for", "1h", "--name", "guest")
	opens(t, r, streamURL(r, good))
	opens(t, r, streamURL(r, "whatever?token="+good))
	awaitLog(t, r, "publisher accepted", `"key":"token guest"`, `"stream":"main"`)
	opens(t, r, r.PublishURL()) // keys are keys still

	for name, tc := range map[string]struct{ token, why, code string }{
		"expired":        {signed(t, jwtSecret, time.Now().Add(-2*time.Hour), time.Hour), "has expired", "token_expired"},
		"another secret": {signed(t, "another secret of 32 characters.", time.Now(), time.Hour), "not valid", "token"},
		"for playing":    {newToken(t, r, "--action", "play"), "another stream, action or address", "token_scope"},
		"elsewhere":      {newToken(t, r, "--ip", "192.0.2.0/24"), "another stream, action or address", "token_scope"},
	} {
		before := len(logLines(r, "publisher refused", `"code":"`+tc.code+`"`))
		refused(t, streamURL(r, tc.token), tc.why)
		refused(t, r.PublishURL()+"?token="+tc.token, tc.why) // a good key does not help
		rt.Eventually(t, soon, "both refusals of a token "+name+" in the log", func() bool {
			return len(logLines(r, "publisher refused", `"code":"`+tc.code+`"`)) == before+2
		})
	}
}

// hook is a program that decides who publishes, by the form nginx-rtmp posts.
type hook struct {
	*httptest.Server
	mu    sync.Mutex
	forms []map[string][]string
}

// newHook lets in who is called guest.
func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		h.forms = append(h.forms, r.PostForm)
		h.mu.Unlock()
		if r.PostForm.Get("name") != "guest" {
			http.Error(w, "no", http.StatusForbidden)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// The webhook decides on keys that nobody else knows; one that is down lets nobody in.
func TestWebhook(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	r := rt.StartRelay(t, rt.StreamConfig(quiet), rt.ExtraConfig("auth: {webhook: \""+h.URL+"/publish\"}"))
	opens(t, r, streamURL(r, "guest?pass=4711"))
	awaitLog(t, r, "publisher accepted", `"key":"webhook"`)
	refused(t, streamURL(r, "stranger"), "refused it")
	opens(t, r, r.PublishURL()) // known here: nobody is asked
	h.mu.Lock()
	asked := h.forms
	h.mu.Unlock()
	if len(asked) != 2 {
		t.Fatalf("asked %d times, want 2", len(asked))
	}
	for field, want := range map[string]string{
		"call": "publish", "name": "guest", "app": "live", "addr": "127.0.0.1", "tcurl": "rtmp://" + r.RTMP + "/live", "pass": "4711",
	} {
		if got := asked[0][field]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	h.Close()
	refused(t, streamURL(r, "guest"), "did not answer")
	opens(t, r, r.PublishURL())
}
