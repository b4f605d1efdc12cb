package hls_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/hls"
)

const segment = firstName + "-0-1795370400.ts"

// ask asks the handler as the server does, which has cleaned nothing: path is what follows /hls/.
func ask(dir, method, stream, file string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/hls/x/y", nil)
	r.SetPathValue("stream", stream)
	r.SetPathValue("file", file)
	for k, v := range header {
		r.Header[k] = v
	}
	w := httptest.NewRecorder()
	hls.Handler{Dir: dir}.ServeHTTP(w, r)
	return w
}

func TestHandlerServesTheNewestPlaylist(t *testing.T) {
	dir := t.TempDir()
	put(t, "old", dir, "main", firstName, "index.m3u8")
	put(t, "new", dir, "main", secondName, "index.m3u8")
	put(t, "", dir, "main", "30000101", "index.m3u8") // no session
	w := ask(dir, "GET", "main", "index.m3u8", nil)
	want := map[string]string{"Content-Type": "application/vnd.apple.mpegurl", "Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
	if w.Code != 200 || w.Body.String() != "new" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	for k, v := range want {
		if w.Header().Get(k) != v {
			t.Errorf("%s: %q, want %q", k, w.Header().Get(k), v)
		}
	}
	// A playlist changes within the second that an HTTP date tells.
	if w := ask(dir, "GET", "main", "index.m3u8", http.Header{"If-Modified-Since": {"Fri, 01 Jan 2100 00:00:00 GMT"}}); w.Code != 200 {
		t.Errorf("a changed playlist may be answered with %d", w.Code)
	}
}

func TestHandlerServesSegmentsOfEverySession(t *testing.T) {
	dir := t.TempDir()
	put(t, "0123456789", dir, "main", firstName, segment)
	put(t, "new", dir, "main", secondName, "index.m3u8")

	w := ask(dir, "GET", "main", segment, nil)
	if w.Code != 200 || w.Body.String() != "0123456789" || w.Header().Get("Content-Type") != "video/mp2t" {
		t.Errorf("got %d %q %q", w.Code, w.Body, w.Header())
	}
	if c := w.Header().Get("Cache-Control"); !strings.Contains(c, "immutable") || !strings.Contains(c, "max-age=31536000") {
		t.Errorf("Cache-Control: %q", c)
	}
	if w := ask(dir, "HEAD", "main", segment, nil); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "10" {
		t.Errorf("HEAD: %d, %d bytes, %q", w.Code, w.Body.Len(), w.Header())
	}
	w = ask(dir, "GET", "main", segment, http.Header{"Range": {"bytes=2-4"}})
	if w.Code != http.StatusPartialContent || w.Body.String() != "234" || w.Header().Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("a range: %d %q %q", w.Code, w.Body, w.Header())
	}
	if w := ask(dir, "GET", "main", segment, http.Header{"Range": {"bytes=20-"}}); w.Code != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("a range behind the end: %d", w.Code)
	}
}

// Each kind of file has its own type; playlists are never kept, segments for ever.
func TestHandlerKnowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	const fragment, start, dash = firstName + "-1795370400000-17.m4s", firstName + "-1795370400000-0-init.mp4", firstName + "-dash-1795370400000-1-init.m4s"
	put(t, "master", dir, "main", "master.m3u8")
	for _, name := range []string{"index.m3u8", "show.m3u8", "manifest.mpd", fragment, start, dash, dash + ".tmp", "journal.jsonl"} {
		put(t, name, dir, "main", firstName, name)
	}
	put(t, "", dir, "main", secondName, fragment) // nothing is listed of it yet
	for name, want := range map[string]struct{ body, kind, cache string }{
		"master.m3u8":       {"master", "application/vnd.apple.mpegurl", "no-store"},
		"index.m3u8":        {"index.m3u8", "application/vnd.apple.mpegurl", "no-store"},
		"show.m3u8":         {"show.m3u8", "application/vnd.apple.mpegurl", "no-store"},
		firstName + ".m3u8": {"show.m3u8", "application/vnd.apple.mpegurl", "no-store"},
		"manifest.mpd":      {"manifest.mpd", "application/dash+xml", "no-store"},
		fragment:            {fragment, "video/iso.segment", "public, max-age=31536000, immutable"},
		start:               {start, "video/mp4", "public, max-age=31536000, immutable"},
		dash:                {dash, "video/iso.segment", "public, max-age=31536000, immutable"},
	} {
		w := ask(dir, "GET", "main", name, nil)
		if w.Code != 200 || w.Body.String() != want.body || w.Header().Get("Content-Type") != want.kind || w.Header().Get("Cache-Control") != want.cache {
			t.Errorf("%s: %d %q %v", name, w.Code, w.Body, w.Header())
		}
	}
	for _, name := range []string{
		secondName + ".m3u8", "journal.jsonl", dash + ".tmp", "index.m3u8.new", "../main/show.m3u8", "x.m3u8", ".m3u8", "parts", firstName + "/show.m3u8",
	} {
		if w := ask(dir, "GET", "main", name, nil); w.Code != 404 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

// Nobody may keep the word that a stream is not live.
func TestHandlerOfAStreamThatIsNotLive(t *testing.T) {
	dir := t.TempDir()
	put(t, "", dir, "empty", "file")
	for _, stream := range []string{"main", "empty"} {
		for _, file := range []string{"index.m3u8", segment} {
			w := ask(dir, "GET", stream, file, nil)
			if w.Code != 404 || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s/%s: %d, Cache-Control %q", stream, file, w.Code, w.Header().Get("Cache-Control"))
			}
		}
	}
}

