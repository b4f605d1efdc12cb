package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"
)

// The sessions that are on are kept in data/state/sessions.json, so that a relay that was killed or restarted can go on
// with them: an encoder that returns within the hold continues its show, in one recording and one playlist.

// saveSessionsEvery is how long after it was last seen a session may be thought to have lived, in error.
const saveSessionsEvery = time.Second

// savedSession is a session that was on.
type savedSession struct {
	Start time.Time `json:"start"`
	Seen  time.Time `json:"seen"` // when it was last known to be on
	// Renditions are the starts of those of its renditions, by their streams' names.
	Renditions map[string]time.Time `json:"renditions,omitempty"`
}

func sessionsPath(data string) string { return filepath.Join(stateDir(data), "sessions.json") }

// saveSessions keeps the file as it is until ctx is cancelled, and leaves it as it was then.
func (h *house) saveSessions(ctx context.Context) error {
	tick := time.NewTicker(saveSessionsEvery)
	defer tick.Stop()
	some := true // what an earlier run left is written over in any case
	for {
		now := h.sessions()
		if len(now) > 0 || some {
			if err := writeState(sessionsPath(h.cfg.Data), now); err != nil {
				h.log.Warn("a restart would begin new sessions", zap.Error(err))
			}
		}
		some = len(now) > 0
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// sessions are those that are on now.
func (h *house) sessions() map[string]savedSession {
	now := map[string]savedSession{}
	for _, s := range h.cfg.Streams {
		status := h.hub.Stream(s.Name).Status()
		if status.Session == nil {
			continue
		}
		seen := time.Now().UTC()
		if status.Hold != nil {
			seen = status.Hold.Since.UTC() // a hold goes on where it was
		}
		now[s.Name] = savedSession{Start: *status.Session, Seen: seen, Renditions: h.renditionsOf(s.Name)}
	}
	return now
}

func (h *house) renditionsOf(stream string) map[string]time.Time {
	all := map[string]time.Time{}
	for _, s := range h.hub.Streams() {
		if strings.HasPrefix(s.Name(), stream+"@") {
			if start, on := h.sessionOf(s.Name()); on {
				all[s.Name()] = start
			}
		}
	}
	return all
}

// sessionOf is the start of the session that a stream is in, or that a rendition will go on with.
func (h *house) sessionOf(stream string) (start time.Time, on bool) {
	s := h.hub.Stream(stream)
	if s == nil { // a rendition that nobody needs any more
		return time.Time{}, false
	}
	if start, on := h.director.left.session(stream); on { // asked first: it is forgotten when it is on
		return start, true
	}
	return s.Session()
}

// earlierSessions are those that were on when the run before this one ended, by stream.
func (h *house) earlierSessions() map[string]savedSession {
	all := map[string]savedSession{}
	text, err := os.ReadFile(sessionsPath(h.cfg.Data))
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			h.log.Warn("sessions of the earlier run are not known: they are over", zap.Error(err))
		}
		return nil
	}
	return all
}

// leftSessions are those of them that an encoder may still return to.
func (h *house) leftSessions() map[string]savedSession {
	left := h.earlierSessions()
	still := map[string]savedSession{}
	for _, s := range h.cfg.Streams {
		if one, ok := left[s.Name]; ok && time.Since(one.Seen) < s.Hold.For && time.Since(one.Seen) >= 0 {
			still[s.Name] = one
		}
	}
	return still
}

// resume opens them again.
func (h *house) resume(left map[string]savedSession) {
	for name, s := range left {
		if h.hub.Stream(name).Resume(s.Start, s.Seen, "the relay was restarted") {
			h.log.Info("session goes on if its encoder returns", zap.String("stream", name), zap.Time("session", s.Start))
		}
	}
}
