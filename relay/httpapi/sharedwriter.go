package httpapi

import (
	"net/http"
	"regexp"
	"strings"
)

// How long caches between the relay and many viewers may keep a public stream's playlists. One that goes on is kept for a
// second, so that a crowd behind a CDN is one request a second: players ask once a segment, and browsers keep none of it.
// The playlist of one show that is over is named after it, and does not change any more.
const (
	keepLive = "public, max-age=0, s-maxage=1"
	keepShow = "public, max-age=3600"
)

var showName = regexp.MustCompile(`/\d{8}T\d{6}Z\.m3u8$`)

// sharedWriter is the answer with a public stream's playlist.
type sharedWriter struct {
	http.ResponseWriter
	keep  string
	begun bool
}

// shared has caches keep what they may of a public stream's playlists. Segments pass as they are.
func shared(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	switch {
	case showName.MatchString(r.URL.Path):
		return &sharedWriter{ResponseWriter: w, keep: keepShow}
	case isPlaylist(r.URL.Path):
		return &sharedWriter{ResponseWriter: w, keep: keepLive}
	}
	return w
}

func isPlaylist(path string) bool {
	return strings.HasSuffix(path, ".m3u8") || strings.HasSuffix(path, ".mpd")
}

// Unwrap is for http.ResponseController.
func (s *sharedWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// WriteHeader changes nothing about an answer that is not the playlist: it may be there a moment later.
func (s *sharedWriter) WriteHeader(code int) {
	s.begun = true
	if code == http.StatusOK || code == http.StatusPartialContent {
		s.Header().Set("Cache-Control", s.keep)
	}
	s.ResponseWriter.WriteHeader(code)
}

func (s *sharedWriter) Write(b []byte) (int, error) {
	if !s.begun {
		s.WriteHeader(http.StatusOK)
	}
	return s.ResponseWriter.Write(b)
}
