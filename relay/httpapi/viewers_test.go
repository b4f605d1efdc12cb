package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/httpapi"
)

var (
	public   = httpapi.Terms{Playback: httpapi.PlaybackPublic, Origins: []string{"https://example.com"}}
	byToken  = httpapi.Terms{Playback: httpapi.PlaybackToken, Origins: []string{"https://example.com"}}
	nothing  = httpapi.Terms{Playback: httpapi.PlaybackNone}
	watching = []string{"/watch/main", "/hls/main/index.m3u8", "/hls/main/a.ts", "/flv/main.flv"}
)

// shown answers as if it showed something, and says that everybody may keep and read it.
func shown(contentType, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("Content-Type", contentType)
		http.ServeContent(w, r, "", time.Unix(1e9, 0), strings.NewReader(body))
	})
}

// request asks a server that shows body on terms.
func request(terms httpapi.Terms, contentType, body, method, path string, header map[string]string) *httptest.ResponseRecorder {
	s := server(&relayed{})
	s.Viewers, s.HLS, s.FLV = audience{terms}, shown(contentType, body), shown("video/x-flv", "FLV")
	r := httptest.NewRequest(method, path, nil)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// Everything that shows a stream asks for the same, and says in words what is missing.
func TestWhoMayWatch(t *testing.T) {
	for _, path := range watching {
		for name, tc := range map[string]struct {
			terms  httpapi.Terms
			query  string
			header map[string]string
			code   int
		}{
			"public":                        {public, "", nil, 200},
			"nobody":                        {nothing, "", nil, 404},
			"nobody, with a token":          {nothing, "?token=" + approved, nil, 404},
			"nobody, with the admin's":      {nothing, "", map[string]string{"Authorization": "Bearer " + token}, 404},
			"approved, with a token":        {byToken, "?token=" + approved, nil, 200},
			"approved, without":             {byToken, "", nil, 401},
			"approved, with a wrong one":    {byToken, "?token=x", nil, 401},
			"approved, with another's":      {byToken, "?token=other", nil, 403},
			"approved, with the admin's":    {byToken, "", map[string]string{"Authorization": "Bearer " + token}, 200},
			"approved, with a wrong header": {byToken, "", map[string]string{"Authorization": "Bearer x"}, 401},
		} {
			w := request(tc.terms, "video/mp2t", "x", "GET", path+tc.query, tc.header)
			if w.Code != tc.code {
				t.Errorf("%s, %s: %d %q, want %d", path, name, w.Code, w.Body, tc.code)
			}
			if tc.code != 200 && (w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), " ")) {
				t.Errorf("%s, %s: %q %q", path, name, w.Header(), w.Body)
			}
			if (tc.code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
				t.Errorf("%s, %s: WWW-Authenticate %q", path, name, w.Header().Get("WWW-Authenticate"))
			}
		}
	}
}

// Pages of any origin read public streams; others only pages that are listed.
func TestWhosePagesMayRead(t *testing.T) {
	for name, tc := range map[string]struct {
		terms        httpapi.Terms
		origin, want string
		varies       bool
	}{
		"public":                  {public, "https://other.org", "*", false},
		"public, its own page":    {public, "", "*", false},
		"approved, listed":        {byToken, "https://example.com", "https://example.com", true},
		"approved, another":       {byToken, "https://other.org", "", true},
		"approved, looks like it": {byToken, "https://example.com.other.org", "", true},
		"approved, a file":        {byToken, "null", "", true},
		"approved, its own page":  {byToken, "", "", true},
	} {
		for _, path := range watching[1:] {
			for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
				header := map[string]string{"Origin": tc.origin}
				w := request(tc.terms, "video/mp2t", "x", method, path+"?token="+approved, header)
				if got := w.Header().Get("Access-Control-Allow-Origin"); got != tc.want {
					t.Errorf("%s, %s %s: %q, want %q", name, method, path, got, tc.want)
				}
				if (w.Header().Get("Vary") == "Origin") != tc.varies {
					t.Errorf("%s, %s %s: Vary %q", name, method, path, w.Header().Get("Vary"))
				}
				if w.Header().Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s: cookies are of no use here", name)
				}
				if method == "OPTIONS" && (w.Code != 204 || w.Body.Len() > 0 || (w.Header().Get("Access-Control-Allow-Methods") != "") != (tc.want != "")) {
					t.Errorf("%s, preflight: %d %q", name, w.Code, w.Header())
				}
			}
		}
	}
	// A page that is refused may be told why.
	w := request(byToken, "", "", "GET", "/hls/main/a.ts", map[string]string{"Origin": "https://example.com"})
	if w.Code != 401 || w.Header().Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("refused: %d %q", w.Code, w.Header())
	}
}

