package hls

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Handler serves a folder of sessions:
//
//	<stream>/master.m3u8      the multivariant playlist: the stream and its renditions
//	<stream>/index.m3u8       the live media playlist, of the newest session
//	<stream>/show.m3u8        the whole of the newest show that is over, where shows are kept
//	<stream>/<session>.m3u8   the same of one show
//	<stream>/<segment>        a segment or an init segment of any session
//	<stream>/manifest.mpd     DASH, of the newest session
//
// No part of a path reaches the file system before it has matched the form of its name, and no
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
	if strings.HasSuffix(name, ".m3u8") || name == manifest {
		h.playlist(w, r, stream, name)
		return
	}
	session, kind := mediaFile(name)
	if session == "" {
		notFound(w)
		return
	}
	f, info := h.open(filepath.Join(stream, session, name))
	if f == nil {
		notFound(w)
		return
	}
	defer f.Close() //nolint:errcheck // only read
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// mediaFile is the session that a segment's name tells, and its media type; "" for any other name.
func mediaFile(name string) (session, kind string) {
	if m := segmentPattern.FindStringSubmatch(name); m != nil {
		if isFragment(name) {
			return m[1], "video/iso.segment"
		}
		return m[1], "video/mp2t"
	}
	if m := initPattern.FindStringSubmatch(name); m != nil {
		return m[1], "video/mp4"
	}
	if session, _ := dashFile(name); session != "" && !strings.HasSuffix(name, ".tmp") {
		return session, "video/iso.segment"
	}
	return "", ""
}

// Show is the path of a show's playlist below the folder, "" if the whole show is not there.
func (h Handler) Show(stream string, session time.Time) string {
	name := session.UTC().Format(stamp) + ".m3u8"
	f := h.openPlaylist(stream, name)
	if f == nil {
		return ""
	}
	_ = f.Close() // only looked for
	return stream + "/" + name
}

// playlist has no date: within one second it may change, and HTTP dates know no less.
func (h Handler) playlist(w http.ResponseWriter, r *http.Request, stream, name string) {
	f := h.openPlaylist(stream, name)
	if f == nil {
		notFound(w)
		return
	}
	defer f.Close() //nolint:errcheck // only read
	w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
	if name == manifest {
		w.Header().Set("Content-Type", "application/dash+xml")
	}
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, f)
}

// openPlaylist returns the playlist of that name, of the newest session that has one; nil if there is none.
func (h Handler) openPlaylist(stream, name string) *os.File {
	switch name {
	case master:
		f, _ := h.open(filepath.Join(stream, master))
		return f
	case playlist, wholeShow, manifest:
	default:
		session := strings.TrimSuffix(name, ".m3u8")
		if !sessionPattern.MatchString(session) {
			return nil
		}
		f, _ := h.open(filepath.Join(stream, session, wholeShow))
		return f
	}
	names, err := sessions(filepath.Join(h.Dir, stream))
	if err != nil {
		return nil
	}
	for _, session := range slices.Backward(names) {
		if f, _ := h.open(filepath.Join(stream, session, name)); f != nil {
			return f
		}
	}
	return nil
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
