package httpflv

import (
	"net/http"
	"strings"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// defaultPatience is what Handler.Patience is by default.
const defaultPatience = 10 * time.Second

// Hub is where streams come from.
type Hub interface {
	// Listen joins a stream if a session is on. The subscription holds back up to limit bytes before it loses GOPs.
	Listen(stream string, limit int) (sub *relay.Subscription, on bool)
}

// Handler answers GET and HEAD of {file}, a stream's name and ".flv", from the newest keyframe to the end of the
// session. A stream that is off air is 404, with the time after which to ask again.
type Handler struct {
	Hub Hub
	// Patience is how long a viewer may take for one tag, keyframes of megabytes included, before the connection is
	// closed. Default: 10 s.
	Patience time.Duration
}

// ServeHTTP returns when the session is over or the viewer is gone.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	stream, isFLV := strings.CutSuffix(r.PathValue("file"), ".flv")
	if !isFLV {
		http.Error(w, "not here: ask for STREAM.flv", http.StatusNotFound)
		return
	}
	sub, on := h.Hub.Listen(stream, queue)
	if !on {
		offAir(w)
		return
	}
	defer sub.Close()
	v := viewer{sub: sub, w: w, control: http.NewResponseController(w), patience: h.Patience}
	if v.patience == 0 {
		v.patience = defaultPatience
	}
	if r.Method == http.MethodHead {
		v.announce()
		return
	}
	packets, err := v.join(r.Context())
	if err != nil {
		offAir(w) // over before its first keyframe
		return
	}
	v.announce()
	v.send(r.Context(), packets)
}

func offAir(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "2")
	http.Error(w, "this stream is off air", http.StatusNotFound)
}
