package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/secret"
)

func TestStatusIsTheSnapshot(t *testing.T) {
	want := show()
	w := ask(server(&relayed{snapshot: want}), "GET", "/api/v1/status", "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %q", w.Code, w.Header())
	}
	var got httpapi.Snapshot
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, name := range []string{`"streams"`, `"ready": true`, `"state": "retrying"`, `"next_try"`, `"video_bitrate"`, `"free_bytes"`,
		`"class": "rejected"`, `"grade": "acked"`, `"queue_age": 0.25`, `"proved"`, `"findings"`, `"breaks": true`, `"encoders"`, `"playback": "token"`} {
		if !strings.Contains(w.Body.String(), name) {
			t.Errorf("no %s in %s", name, w.Body)
		}
	}
}

// What is over stands in the order in which it is given; where there is nothing, the list is empty and there.
func TestPastSessions(t *testing.T) {
	since := show().Started
	want := []httpapi.PastSession{
		{Stream: "main", Start: since, End: since.Add(time.Minute), Seconds: 60, Why: "said goodbye", Publishers: []string{"studio"}, Holds: 1, Held: 2.5,
			Recordings: []string{"main/a.mp4"}, Summary: "main/a.md",
			Show: "/hls/main/20261122T180000Z.m3u8", Playback: httpapi.PlaybackPublic},
		{Stream: "other", Start: since, End: since, Publishers: []string{}, Recordings: []string{}, Playback: httpapi.PlaybackPublic},
	}
	for _, past := range [][]httpapi.PastSession{want, nil} {
		w := ask(server(&relayed{past: past}), "GET", "/api/v1/sessions", "")
		var got struct{ Sessions []httpapi.PastSession }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
			t.Fatalf("%d, %v: %s", w.Code, err, w.Body)
		}
		if len(past) == 0 && (got.Sessions == nil || len(got.Sessions) > 0) || len(past) > 0 && !reflect.DeepEqual(got.Sessions, want) {
			t.Errorf("got  %+v\nwant %+v", got.Sessions, past)
		}
	}
	s := server(&relayed{past: want})
	s.Viewers = audience{nothing}
	if w := ask(s, "GET", "/api/v1/sessions", ""); strings.Contains(w.Body.String(), "m3u8") || !strings.Contains(w.Body.String(), `"playback": "none"`) {
		t.Errorf("a show that nobody may watch: %s", w.Body)
	}
	if w := ask(&httpapi.Server{Reporter: &relayed{}, HLS: http.NotFoundHandler()}, "GET", "/api/v1/sessions", ""); !strings.Contains(w.Body.String(), `"sessions": []`) {
		t.Errorf("without a history: %s", w.Body)
	}
}

func TestHealth(t *testing.T) {
	r := &relayed{}
	if w := ask(server(r), "GET", "/healthz", ""); w.Code != 200 {
		t.Errorf("healthz: %d", w.Code)
	}
	if w := ask(server(r), "GET", "/readyz", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("readyz before it is: %d", w.Code)
	}
	r.snapshot.Ready = true
	if w := ask(server(r), "GET", "/readyz", ""); w.Code != 200 {
		t.Errorf("readyz: %d", w.Code)
	}
}

// controls are the routes that change something.
var controls = map[string]string{
	"/api/v1/outputs/main/push/twitch/retry": "retry main/push/twitch",
	"/api/v1/streams/main/disconnect":        "disconnect main",
}

func TestControlNeedsTheToken(t *testing.T) {
	for path := range controls {
		var bodies []string
		for _, authorization := range []string{
			"", "Bearer", "Bearer ", "Bearer wrong", "Bearer " + token + "x", "Bearer correct hors", "Basic " + token, token,
			"bearer" + token, "Bearer " + strings.Repeat("x", 10_000), "Bearer ***",
		} {
			r := &relayed{agrees: true}
			w := ask(server(r), "POST", path, authorization)
			if w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s with %.20q: %d %q", path, authorization, w.Code, w.Header())
			}
			if len(r.asked) > 0 {
				t.Errorf("%s with %.20q was done: %v", path, authorization, r.asked)
			}
			bodies = append(bodies, w.Body.String())
		}
		if len(slices.Compact(bodies)) != 1 { // an answer that differs tells what was right about a token
			t.Errorf("%s: answers differ: %q", path, bodies)
		}
	}
}

// Without a token configured nothing gets in, least of all an empty one.
func TestControlWithoutAToken(t *testing.T) {
	for _, authorization := range []string{"", "Bearer ", "Bearer x"} {
		s := server(&relayed{agrees: true})
		s.AdminToken = secret.String{}
		if w := ask(s, "POST", "/api/v1/streams/main/disconnect", authorization); w.Code != http.StatusUnauthorized {
			t.Errorf("%q: %d", authorization, w.Code)
		}
	}
}

func TestControl(t *testing.T) {
	for path, want := range controls {
		for agrees, code := range map[bool]int{true: http.StatusNoContent, false: http.StatusConflict} {
			r := &relayed{agrees: agrees}
			w := ask(server(r), "POST", path, "Bearer "+token)
			if w.Code != code || !slices.Equal(r.asked, []string{want}) {
				t.Errorf("%s: %d, want %d; asked %q", path, w.Code, code, r.asked)
			}
			if !agrees && !strings.Contains(w.Body.String(), `"error"`) {
				t.Errorf("%s: no reason given: %q", path, w.Body)
			}
		}
		if w := ask(server(&relayed{}), "GET", path, "Bearer "+token); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d: a link must not change anything", path, w.Code)
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	for _, path := range []string{"/", "/watch/main", "/static/dashboard.js", "/api/v1/status", "/api/v1/sessions", "/metrics", "/healthz", "/hls/main/index.m3u8", "/nothing"} {
		h := ask(server(&relayed{}), "GET", path, "").Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: Content-Security-Policy %q", path, csp)
		}
	}
}

