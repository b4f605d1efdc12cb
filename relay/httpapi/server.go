package httpapi

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/secret"
)

//go:embed web
var web embed.FS

const (
	headerTimeout   = 10 * time.Second
	idleTimeout     = 2 * time.Minute
	readTimeout     = 30 * time.Second // of a whole request: nobody sends more than a few bytes
	maxHeaderBytes  = 16 << 10
	shutdownTimeout = time.Second
)

// Server answers HTTP.
type Server struct {
	Reporter   Reporter
	Controller Controller
	History    Historian // default: there is none
	Recorder   Recorder  // default: there is nothing to record with
	Viewers    Viewers
	HLS        http.Handler // /hls/{stream}/{file}
	FLV        http.Handler // /flv/{file}
	Thumbnail  http.Handler // /api/v1/streams/{stream}/thumbnail.jpg
	AdminToken secret.String
	Log        *zap.Logger

	// Known says whether the relay goes by a name that a browser used for it. Default: by any.
	Known func(host string) bool
	// Places is how many connections may be open at once. Default: no limit.
	Places func() int
}

// Serve answers on ln until ctx is cancelled. Requests under way have a second to end then.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	crowd := guests{most: s.Places}
	srv := &http.Server{
		Handler:           s.Handler(),
		ConnState:         crowd.see,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writePatience, // renewed by what takes longer
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(quietWriter{s.Log}, "", 0),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		patience, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		if srv.Shutdown(patience) != nil {
			_ = srv.Close()
		}
	})
	err := srv.Serve(ln)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve HTTP: %w", err)
}

// quietWriter takes net/http's complaints about peers: they are not news.
type quietWriter struct{ log *zap.Logger }

func (w quietWriter) Write(p []byte) (int, error) {
	w.log.Debug("http", zap.ByteString("message", p))
	return len(p), nil
}

// Handler returns all routes.
func (s *Server) Handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collector{s.Reporter})
	folder, _ := fs.Sub(web, "web") // it is compiled in
	files := readFiles(folder)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page(files, "dashboard.html"))
	mux.HandleFunc("GET /static/{file}", static(files))
	s.playback(mux, page(files, "watch.html"))
	mux.HandleFunc("GET /api/v1/status", s.status)
	mux.HandleFunc("GET /api/v1/sessions", s.sessions)
	mux.HandleFunc("GET "+ClockPath, clock)
	mux.HandleFunc("POST /api/v1/outputs/{stream}/{kind}/{name}/retry", s.admin(s.retry))
	mux.HandleFunc("POST /api/v1/streams/{stream}/disconnect", s.admin(s.disconnect))
	mux.HandleFunc("POST /api/v1/streams/{stream}/switch", s.admin(s.change))
	s.recording(mux)
	mux.HandleFunc("POST /api/v1/streams/{stream}/viewers", s.admin(s.pass))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", s.ready)
	return guard(s.named(mux))
}

// playback are the routes on which a stream is watched.
func (s *Server) playback(mux *http.ServeMux, player http.Handler) {
	stream := func(r *http.Request) string { return r.PathValue("stream") }
	file := func(r *http.Request) string { return strings.TrimSuffix(r.PathValue("file"), ".flv") }
	for path, handler := range map[string]http.Handler{
		"/watch/{stream}":                        s.watched(stream, player),
		"/hls/{stream}/{file}":                   s.watched(stream, patient(s.HLS)),
		"/flv/{file}":                            s.watched(file, s.FLV), // has deadlines of its own
		"/api/v1/streams/{stream}/thumbnail.jpg": s.watched(stream, patient(s.Thumbnail)),
	} {
		mux.Handle("GET "+path, handler)
		mux.Handle("OPTIONS "+path, handler)
	}
}

// named refuses requests for names that are not the relay's: a page of another site could have its own name point here
// and read everything as if it were its own (DNS rebinding).
func (s *Server) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Known != nil && !s.Known(hostname(r.Host)) {
			deny(w, http.StatusMisdirectedRequest, "this relay does not go by that name: ask for localhost or its address, or add the name to http.hosts in restreamd.yml")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostname is a Host header without port and brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// guard sets what every answer carries: nothing here may be framed, sniffed or fed scripts from elsewhere.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:")
		next.ServeHTTP(w, r)
	})
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.Reporter.Snapshot())
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if !s.Reporter.Snapshot().Ready {
		http.Error(w, "not accepting publishers", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}

func (s *Server) retry(w http.ResponseWriter, r *http.Request) {
	id := output.ID{Stream: r.PathValue("stream"), Kind: r.PathValue("kind"), Name: r.PathValue("name")}
	done(w, s.Controller.Retry(id), "no such output is waiting for its next try")
}

func (s *Server) disconnect(w http.ResponseWriter, r *http.Request) {
	done(w, s.Controller.Disconnect(r.PathValue("stream")), "no publisher is on that stream")
}

// change switches to the publisher that ?to= names by its key or role; by default to the one that stands by.
func (s *Server) change(w http.ResponseWriter, r *http.Request) {
	name, to := r.PathValue("stream"), r.FormValue("to")
	if to == "" {
		for _, stream := range s.Reporter.Snapshot().Streams {
			if stream.Name == name && len(stream.Standby) > 0 {
				to = stream.Standby[0].Key
			}
		}
	}
	err := s.Controller.Switch(name, to)
	done(w, err == nil, fmt.Sprintf("switch: %v", err))
}

// admin lets a request through that carries the admin token: "Authorization: Bearer TOKEN".
func (s *Server) admin(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.isAdmin(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="restreamd"`)
			answer(w, http.StatusUnauthorized, map[string]string{"error": "this needs the admin token: Authorization: Bearer TOKEN"})
			return
		}
		next(w, r)
	}
}

func (s *Server) isAdmin(r *http.Request) bool {
	token, _ := bearer(r)
	return !s.AdminToken.IsZero() && s.AdminToken.Equal(token)
}

func bearer(r *http.Request) (secret.String, bool) {
	const scheme = "Bearer "
	h := r.Header.Get("Authorization")
	if len(h) <= len(scheme) || h[:len(scheme)] != scheme {
		return secret.String{}, false
	}
	return secret.New(h[len(scheme):]), true
}

func done(w http.ResponseWriter, ok bool, otherwise string) {
	if !ok {
		answer(w, http.StatusConflict, map[string]string{"error": otherwise})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the peer went away
}