func TestHandlerStaysInItsFolder(t *testing.T) {
	outside := t.TempDir()
	put(t, "secret", outside, "key")
	put(t, "secret", outside, firstName, "index.m3u8")
	put(t, "secret", outside, firstName, segment)
	dir := filepath.Join(outside, "hls")
	put(t, "#EXTM3U", dir, "main", firstName, "index.m3u8")
	put(t, "secret", dir, "main", firstName, ".hidden")
	put(t, "secret", dir, "main", firstName, segment+".tmp")
	link(t, filepath.Join(outside, "key"), dir, "main", firstName, segment)
	link(t, "../../../key", dir, "main", firstName, firstName+"-0-2.ts")
	link(t, outside, dir, "stolen")                                 // a stream's folder
	link(t, filepath.Join(outside, firstName), dir, "b", firstName) // a session's folder
	if err := os.MkdirAll(filepath.Join(dir, "main", firstName, firstName+"-0-3.ts"), 0o755); err != nil {
		t.Fatal(err)
	}

	for _, c := range [][2]string{
		{"main", segment}, {"main", firstName + "-0-2.ts"}, {"main", firstName + "-0-3.ts"},
		{"stolen", "index.m3u8"}, {"stolen", segment}, {"b", "index.m3u8"}, {"b", segment},
		{"main", "../../../key"}, {"main", "..\\..\\key"}, {"main", "%2e%2e%2fkey"}, {"main", ".hidden"}, {"main", ""}, {"main", "."},
		{"main", segment + "\x00"}, {"main", "\x00"}, {"main", segment + "\n"}, {"main", segment + ".tmp"},
		{"main", "index.m3u8/"}, {"main", "index.m3u8.tmp"}, {"main", firstName}, {"main", firstName + "/" + segment},
		{"..", "key"}, {"../..", "key"}, {".", "index.m3u8"}, {"", "index.m3u8"}, {"main/..", "index.m3u8"}, {"ma\x00in", "index.m3u8"},
		{strings.Repeat("a", 65), "index.m3u8"}, {"main\n", "index.m3u8"}, {"..%2f", "index.m3u8"},
	} {
		if w := ask(dir, "GET", c[0], c[1], nil); w.Code != 404 || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%q/%q: %d %q", c[0], c[1], w.Code, w.Body)
		}
	}
	if w := ask(dir, "GET", "main", "index.m3u8", nil); w.Code != 200 {
		t.Errorf("the playlist itself: %d", w.Code)
	}
}

// The same through a real mux, which decodes and cleans paths in its own way.
func TestHandlerBehindAMux(t *testing.T) {
	outside := t.TempDir()
	put(t, "secret", outside, "key")
	dir := filepath.Join(outside, "hls")
	put(t, "#EXTM3U", dir, "main", firstName, "index.m3u8")
	mux := http.NewServeMux()
	mux.Handle("GET /hls/{stream}/{file}", hls.Handler{Dir: dir})
	for _, path := range []string{
		"/hls/main/..%2f..%2fkey", "/hls/%2e%2e/key", "/hls/main/%2e%2e%2f%2e%2e%2fkey", "/hls/main/%00", "/hls/main/..%5ckey",
		"/hls/main/%252e%252e%252fkey", "/hls/..%2f/key", "/hls/main/" + firstName,
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code == 200 || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/hls/main/index.m3u8", nil))
	if w.Code != 200 {
		t.Errorf("the playlist itself: %d", w.Code)
	}
}

func link(t *testing.T, to string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}