func TestPages(t *testing.T) {
	s := server(&relayed{})
	link := regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`)
	for path, title := range map[string]string{"/": `id="streams"`, "/watch/main": "<video"} {
		w := ask(s, "GET", path, "")
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || !strings.Contains(w.Body.String(), title) {
			t.Fatalf("%s: %d %q", path, w.Code, w.Header())
		}
		links := link.FindAllStringSubmatch(w.Body.String(), -1)
		if len(links) < 2 {
			t.Errorf("%s asks for %v", path, links)
		}
		for _, m := range links {
			if w := ask(s, "GET", m[1], ""); w.Code != 200 {
				t.Errorf("%s asks for %s: %d", path, m[1], w.Code)
			}
		}
		if regexp.MustCompile(`<script>|<style>| style=| on[a-z]+=|https?://`).MatchString(w.Body.String()) {
			t.Errorf("%s has inline code or asks another host, which its own policy forbids", path)
		}
	}
}

func TestStaticFiles(t *testing.T) {
	s := server(&relayed{})
	web := os.DirFS("web")
	err := fs.WalkDir(web, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		want, err := fs.ReadFile(web, path)
		w := ask(s, "GET", "/static/"+path, "")
		if w.Code != 200 || w.Body.String() != string(want) || w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d, %d bytes, %q", path, w.Code, w.Body.Len(), w.Header())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, typ := range map[string]string{"dashboard.js": "text/javascript", "style.css": "text/css", "icon.svg": "image/svg+xml"} {
		if got := ask(s, "GET", "/static/"+path, "").Header().Get("Content-Type"); !strings.HasPrefix(got, typ) {
			t.Errorf("%s is %q", path, got) // nosniff: browsers refuse others
		}
	}
	for _, path := range []string{"/static/", "/static/..%2fserver.go", "/static/%2e%2e/server.go", "/static/nothing.js", "/static/%00", "/static/%c0%ae", "/static/%2e"} {
		if w := ask(s, "GET", path, ""); w.Code == 200 || w.Code >= 500 {
			t.Errorf("%s: %d %.60q", path, w.Code, w.Body)
		}
	}
}

// Browsers that have a file keep it, and those that have not get less than half of it.
func TestStaticFilesAreSmall(t *testing.T) {
	get := func(name, value string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/static/hls.min.js", nil)
		r.Header.Set(name, value)
		w := httptest.NewRecorder()
		server(&relayed{}).Handler().ServeHTTP(w, r)
		return w
	}
	whole, small := get("Accept", "*/*"), get("Accept-Encoding", "br, gzip")
	if small.Header().Get("Content-Encoding") != "gzip" || small.Body.Len() > whole.Body.Len()/2 {
		t.Errorf("%d bytes of %d, %v", small.Body.Len(), whole.Body.Len(), small.Header())
	}
	plain, err := gzip.NewReader(small.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(plain); err != nil || !bytes.Equal(text, whole.Body.Bytes()) {
		t.Errorf("compressed, it is another file: %v", err)
	}
	for _, w := range []*httptest.ResponseRecorder{whole, small} {
		if again := get("If-None-Match", w.Header().Get("ETag")); w == whole && again.Code != http.StatusNotModified {
			t.Errorf("who has it gets %d", again.Code)
		}
		if w.Header().Get("Vary") != "Accept-Encoding" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") {
			t.Errorf("%v", w.Header())
		}
	}
	if whole.Header().Get("ETag") == small.Header().Get("ETag") {
		t.Error("two texts, one tag")
	}
}

// What others wrote is what they published: a changed byte would be nobody's code.
func TestVendoredFiles(t *testing.T) {
	list, err := os.ReadFile("web/VENDORED")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^(\S+\.js) .*: (\S+\.LICENSE) +sha256:([0-9a-f]{64})$`).FindAllStringSubmatch(string(list), -1)
	if len(lines) != 2 {
		t.Errorf("%d files are listed, want hls.js and mpegts.js", len(lines))
	}
	for _, m := range lines {
		text, err := os.ReadFile("web/" + m[1])
		if err != nil {
			t.Fatal(err)
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256(text)); sum != m[3] {
			t.Errorf("%s has the sum %s, want %s", m[1], sum, m[3])
		}
		if license, err := os.ReadFile("web/" + m[2]); err != nil || !strings.Contains(string(license), "Apache License") {
			t.Errorf("%s: its license is not beside it: %v", m[1], err)
		}
	}
}

func TestThumbnailIsPassedOn(t *testing.T) {
	if w := ask(server(&relayed{}), "GET", "/api/v1/streams/main/thumbnail.jpg", ""); w.Body.String() != "picture of main" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

func TestHLSIsPassedOn(t *testing.T) {
	if w := ask(server(&relayed{}), "GET", "/hls/main/index.m3u8", ""); w.Body.String() != "main index.m3u8" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if w := ask(server(&relayed{}), "POST", "/hls/main/index.m3u8", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}
