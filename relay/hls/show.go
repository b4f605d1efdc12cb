package hls

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// leaveMargin is how much longer than RFC 8216 section 6.2.2 asks a segment stays that has left the playlist.
	leaveMargin = 10 * time.Second
	// leastTargets is how many target durations a live playlist always holds (RFC 8216 section 6.2.2).
	leastTargets = 3
	// longestShow is what is kept of one show for later, its newest part.
	longestShow = 24 * time.Hour
)

// show is one session's playlist and what it is made of. It belongs to the composer.
type show struct {
	dir string // its folder
	timetable
	journal journal
	all     []segment // on disk, in order
	first   int       // of all, in the live playlist; those before it have left
	left    []time.Time
	parts   map[string]*part
	newest  string // the part whose segment is the newest
	pace    bitrate
	facts   facts
	changed time.Time
	ended   bool
	dirty   bool // the live playlist on disk is an older one
}

// timetable is what a session's numbers and dates go on from.
type timetable struct {
	target int       // seconds
	next   int64     // media sequence number
	breaks int64     // discontinuity sequence number
	end    time.Time // of the newest segment
}

// openShow reads what is known of a session. Numbers of one that is new go on after those of the one before it, before.
func openShow(dir string, begin time.Time, before timetable) (*show, error) {
	s := &show{dir: dir, parts: map[string]*part{}, changed: time.Now()}
	var err error
	if s.journal, s.all, err = readJournal(dir); err != nil {
		return nil, err
	}
	s.target = s.journal.target
	// Segments are longer than half a second and sessions have gaps between them: seconds of the wall clock are ahead of
	// any number there was, should the sessions before have been removed by hand.
	s.next, s.breaks = max(before.next, begin.Unix()), before.breaks
	if before.next > 0 {
		s.breaks++
	}
	for _, g := range s.all {
		s.follow(g)
	}
	if text, err := os.ReadFile(filepath.Join(dir, playlist)); err == nil {
		s.ended = bytes.HasSuffix(text, []byte(endList))
		first := firstListed(text)
		s.first = max(slices.IndexFunc(s.all, func(g segment) bool { return g.Name == first }), 0)
	}
	for range s.first { // nobody knows any more when they left
		s.left = append(s.left, time.Now().Add(s.listed()+leaveMargin))
	}
	return s, nil
}

// follow takes a segment's place in the row.
func (s *show) follow(g segment) {
	s.next, s.breaks, s.end = g.Number+1, g.Breaks, g.end()
	s.pace.add(g, s.target)
	m := segmentName(g.Name)
	s.newest = m.part
	p := s.part(m.part)
	p.last, p.at = m.number, s.end
}

// firstListed is the name of a playlist's first segment, "" where it has none.
func firstListed(text []byte) string {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return string(line)
		}
	}
	return ""
}

func (s *show) part(id string) *part {
	if s.parts[id] == nil {
		s.parts[id] = &part{id: id}
	}
	return s.parts[id]
}

// absorb takes what children have written since the last time. expected is the length of a segment of this stream.
// After an error what is in memory is no longer what is on disk.
func (s *show) absorb(expected time.Duration) error {
	files, err := partFiles(s.dir)
	if err != nil {
		return err
	}
	var fresh []segment
	for _, f := range files {
		p := s.part(f.id)
		if p.at.IsZero() {
			p.at = time.UnixMilli(f.begin)
		}
		written, err := p.news(f.path)
		if err != nil {
			return err
		}
		for _, w := range written {
			if g, ok := s.take(p, w); ok {
				fresh = append(fresh, g)
			}
		}
	}
	if len(fresh) > 0 {
		if err := s.keep(fresh, expected); err != nil {
			return err
		}
	}
	for i := range len(files) - 1 { // their children were succeeded by others
		if err := os.Remove(files[i].path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove what was read: %w", err)
		}
	}
	return nil
}

