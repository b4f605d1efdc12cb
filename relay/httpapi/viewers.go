package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/restreamd/restreamd/relay/secret"
)

// Playback is who may watch a stream.
type Playback string

// The ways of playback.
const (
	PlaybackPublic Playback = "public" // whoever reaches the port
	PlaybackToken  Playback = "token"  // whom Viewers.Admit lets in
	PlaybackNone   Playback = "none"   // nobody
)

// ErrNoToken is what Viewers.Admit returns, perhaps wrapped, for a request that brought none or one that is not valid;
// any other error is for one that is valid for something else.
var ErrNoToken = errors.New("this stream is for approved viewers: it needs a link that ends in ?token=…")

// ErrNoPass is what Viewers.Pass returns for a stream that nobody needs a token for, or that nobody may watch.
var ErrNoPass = errors.New("that stream is not watched by tokens: see playback in restreamd.yml")

// Terms are on what terms a stream is watched.
type Terms struct {
	Playback Playback
	Origins  []string // whose pages may read a stream that wants a token, as browsers write them
}

// Pass is a token that was made for somebody to watch a stream.
type Pass struct {
	Token   secret.String
	Expires time.Time
}

// Viewers decides who may watch which stream.
type Viewers interface {
	// Terms returns those of a stream or of one of its renditions; PlaybackNone for a stream that is unknown.
	Terms(stream string) Terms
	// Admit lets a request in that brings a token for the stream as ?token= or says why not.
	Admit(r *http.Request, stream string) error
	// Pass makes a token for somebody who has the admin token; ErrNoStream, ErrNoPass.
	Pass(stream string) (Pass, error)
}

// watched lets requests through that may watch the stream which name finds in them, and sees to what others may keep
// and read of the answers. Whatever shows pictures or sound of a stream stands behind it.
func (s *Server) watched(name func(*http.Request) string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream := name(r)
		terms := s.Viewers.Terms(stream)
		terms.share(w.Header(), r.Header.Get("Origin"))
		switch {
		case r.Method == http.MethodOptions:
			preflight(w)
			return
		case terms.Playback == PlaybackPublic:
			next.ServeHTTP(shared(w, r), r)
			return
		case terms.Playback == PlaybackNone:
			deny(w, http.StatusNotFound, "there is nothing to watch here: no such stream, or its playback is off")
			return
		}
		if err := s.Viewers.Admit(r, stream); err != nil && !s.isAdmin(r) {
			code := http.StatusForbidden
			if errors.Is(err, ErrNoToken) {
				code = http.StatusUnauthorized
				w.Header().Set("WWW-Authenticate", `Bearer realm="viewers"`)
			}
			deny(w, code, err.Error())
			return
		}
		p := newPrivateWriter(w, r)
		defer p.finish()
		next.ServeHTTP(p, p.plain(r))
	})
}

// deny may be wrong a moment later: nobody shall keep it.
func deny(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, why, code)
}

// share has pages of other origins read the answer: those of any origin a public stream's, those listed another's.
func (t Terms) share(h http.Header, origin string) {
	if t.Playback == PlaybackPublic {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Set("Vary", "Origin")
		if origin == "" || !slices.Contains(t.Origins, origin) {
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
	}
	h.Set("Access-Control-Expose-Headers", "Content-Length, Content-Range, Retry-After")
}

// preflight answers what browsers ask before requests that carry more than the usual headers. Nobody is let in by it.
func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Allow", "GET, HEAD, OPTIONS")
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "Authorization, Range")
		h.Set("Access-Control-Max-Age", strconv.Itoa(int((10 * time.Minute).Seconds())))
	}
	w.WriteHeader(http.StatusNoContent)
}

// pass makes a link for whoever runs the relay to a stream that wants a token.
func (s *Server) pass(w http.ResponseWriter, r *http.Request) {
	stream := r.PathValue("stream")
	p, err := s.Viewers.Pass(stream)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusCreated, map[string]any{
		"token": p.Token.Reveal(), "path": "/watch/" + stream + "?token=" + p.Token.Reveal(), "expires": p.Expires,
	})
}
