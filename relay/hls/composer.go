package hls

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// composeEvery is how long a finished segment waits to be listed, at most. A look is a few calls of stat.
	composeEvery = 100 * time.Millisecond
	// quietAfter is how long nothing may be packaged of a session that is over until its playlist ends. Packagers that
	// do not listen take 5 s to go.
	quietAfter = 10 * time.Second
)

// Settings is what becomes of one stream's segments.
type Settings struct {
	Window int           // segments in the live playlist, at least
	DVR    time.Duration // how far back the live playlist goes, at least
	Keep   time.Duration // how long the whole show is there after its end; 0: it is not
	// Expected is how long a segment will be, as far as the stream's keyframes tell; 0: nobody knows.
	Expected time.Duration
	// Renditions are the streams of those that are made of this one to be packaged with it. Default: none are.
	Renditions []string
}

// Composer writes the playlists that players read: it follows what packaging children write and makes one row of it,
// whose numbers and dates never go back, whatever becomes of the children, the publisher or the relay.
//
//	child ─▶ <session>/parts/<begin>-<part>.m3u8 ┐              ┌─▶ <session>/index.m3u8   live
//	         <session>/*.ts, *.m4s               ├─▶ journal ──┼─▶ <session>/show.m3u8    the whole show, after its end
//	next child ─▶ another part ──────────────────┘              └─▶ <stream>/master.m3u8   all renditions
//
// EXT-X-TARGETDURATION is chosen with the first segment, a second longer than segments should be, so that a publisher's
// loss fits in, and is the same for all renditions of a stream (RFC 8216 section 6.2.4). Should a publisher send
// keyframes more seldom later on, so that a segment is longer all the same, it is raised once: a player that is told
// too little would stall, while one that reads a larger number only looks less often.
type Composer struct {
	Dir string
	// Settings are asked for often, by the stream's name or a rendition's, and must not block.
	Settings func(stream string) Settings
	// On tells the start of the session a stream is in. Default: no session is.
	On func(stream string) (start time.Time, on bool)
	// Report is told what could not be read or written; it is tried again. Default: nobody is.
	Report func(error)

	mu      sync.Mutex
	shows   map[place]*show
	done    map[place]bool // sessions that are over
	ladders map[string]ladder
	told    string
	resting bool
}

// place names a session's folder.
type place struct{ stream, session string }

// Serve composes until ctx is cancelled. A disk that cannot be written is no reason to end a show.
func (c *Composer) Serve(ctx context.Context) error {
	tick := time.NewTicker(composeEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			c.report(c.Compose(now))
		case <-ctx.Done():
			return nil
		}
	}
}

// report tells an error once, not ten times a second.
func (c *Composer) report(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != c.told && err != nil && c.Report != nil {
		c.Report(err)
	}
	c.told = text
}

// Compose looks once at all sessions that are not over.
func (c *Composer) Compose(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	streams, err := os.ReadDir(c.Dir)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("compose playlists: %w", err)
	}
	var failed error
	for _, s := range streams {
		if s.IsDir() && streamPattern.MatchString(s.Name()) {
			failed = errors.Join(failed, c.stream(s.Name(), now))
		}
	}
	if failed != nil {
		return fmt.Errorf("compose playlists: %w", failed)
	}
	return nil
}

func (c *Composer) stream(stream string, now time.Time) error {
	names, err := sessions(filepath.Join(c.Dir, stream))
	if err != nil {
		return err
	}
	c.forget(stream, names)
	var failed error
	for _, name := range names {
		at := place{stream, name}
		if c.done[at] {
			continue
		}
		s, err := c.open(at, names)
		if err == nil && s != nil {
			err = c.compose(at, s, now)
		}
		failed = errors.Join(failed, err)
	}
	if c.ladders[stream].waits() {
		failed = errors.Join(failed, c.writeMaster(stream, now))
	}
	return failed
}

// forget drops the sessions of a stream that are not on disk any more.
func (c *Composer) forget(stream string, names []string) {
	gone := func(at place) bool { return at.stream == stream && !slices.Contains(names, at.session) }
	maps.DeleteFunc(c.shows, func(at place, _ *show) bool { return gone(at) })
	maps.DeleteFunc(c.done, func(at place, _ bool) bool { return gone(at) })
}

// open returns a session's show, nil where it is over. names are all sessions of its stream, oldest first.
func (c *Composer) open(at place, names []string) (*show, error) {
	if s := c.shows[at]; s != nil {
		return s, nil
	}
	begin, err := time.Parse(stamp, at.session)
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", at.session, err)
	}
	before, err := c.before(at, names)
	if err != nil {
		return nil, err
	}
	s, err := openShow(filepath.Join(c.Dir, at.stream, at.session), begin, before)
	if err != nil {
		return nil, err
	}
	if s.ended {
		c.finished(at)
		return nil, nil
	}
	if c.shows == nil {
		c.shows = map[place]*show{}
	}
	c.shows[at] = s
	return s, nil
}