// A cache that serves everybody keeps what everybody may see, and nothing else.
func TestWhatCachesKeep(t *testing.T) {
	const (
		segment = "video/mp2t"
		hls     = "application/vnd.apple.mpegurl"
		dash    = "application/dash+xml"
	)
	for _, tc := range []struct{ path, typ, public, private string }{
		{"/hls/main/a.ts", segment, "public, max-age=31536000, immutable", "private, max-age=31536000, immutable"},
		{"/hls/main/index.m3u8", hls, "public, max-age=0, s-maxage=1", "no-store"},
		{"/hls/main/manifest.mpd", dash, "public, max-age=0, s-maxage=1", "no-store"},
		{"/hls/main/20261122T180000Z.m3u8", hls, "public, max-age=3600", "no-store"},
	} {
		for terms, want := range map[*httpapi.Terms]string{&public: tc.public, &byToken: tc.private} {
			w := request(*terms, tc.typ, "x", "GET", tc.path+"?token="+approved, nil)
			if got := w.Header().Get("Cache-Control"); got != want {
				t.Errorf("%s, %s: %q, want %q", tc.path, terms.Playback, got, want)
			}
		}
	}
	s := server(&relayed{})
	s.Viewers = audience{byToken}
	for said, want := range map[string]string{"max-age=5": "private, max-age=5", "": "private", "no-store": "no-store", "private": "private"} {
		s.Thumbnail = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", said)
			w.WriteHeader(http.StatusOK)
		})
		if got := ask(s, "GET", "/api/v1/streams/main/thumbnail.jpg?token="+approved, "").Header().Get("Cache-Control"); got != want {
			t.Errorf("a picture kept by %q: %q, want %q", said, got, want)
		}
	}
	s.Viewers = audience{public}
	s.HLS = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "off air", http.StatusNotFound)
	})
	if got := ask(s, "GET", "/hls/main/index.m3u8", "").Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("a playlist that is not there yet: %q", got)
	}
}

const (
	listed = "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"1@0\"\n#EXTINF:2.000,\n1.ts\n\n#EXTINF:2.000,\r\n2.ts?x=1\r\n" +
		"#EXT-X-MEDIA:TYPE=AUDIO,URI=\"https://other.org/a.m3u8\"\nhttps://other.org/3.ts\n//other.org/4.ts\n../main@720p/index.m3u8"
	carried = "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4?token=T\",BYTERANGE=\"1@0\"\n#EXTINF:2.000,\n1.ts?token=T\n\n#EXTINF:2.000,\n2.ts?x=1&token=T\n" +
		"#EXT-X-MEDIA:TYPE=AUDIO,URI=\"https://other.org/a.m3u8\"\nhttps://other.org/3.ts\n//other.org/4.ts\n../main@720p/index.m3u8?token=T"

	manifest = `<SegmentTemplate initialization="init-$RepresentationID$.m4s" media="chunk-$Number%05d$.m4s?a=b" startNumber="1">` + "\n"
	granted  = `<SegmentTemplate initialization="init-$RepresentationID$.m4s?token=T" media="chunk-$Number%05d$.m4s?a=b&amp;token=T" startNumber="1">` + "\n"
)

