package hls

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

var (
	streamPattern  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	segmentPattern = regexp.MustCompile(`^(\d{8}T\d{6}Z)-\d{1,9}-\d{1,19}\.ts$`)
	sessionPattern = regexp.MustCompile(`^\d{8}T\d{6}Z$`)
)

// Handler serves a folder of sessions: <stream>/index.m3u8 is the newest session's playlist, <stream>/<segment> any
// session's segment. No part of a path reaches the file system before it has matched the form of its name.
type Handler struct{ Dir string }

// ServeHTTP answers GET and HEAD.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stream, name := r.PathValue("stream"), r.PathValue("file")
	if !streamPattern.MatchString(stream) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if name == playlist {
		h.playlist(w, r, stream)
		return
	}
	m := segmentPattern.FindStringSubmatch(name)
	if m == nil {
		http.NotFound(w, r)
		return
	}
	h.file(w, r, filepath.Join(h.Dir, stream, m[1], name), "video/mp2t", "public, max-age=31536000, immutable")
}

func (h Handler) playlist(w http.ResponseWriter, r *http.Request, stream string) {
	sessions, err := sessions(filepath.Join(h.Dir, stream))
	if err != nil || len(sessions) == 0 {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "this stream is not live", http.StatusNotFound)
		return
	}
	h.file(w, r, filepath.Join(h.Dir, stream, sessions[len(sessions)-1], playlist), "application/vnd.apple.mpegurl", "no-store")
}

func (h Handler) file(w http.ResponseWriter, r *http.Request, name, contentType, caching string) {
	f, err := os.Open(name)
	if err != nil {
		w.Header().Set("Cache-Control", "no-store")
		http.NotFound(w, r)
		return
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", caching)
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// sessions lists a stream's sessions, oldest first.
func sessions(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && sessionPattern.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}
