package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/restreamd/restreamd/relay/output"
)

// Alarm is something that costs a show, or a part of it, until a person does something.
type Alarm struct {
	Stream string    `json:"stream"`
	Kind   string    `json:"kind"` // of the output it concerns: "record", "hls"
	Name   string    `json:"name"` // of the output
	Text   string    `json:"text"` // what is wrong and what to do
	Since  time.Time `json:"since"`
}

// Recorder starts and stops recordings by hand and makes clips of them.
type Recorder interface {
	// Recording returns how a stream is recorded; ErrNoStream.
	Recording(stream string) (Recording, error)
	// Record has a stream recorded or not until the end of its session; ErrNoStream, ErrOffAir.
	Record(stream string, on bool) error
	// Clip makes a file of the last so much of a running show; ErrNoStream, or another that says why there is none.
	Clip(ctx context.Context, stream string, length time.Duration) (Clip, error)
}

// What a Recorder cannot do.
var (
	ErrNoStream = errors.New("there is no such stream")
	ErrOffAir   = errors.New("the stream is off air: its next session is recorded as restreamd.yml says")
)

// Recording is how a stream is recorded.
type Recording struct {
	Stream     string       `json:"stream"`
	On         bool         `json:"on"`         // it is to be recorded; Reason says why it is not, if it is not
	ByHand     bool         `json:"by_hand"`    // somebody said so; until the end of the session
	Configured bool         `json:"configured"` // record.enabled
	State      output.State `json:"state"`      // of its recorder
	Reason     string       `json:"reason,omitempty"`
}

// Clip is a file made of the end of a running show.
type Clip struct {
	File    string  `json:"file"`    // in the folder of recordings
	Seconds float64 `json:"seconds"` // it lasts
	Bytes   int64   `json:"bytes"`
}

const (
	usualClip = 60   // seconds
	maxClip   = 3600 // seconds
	maxOrder  = 4096 // bytes of a request's body
)

// recording adds the routes of recordings.
func (s *Server) recording(mux *http.ServeMux) {
	if s.Recorder == nil {
		return
	}
	mux.HandleFunc("GET /api/v1/streams/{stream}/record", s.recordState)
	mux.HandleFunc("POST /api/v1/streams/{stream}/record", s.admin(s.record))
	mux.HandleFunc("POST /api/v1/streams/{stream}/clip", s.admin(s.clip))
}

func (s *Server) recordState(w http.ResponseWriter, r *http.Request) {
	now, err := s.Recorder.Recording(r.PathValue("stream"))
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, now)
}

// record takes ?on=true or false, or the same as JSON, and answers with how the stream is recorded now.
func (s *Server) record(w http.ResponseWriter, r *http.Request) {
	on, err := readOn(w, r)
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	if err := s.Recorder.Record(r.PathValue("stream"), on); err != nil {
		refuse(w, err)
		return
	}
	s.recordState(w, r)
}

func readOn(w http.ResponseWriter, r *http.Request) (on bool, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxOrder)
	if text := r.URL.Query().Get("on"); text != "" {
		if on, err = strconv.ParseBool(text); err != nil {
			return false, fmt.Errorf("on is %q: write on=true or on=false", text)
		}
		return on, nil
	}
	var order struct {
		On *bool `json:"on"`
	}
	if err := json.NewDecoder(r.Body).Decode(&order); err != nil || order.On == nil {
		return false, errors.New(`say whether to record: ?on=true or ?on=false, or {"on": true} as JSON`)
	}
	return *order.On, nil
}

// clip makes a clip of the last ?seconds=60.
func (s *Server) clip(w http.ResponseWriter, r *http.Request) {
	seconds := usualClip
	if text := r.URL.Query().Get("seconds"); text != "" {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > maxClip {
			answer(w, http.StatusBadRequest, map[string]string{"error": fmt.Sprintf("seconds must be a whole number from 1 to %d", maxClip)})
			return
		}
		seconds = n
	}
	made, err := s.Recorder.Clip(r.Context(), r.PathValue("stream"), time.Duration(seconds)*time.Second)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusCreated, made)
}

func refuse(w http.ResponseWriter, err error) {
	code := http.StatusConflict
	if errors.Is(err, ErrNoStream) {
		code = http.StatusNotFound
	}
	answer(w, code, map[string]string{"error": err.Error()})
}