// before is where the newest session before one has come to.
func (c *Composer) before(at place, names []string) (timetable, error) {
	for _, name := range slices.Backward(names) {
		if name >= at.session {
			continue
		}
		s := c.shows[place{at.stream, name}]
		if s == nil {
			var err error
			if s, err = openShow(filepath.Join(c.Dir, at.stream, name), time.Unix(0, 0), timetable{}); err != nil {
				return timetable{}, err
			}
		}
		if len(s.all) > 0 {
			return s.timetable, nil
		}
	}
	return timetable{}, nil
}

func (c *Composer) finished(at place) {
	if c.done == nil {
		c.done = map[place]bool{}
	}
	c.done[at] = true
	delete(c.shows, at)
}

// compose brings one session up to date.
func (c *Composer) compose(at place, s *show, now time.Time) error {
	set := c.settings(at.stream)
	if s.ended {
		err := s.write(set.Keep > 0)
		if !s.dirty && (s.first == 0 || set.Keep > 0) {
			c.finished(at)
			return err
		}
		return errors.Join(err, s.trim(false, now))
	}
	err := c.catchUp(at, s, set, now)
	if err == nil && c.On != nil && !c.resting && !c.isOn(at) && now.Sub(s.changed) > quietAfter {
		return c.end(at, s)
	}
	return err
}

// catchUp lists what is new.
func (c *Composer) catchUp(at place, s *show, set Settings, now time.Time) error {
	s.target = max(s.target, c.shared(at, s))
	if err := s.absorb(set.Expected); err != nil {
		delete(c.shows, at) // it is read again
		return err
	}
	s.window(set.Window, set.DVR, now)
	if s.dirty {
		if err := errors.Join(s.write(set.Keep > 0), c.writeMaster(at.stream, now)); err != nil {
			return err
		}
	}
	return s.trim(set.Keep > 0, now)
}

// shared is the target duration that the other variants of a stream have chosen, 0 if none has.
func (c *Composer) shared(at place, s *show) int {
	target := 0
	for other, o := range c.shows {
		if o != s && !o.ended && source(other.stream) == source(at.stream) {
			target = max(target, o.target)
		}
	}
	return target
}

func source(stream string) string {
	name, _, _ := strings.Cut(stream, "@")
	return name
}

func (c *Composer) settings(stream string) Settings {
	if c.Settings == nil {
		return Settings{}
	}
	return c.Settings(stream)
}

func (c *Composer) isOn(at place) bool {
	if c.On == nil {
		return false
	}
	start, on := c.On(at.stream)
	return on && start.UTC().Format(stamp) == at.session
}

// End ends a session's playlist (RFC 8216 section 4.3.3.4): players stop instead of waiting. No child may be writing
// any more. Where the session is on, because its packager alone was stopped, it is left open: another may follow.
func (c *Composer) End(stream string, session time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := place{stream, session.UTC().Format(stamp)}
	if c.resting || c.done[at] || c.isOn(at) {
		return nil
	}
	names, err := sessions(filepath.Join(c.Dir, stream))
	if err != nil {
		return nil // nothing was packaged
	}
	s, err := c.open(at, names)
	if err != nil {
		return fmt.Errorf("end playlist: %w", err)
	}
	if s == nil || s.ended {
		return nil
	}
	return c.end(at, s)
}

func (c *Composer) end(at place, s *show) error {
	set := c.settings(at.stream)
	now := time.Now()
	err := c.catchUp(at, s, set, now)
	if err == nil {
		s.ended, s.dirty = true, true
		err = errors.Join(s.write(set.Keep > 0), c.writeMaster(at.stream, now))
	}
	if err != nil {
		return fmt.Errorf("end playlist: %w", err)
	}
	return nil
}

// Suspend keeps playlists from being ended: the relay stops, and the sessions that are on may go on when it is back.
// Recover ends those that do not.
func (c *Composer) Suspend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resting = true
}

// Recover takes up what a relay left that was killed: playlists get what its children finished, and end, but for those
// of sessions that go on, given by stream. Call it before packaging begins.
func (c *Composer) Recover(goesOn map[string]time.Time) error {
	now := time.Now()
	err := c.Compose(now)
	c.mu.Lock()
	defer c.mu.Unlock()
	for at, s := range maps.Clone(c.shows) {
		start, on := goesOn[source(at.stream)] // a rendition's session is its source's, or nearly
		if s.ended || on && at.session >= start.UTC().Format(stamp) {
			continue
		}
		err = errors.Join(err, c.end(at, s))
	}
	return err
}