// What a playlist names is fetched with the token that fetched the playlist; no other host is told of it.
func TestPlaylistsCarryTheToken(t *testing.T) {
	for name, tc := range map[string]struct{ typ, path, body, want string }{
		"HLS":       {"application/vnd.apple.mpegurl", "/hls/main/index.m3u8", listed, carried},
		"DASH":      {"application/dash+xml", "/hls/main/manifest.mpd", manifest, granted},
		"a segment": {"video/mp2t", "/hls/main/1.ts", listed, listed},
	} {
		header := map[string]string{}
		if name != "a segment" { // a part of a playlist, or word that it has not changed, would be of other bytes
			header = map[string]string{"Range": "bytes=0-3", "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
		}
		w := request(byToken, tc.typ, tc.body, "GET", tc.path+"?token="+approved, header)
		if got := strings.ReplaceAll(w.Body.String(), approved, "T"); w.Code != 200 || got != tc.want {
			t.Errorf("%s: %d\n%s\nwant\n%s", name, w.Code, got, tc.want)
		}
		if length := w.Header().Get("Content-Length"); length != "" && name != "a segment" {
			t.Errorf("%s: Content-Length %s of other bytes", name, length)
		}
		w = request(byToken, tc.typ, tc.body, "HEAD", tc.path+"?token="+approved, nil)
		if w.Code != 200 || w.Body.Len() > 0 {
			t.Errorf("%s: HEAD: %d %q", name, w.Code, w.Body)
		}
		for _, terms := range []httpapi.Terms{public, byToken} {
			w = request(terms, tc.typ, tc.body, "GET", tc.path, map[string]string{"Authorization": "Bearer " + token})
			if w.Body.String() != tc.body {
				t.Errorf("%s, without a token in the query: %s", name, w.Body)
			}
		}
	}
}

// A playlist of a long show is carried line by line, however it is written.
func TestLongPlaylists(t *testing.T) {
	var body, want strings.Builder
	for range 20_000 {
		body.WriteString("#EXTINF:2.000,\n20261122T180000Z-0-1795370400.ts\n")
		want.WriteString("#EXTINF:2.000,\n20261122T180000Z-0-1795370400.ts?token=" + approved + "\n")
	}
	w := request(byToken, "application/vnd.apple.mpegurl", body.String(), "GET", "/hls/main/index.m3u8?token="+approved, nil)
	if w.Body.String() != want.String() {
		t.Errorf("%d bytes, want %d", w.Body.Len(), want.Len())
	}
}

// The dashboard's own way to a stream that wants a token.
func TestPasses(t *testing.T) {
	const path = "/api/v1/streams/main/viewers"
	s := server(&relayed{})
	s.Viewers = audience{byToken}
	if w := ask(s, "POST", path, ""); w.Code != 401 {
		t.Errorf("without the admin token: %d", w.Code)
	}
	if w := ask(s, "POST", "/api/v1/streams/nobody/viewers", "Bearer "+token); w.Code != 404 || !strings.Contains(w.Body.String(), "there is no such stream") {
		t.Errorf("an unknown stream: %d %s", w.Code, w.Body)
	}
	w := ask(s, "POST", path, "Bearer "+token)
	for _, words := range []string{`"path": "/watch/main?token=` + approved + `"`, `"expires": "2033-05-18T03:33:20Z"`} {
		if w.Code != 201 || !strings.Contains(w.Body.String(), words) {
			t.Errorf("%d %s, want %s", w.Code, w.Body, words)
		}
	}
	for _, terms := range []httpapi.Terms{public, nothing} {
		s.Viewers = audience{terms}
		if w := ask(s, "POST", path, "Bearer "+token); w.Code != 409 {
			t.Errorf("%s: %d", terms.Playback, w.Code)
		}
	}
}

// A page of another site that has its own name point here is refused everything.
func TestNames(t *testing.T) {
	s := server(&relayed{})
	s.Known = func(host string) bool { return host == "localhost" || host == "::1" }
	for host, code := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "[::1]:8080": 200, "[::1]": 200, "evil.example:8080": 421, "evil.example": 421, "localhost.evil.example": 421,
	} {
		for _, path := range []string{"/api/v1/status", "/hls/main/index.m3u8", "/", "/metrics"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if w.Code != code {
				t.Errorf("%s at %s: %d, want %d", path, host, w.Code, code)
			}
		}
	}
}

// Files larger than a piece arrive whole, whatever part of them is asked for.
func TestLongAnswersAreWhole(t *testing.T) {
	data := make([]byte, 3<<20+77)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	name := filepath.Join(t.TempDir(), "x.ts")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s := server(&relayed{})
	s.HLS = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("file") == "written.ts" {
			_, _ = w.Write(data)
			return
		}
		http.ServeFile(w, r, name)
	})
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	for header, want := range map[string][]byte{"": data, "bytes=1048576-": data[1<<20:], "bytes=5-600000": data[5:600001]} {
		for _, file := range []string{"x.ts", "written.ts"} {
			req, err := http.NewRequest("GET", srv.URL+"/hls/main/"+file, nil)
			if err != nil {
				t.Fatal(err)
			}
			if header != "" && file == "x.ts" {
				req.Header.Set("Range", header)
			} else if header != "" {
				continue
			}
			if got := fetch(t, req); string(got) != string(want) {
				t.Errorf("%s %s: %d bytes, want %d", file, header, len(got), len(want))
			}
		}
	}
}
