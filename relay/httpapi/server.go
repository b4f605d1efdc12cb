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
	maxHeaderBytes  = 16 << 10
	shutdownTimeout = time.Second
)

// Server answers HTTP.
type Server struct {
	Reporter   Reporter
	Controller Controller
	HLS        http.Handler // /hls/{stream}/{file}
	Thumbnail  http.Handler // /api/v1/streams/{stream}/thumbnail.jpg
	AdminToken secret.String
	Log        *zap.Logger
}

// Serve answers on ln until ctx is cancelled. Requests under way have a second to end then.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTimeout,
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
	mux.HandleFunc("GET /watch/{stream}", page(files, "watch.html"))
	mux.HandleFunc("GET /static/{file}", static(files))
	mux.Handle("GET /hls/{stream}/{file}", s.HLS)
	mux.HandleFunc("GET /api/v1/status", s.status)
	mux.Handle("GET /api/v1/streams/{stream}/thumbnail.jpg", s.Thumbnail)
	mux.HandleFunc("POST /api/v1/outputs/{stream}/{kind}/{name}/retry", s.admin(s.retry))
	mux.HandleFunc("POST /api/v1/streams/{stream}/disconnect", s.admin(s.disconnect))
	mux.HandleFunc("POST /api/v1/streams/{stream}/switch", s.admin(s.change))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", s.ready)
	return guard(mux)
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
		token, _ := bearer(r)
		if s.AdminToken.IsZero() || !s.AdminToken.Equal(token) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="restreamd"`)
			answer(w, http.StatusUnauthorized, map[string]string{"error": "this needs the admin token: Authorization: Bearer TOKEN"})
			return
		}
		next(w, r)
	}
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
