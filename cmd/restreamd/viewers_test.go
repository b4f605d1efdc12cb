package main_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/ingest"
	rt "github.com/restreamd/restreamd/relay/relaytest"
	"github.com/restreamd/restreamd/relay/secret"
)

const (
	watchable = "record: {enabled: false}\nhls: {segment: 1s, window: 100}\n"
	viewerURL = "/hls/main/index.m3u8"
)

// answers is the status code and the body for a path.
func answers(t *testing.T, r *rt.Relay, path string) (int, string) {
	t.Helper()
	code, body := r.Get(t, path)
	return code, string(body)
}

// Where playback is by token, nothing of a stream is seen without one, and with one every player plays: the token goes
// with what playlists name. A change of restreamd.yml counts at once.
func TestApprovedViewers(t *testing.T) {
	t.Parallel()
	by := func(playback string) []rt.RelayOption {
		return append(withTokens(), rt.Debug(), rt.StreamConfig(watchable+"playback: "+playback),
			rt.Stream("aux", "keys: [{name: aux, key: aux-canary-4711}]\nplayback: token\n"+quiet))
	}
	r := rt.StartRelay(t, by("token")...)
	guest := newToken(t, r, "--action", "play")
	rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	rt.Eventually(t, patient, "a playlist", func() bool {
		code, body := r.Get(t, viewerURL+"?token="+guest)
		return code == 200 && strings.Contains(string(body), ".ts?token="+guest)
	})

	expired, err := ingest.SignToken(secret.New(jwtSecret), "HS256",
		ingest.NewClaims("main", ingest.Play, "", "", time.Now().Add(-2*time.Hour), time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	_, list := answers(t, r, viewerURL+"?token="+guest)
	segment := ""
	for line := range strings.Lines(list) {
		if name, _, found := strings.Cut(line, "?"); found && !strings.HasPrefix(line, "#") {
			segment = "/hls/main/" + name
		}
	}
	strangers := map[string]struct {
		query string
		code  int
		words string
	}{
		"nothing":          {"", 401, "?token="},
		"an expired token": {"?token=" + expired.Reveal(), 401, "has expired"},
		"a torn token":     {"?token=" + guest[:len(guest)-4], 401, "not valid"},
		"a stream key":     {"?token=" + r.Key, 401, "not valid"},
		"for publishing":   {"?token=" + newToken(t, r), 403, "another stream, action or address"},
		"for elsewhere":    {"?token=" + newToken(t, r, "--action", "play", "--ip", "192.0.2.1"), 403, "another stream, action or address"},
		"for another":      {"?token=" + newToken(t, r, "--action", "play", "--stream", "aux"), 403, "another stream, action or address"},
	}
	for _, path := range []string{viewerURL, segment, "/flv/main.flv", "/watch/main"} {
		for name, tc := range strangers {
			if code, body := answers(t, r, path+tc.query); code != tc.code || !strings.Contains(body, tc.words) {
				t.Errorf("%s with %s: %d %q, want %d", path, name, code, body, tc.code)
			}
		}
	}
	playsWith(t, r, guest)
	playsWith(t, r, dashboardPass(t, r))
	if strings.Contains(r.Log(), guest) {
		t.Error("the log tells a viewer's token")
	}

	reconfigure(t, r, by("public")...)
	for _, path := range []string{viewerURL, segment, "/watch/main"} {
		if code, body := answers(t, r, path); code != 200 {
			t.Errorf("public, %s: %d %q", path, code, body)
		}
	}
	reconfigure(t, r, by("none")...)
	for _, path := range []string{viewerURL, segment, "/flv/main.flv", "/watch/main", "/watch/nobody"} {
		if code, body := answers(t, r, path+"?token="+guest); code != 404 || !strings.Contains(body, "nothing to watch here") {
			t.Errorf("none, %s: %d %q", path, code, body)
		}
	}
	if lines := logLines(r, "wait for a restart"); len(lines) > 0 {
		t.Errorf("a change of playback waits for a restart: %s", lines[0])
	}
}

// playsWith checks that real players play with a token.
func playsWith(t *testing.T, r *rt.Relay, token string) {
	t.Helper()
	for _, path := range []string{viewerURL, "/flv/main.flv"} {
		if codecs, why := streams(t, "http://"+r.HTTP+path+"?token="+token); !strings.HasPrefix(codecs, "h264 aac") {
			t.Errorf("%s: found %q\n%s", path, codecs, why)
		}
	}
}

// dashboardPass is a token as the dashboard asks for one.
func dashboardPass(t *testing.T, r *rt.Relay) string {
	t.Helper()
	code, body := askPass(t, r, "main")
	var pass struct{ Token string }
	if err := json.Unmarshal(body, &pass); err != nil || code != http.StatusCreated {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	return pass.Token
}

// askPass is what the API answers to somebody with the admin token who asks for a pass.
func askPass(t *testing.T, r *rt.Relay, stream string) (int, []byte) {
	t.Helper()
	admin := read(t, filepath.Join(r.Data, "admin.token"))
	req, err := http.NewRequest(http.MethodPost, "http://"+r.HTTP+"/api/v1/streams/"+stream+"/viewers", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(admin)))
	resp, body := r.Do(t, req)
	return resp.StatusCode, body
}

// A pass is for a stream there is, or a rendition that may be made of it.
func TestPassesForStreams(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t, rt.File("jwt.secret", jwtSecret+"\n"), rt.StreamConfig("playback: token\n"+quiet),
		rt.ExtraConfig("auth: {jwt: {secret_file: jwt.secret}}\nrenditions: {720p: {height: 720}}"),
		rt.Stream("open", "keys: [{name: open, key: open-canary-4711}]\n"+quiet))
	for stream, code := range map[string]int{"main": 201, "main@720p": 201, "main@240p": 404, "main@": 404, "nobody": 404, "nobody@720p": 404, "open": 409} {
		if got, body := askPass(t, r, stream); got != code || got == 404 && !strings.Contains(string(body), "there is no such stream") {
			t.Errorf("%s: %d %s, want %d", stream, got, body, code)
		}
	}
	// Whoever starts it must see which lines are for which encoder.
	for _, name := range []string{"main", "open"} {
		if log := r.Log(); !strings.Contains(log, "\n  Stream “"+name+"”\n  Server  ") {
			t.Errorf("what is printed at the start does not name the stream %s:\n%s", name, log)
		}
	}
}

// A web page cannot reach a relay that listens on loopback under a name of its own, unless the name is configured.
func TestNamesOfTheRelay(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t, rt.StreamConfig(quiet))
	_, port, _ := strings.Cut(r.HTTP, ":")
	for host, code := range map[string]int{
		r.HTTP: 200, "localhost:" + port: 200, "LOCALHOST.": 200, "127.0.0.1": 200, "[::1]:" + port: 200,
		"live.example.com": 421, "127.0.0.1.evil.example:" + port: 421, "evil.example": 421,
	} {
		if got := named(t, r, host); got != code {
			t.Errorf("%s: %d, want %d", host, got, code)
		}
	}
	text := string(read(t, filepath.Join(r.Dir, "restreamd.yml")))
	before := strings.Count(r.Log(), takenUp)
	r.PutConfig(t, strings.Replace(text, `http: {`, `http: {hosts: [Live.example.com], `, 1))
	awaitTakenUp(t, r, before)
	for host, code := range map[string]int{"live.example.com:" + port: 200, "localhost": 200, "evil.example": 421} {
		if got := named(t, r, host); got != code {
			t.Errorf("%s, with http.hosts: %d, want %d", host, got, code)
		}
	}
	if lines := logLines(r, "wait for a restart"); len(lines) > 0 {
		t.Errorf("a change of http.hosts waits for a restart: %s", lines[0])
	}
}

func named(t *testing.T, r *rt.Relay, host string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+r.HTTP+"/api/v1/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	resp, body := r.Do(t, req)
	if resp.StatusCode == http.StatusMisdirectedRequest && !strings.Contains(string(body), "http.hosts") {
		t.Errorf("%s: no word of how to mend it: %s", host, body)
	}
	return resp.StatusCode
}
