package hls

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

var (
	streamPattern  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}(@[A-Za-z0-9_-]{1,64})?$`) // main, main@720p
	segmentPattern = regexp.MustCompile(`^(\d{8}T\d{6}Z)-\d{1,9}-\d{1,19}\.ts$`)
	sessionPattern = regexp.MustCompile(`^\d{8}T\d{6}Z$`)
)

// Handler serves a folder of sessions: <stream>/index.m3u8 is the newest session's playlist, <stream>/<segment> any
// session's segment. No part of a path reaches the file system before it has matched the form of its name, and no
// link is followed out of the folder.
type Handler struct{ Dir string }

// ServeHTTP answers GET and HEAD.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stream, name := r.PathValue("stream"), r.PathValue("file")
	if !streamPattern.MatchString(stream) {
		notFound(w)
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if name == playlist {
		h.playlist(w, r, stream)
		return
	}
	m := segmentPattern.FindStringSubmatch(name)
	if m == nil {
		notFound(w)
		return
	}
	f, info := h.open(filepath.Join(stream, m[1], name))
	if f == nil {
		notFound(w)
		return
	}
	defer f.Close() //nolint:errcheck // only read
	w.Header().Set("Content-Type", "video/mp2t")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// playlist serves the newest session's. It has no date: within one second it may change, and HTTP dates know no less.
func (h Handler) playlist(w http.ResponseWriter, r *http.Request, stream string) {
	sessions, err := sessions(filepath.Join(h.Dir, stream))
	if err != nil || len(sessions) == 0 {
		notFound(w)
		return
	}
	f, _ := h.open(filepath.Join(stream, sessions[len(sessions)-1], playlist))
	if f == nil {
		notFound(w)
		return
	}
	defer f.Close() //nolint:errcheck // only read
	w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, f)
}

// notFound may be wrong a moment later: nobody shall keep it.
func notFound(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "not here: the stream is off air, or the segment is too old", http.StatusNotFound)
}

// open returns an ordinary file in the folder, nil if there is none.
func (h Handler) open(name string) (*os.File, fs.FileInfo) {
	f, err := os.OpenInRoot(h.Dir, name)
	if err != nil {
		return nil, nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, nil
	}
	return f, info
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
