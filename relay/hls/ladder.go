package hls

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// ladderWithin is how long after a show's first segment its multivariant playlist waits for renditions, at most. Encoders
// are some tenths of a second behind; players read it once, and whoever read it before them would see no rendition for the
// whole show.
const ladderWithin = 10 * time.Second

// ladder is a stream's multivariant playlist.
type ladder struct {
	text    string
	session string    // the newest that it was written for
	young   string    // the newest there is
	since   time.Time // when the first segment of that was seen
}

// waits reports whether there is a newer session than it was written for.
func (l ladder) waits() bool { return l.young != l.session }

// writeMaster writes the multivariant playlist of a stream anew, if it says anything new. Of a session that has just begun
// it is not written before all renditions have a segment.
func (c *Composer) writeMaster(stream string, now time.Time) error {
	stream = source(stream)
	own, session := c.newest(stream, "")
	if own == nil {
		return nil
	}
	if c.ladders == nil {
		c.ladders = map[string]ladder{}
	}
	l := c.ladders[stream]
	if l.young != session {
		l.young, l.since = session, now
		c.ladders[stream] = l
	}
	if l.waits() && !own.ended && now.Sub(l.since) < ladderWithin && c.lacks(stream, session) {
		return nil
	}
	text := string(multivariant(c.variants(stream, own, session)))
	if text != "" && text != l.text {
		if err := replace(filepath.Join(c.Dir, stream, master), []byte(text)); err != nil {
			return fmt.Errorf("write multivariant playlist: %w", err)
		}
		l.text = text
	}
	l.session = session
	c.ladders[stream] = l
	return nil
}

// lacks reports whether a rendition of a session has no segment yet.
func (c *Composer) lacks(stream, session string) bool {
	return slices.ContainsFunc(c.settings(stream).Renditions, func(name string) bool {
		s, _ := c.newest(name, session)
		return s == nil
	})
}

// variants are those of a stream's newest session: itself, and the renditions that were packaged with it. One that has
// ended before the rest is none any more.
func (c *Composer) variants(stream string, own *show, session string) []variant {
	all := []variant{own.variant(playlist)}
	var names []string
	for at := range c.shows {
		if at.stream != stream && source(at.stream) == stream && !slices.Contains(names, at.stream) {
			names = append(names, at.stream)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if s, _ := c.newest(name, session); s != nil && (own.ended || !s.ended) {
			all = append(all, s.variant("../"+name+"/"+playlist))
		}
	}
	return all
}

// newest is a stream's newest session with segments that is not older than another, nil if there is none.
func (c *Composer) newest(stream, than string) (newest *show, session string) {
	for at, s := range c.shows {
		if at.stream == stream && len(s.all) > 0 && at.session >= max(than, session) {
			newest, session = s, at.session
		}
	}
	return newest, session
}
