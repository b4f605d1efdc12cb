package httpapi

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// privateWriter is the answer to an approved viewer. Caches that serve others may not keep it, pages read it only where
// the terms let them, and a playlist's URIs carry the viewer's token on: a query works in every player, where cookies
// and headers do not (Safari's and VLC's playlists, players in other people's pages).
type privateWriter struct {
	http.ResponseWriter
	token  string // as it stands in the query; "": it came another way, which the player knows
	origin string // Access-Control-Allow-Origin
	body   bool   // there is one
	begun  bool

	rewrite func(line []byte, query string) []byte // nil: this is no playlist
	partial []byte                                 // a line that is not complete yet
}

func newPrivateWriter(w http.ResponseWriter, r *http.Request) *privateWriter {
	p := &privateWriter{ResponseWriter: w, origin: w.Header().Get("Access-Control-Allow-Origin"), body: r.Method != http.MethodHead}
	if token := r.URL.Query().Get("token"); token != "" {
		p.token = "token=" + url.QueryEscape(token)
	}
	return p
}

// plain is the request without what makes a playlist's answer a part of it: its bytes are other ones than the file's.
func (p *privateWriter) plain(r *http.Request) *http.Request {
	if !isPlaylist(r.URL.Path) {
		return r
	}
	r = r.Clone(r.Context())
	for _, name := range []string{"Range", "If-Range", "If-None-Match", "If-Modified-Since"} {
		r.Header.Del(name)
	}
	return r
}

// Unwrap is for http.ResponseController.
func (p *privateWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// WriteHeader narrows what the handler behind says of caching and sharing.
func (p *privateWriter) WriteHeader(code int) {
	p.begun = true
	h := p.Header()
	if p.origin == "" {
		h.Del("Access-Control-Allow-Origin")
	} else {
		h.Set("Access-Control-Allow-Origin", p.origin)
	}
	h.Set("Cache-Control", private(h.Get("Cache-Control")))
	if p.rewrite = rewriter(h.Get("Content-Type")); p.rewrite != nil {
		h.Set("Cache-Control", "no-store")
		h.Del("Content-Length")
		h.Del("Accept-Ranges")
	}
	p.ResponseWriter.WriteHeader(code)
}

// private is a Cache-Control that keeps an answer out of caches that serve others.
func private(kept string) string {
	switch {
	case strings.Contains(kept, "public"):
		return strings.Replace(kept, "public", "private", 1)
	case kept == "":
		return "private"
	case strings.Contains(kept, "no-store"), strings.Contains(kept, "private"):
		return kept
	}
	return "private, " + kept
}

func (p *privateWriter) Write(b []byte) (int, error) {
	if !p.begun {
		p.WriteHeader(http.StatusOK)
	}
	if p.rewrite == nil || p.token == "" {
		return p.ResponseWriter.Write(b)
	}
	for rest := b; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		p.partial, rest = append(p.partial, line...), after
		if !whole {
			break
		}
		if _, err := p.ResponseWriter.Write(append(p.rewrite(p.partial, p.token), '\n')); err != nil {
			return 0, err
		}
		p.partial = p.partial[:0]
	}
	return len(b), nil
}

// finish writes a last line without an end.
func (p *privateWriter) finish() {
	if len(p.partial) > 0 && p.body {
		_, _ = p.ResponseWriter.Write(p.rewrite(p.partial, p.token)) // the peer went away
	}
}

// rewriter returns what carries a query on in the lines of a playlist, nil for anything else.
func rewriter(contentType string) func(line []byte, query string) []byte {
	kind, _, _ := strings.Cut(contentType, ";")
	switch strings.TrimSpace(kind) {
	case "application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl":
		return carryHLS
	case "application/dash+xml":
		return carryDASH
	}
	return nil
}

var (
	hlsURI  = regexp.MustCompile(`\bURI="([^"]+)"`)
	dashURI = regexp.MustCompile(`\b(?:media|initialization|sourceURL)="([^"]+)"`)
)

// carryHLS adds a query to the URIs of a line of an HLS playlist.
func carryHLS(line []byte, query string) []byte {
	line = bytes.TrimSuffix(line, []byte("\r"))
	switch {
	case len(bytes.TrimSpace(line)) == 0:
		return line
	case line[0] == '#':
		return carryAttribute(hlsURI, line, query, "&")
	}
	return carry(line, query, "&")
}

// carryDASH adds a query to the templates of segments of a line of a DASH manifest, as ffmpeg writes them.
func carryDASH(line []byte, query string) []byte {
	return carryAttribute(dashURI, line, query, "&amp;")
}

func carryAttribute(form *regexp.Regexp, line []byte, query, and string) []byte {
	var out []byte
	end := 0
	for _, at := range form.FindAllSubmatchIndex(line, -1) {
		out = append(append(out, line[end:at[2]]...), carry(line[at[2]:at[3]], query, and)...)
		end = at[3]
	}
	return append(out, line[end:]...)
}

// carry adds a query to a URI of this relay's: a token is not for other hosts.
func carry(uri []byte, query, and string) []byte {
	if bytes.HasPrefix(uri, []byte("//")) || bytes.Contains(uri, []byte(":")) {
		return uri
	}
	mark := "?"
	if bytes.Contains(uri, []byte("?")) {
		mark = and
	}
	return append(append(bytes.Clone(uri), mark...), query...)
}