// take gives a segment its place: ok is false where it is known, gone, or repeats what is there already.
//
// A child that takes over begins at the newest keyframe, which its predecessor may have packaged already if it was
// stopped in order. What viewers have seen more than half of is left out.
func (s *show) take(p *part, w written) (g segment, ok bool) {
	if w.number <= p.last {
		return g, false
	}
	begins, joined := p.at, s.newest == p.id && w.number == p.last+1
	p.at, p.last = p.at.Add(seconds(w.length)), w.number
	info, err := os.Stat(filepath.Join(s.dir, w.name))
	if err != nil || info.Size() == 0 || s.end.Sub(begins) > seconds(w.length/2) {
		return g, false
	}
	if begins.Before(s.end) {
		begins = s.end
	}
	g = segment{Number: s.next, Breaks: s.breaks, Name: w.name, Map: w.initName, Length: w.length, At: begins, Size: info.Size()}
	if !joined && (len(s.all) > 0 || s.newest != "" || s.breaks > 0) {
		g.Break = true
	}
	if g.Break && s.newest != "" {
		g.Breaks++ // that of a session's first segment was counted when the session was opened
	}
	s.next, s.breaks, s.end, s.newest = g.Number+1, g.Breaks, g.end(), p.id
	return g, true
}

// keep writes fresh segments into the journal, and so makes them the session's.
func (s *show) keep(fresh []segment, expected time.Duration) error {
	target := s.target
	if target == 0 {
		target = fresh[0].rounded() + 1
		target = max(target, int(math.Ceil(expected.Seconds()))+1)
	}
	var lines []entry
	for i := range fresh {
		target = max(target, fresh[i].rounded())
		lines = append(lines, entry{Segment: &fresh[i]})
	}
	if target != s.journal.target {
		lines = append([]entry{{Target: target}}, lines...)
	}
	if err := s.journal.append(lines...); err != nil {
		return err
	}
	s.target = target
	for _, g := range fresh {
		s.pace.add(g, target)
		if g.Break || len(s.all) == 0 {
			s.facts = s.facts.or(factsOf(s.dir, g))
		}
		s.all = append(s.all, g)
	}
	s.changed, s.dirty = time.Now(), true
	return nil
}

// listed is how long the live playlist is.
func (s *show) listed() time.Duration {
	var sum float64
	for _, g := range s.all[s.first:] {
		sum += g.Length
	}
	return seconds(sum)
}

// window moves the live playlist on: it holds so many segments, a span and three target durations at least.
func (s *show) window(count int, span time.Duration, now time.Time) {
	length := s.listed()
	least := max(span, time.Duration(leastTargets*s.target)*time.Second)
	for len(s.all)-s.first > count {
		oldest := seconds(s.all[s.first].Length)
		if length-oldest < least {
			return
		}
		s.left = append(s.left, now.Add(length+oldest+leaveMargin))
		s.first++
		length -= oldest
	}
}

// trim removes segments that nobody can ask for any more; where the show is kept, those beyond its longest alone.
func (s *show) trim(kept bool, now time.Time) error {
	var failed error
	gone := 0
	for gone < s.first && s.left[gone].Before(now) {
		if kept && s.end.Sub(s.all[gone].At) < longestShow {
			break
		}
		if err := os.Remove(filepath.Join(s.dir, s.all[gone].Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = fmt.Errorf("remove old segment: %w", err)
			break
		}
		gone++
	}
	if gone == 0 {
		return failed
	}
	s.all, s.left, s.first = slices.Delete(s.all, 0, gone), slices.Delete(s.left, 0, gone), s.first-gone
	return errors.Join(failed, s.journal.compact(s.all, s.target))
}

// write replaces the playlists where they are out of date: the live one and, where the show is over and kept, that of all
// of it. A session that nothing was packaged of gets none.
func (s *show) write(kept bool) error {
	if !s.dirty || len(s.all) == 0 {
		return nil
	}
	if s.ended && kept {
		if err := replace(filepath.Join(s.dir, wholeShow), mediaPlaylist(s.all, s.target, true, true)); err != nil {
			return fmt.Errorf("write playlist of the show: %w", err)
		}
	}
	if err := replace(filepath.Join(s.dir, playlist), mediaPlaylist(s.all[s.first:], s.target, false, s.ended)); err != nil {
		return fmt.Errorf("write playlist: %w", err)
	}
	s.dirty = false
	return nil
}

// variant is the show as a multivariant playlist names it.
func (s *show) variant(uri string) variant {
	v := variant{uri: uri, facts: s.facts}
	v.peak, v.average = s.pace.rates()
	return v
}
