package recorder

import (
	"fmt"
	"strings"
	"time"
)

// chapter is a stretch of a finished file.
type chapter struct {
	start, end time.Duration
	title      string
}

// Titles of chapters. A recording may be given away: neither keys nor addresses are in it.
const (
	titleOnAir   = "On air"
	titleBackup  = "Backup"
	titleHold    = "Hold"
	titleNothing = "Interruption"
	after        = ", after " // begins what is added to one
)

const (
	// shortest is how short a chapter may be: so well is known where it begins.
	shortest = 500 * time.Millisecond
	// gap is how long nothing must have been recorded between two parts for that to be told. That time is known from
	// when the parts were last written, and not much better.
	gap = time.Second
)

// chapters says what is where in a file that is made of some parts. There are none where nothing happened.
//
// Parts follow each other at once: a time in which nothing was recorded takes no time in the file. Players and editors
// disagree on what a hole in the sound means, and some close it, which sets sound and picture apart from there on. The
// chapter that follows tells how much is missing.
func chapters(parts []*index, session []stretch) []chapter {
	var all []chapter
	var offset time.Duration
	for i, p := range parts {
		own := p.chapters
		if len(own) == 0 {
			own = p.told(session)
		}
		if i > 0 {
			if missing := p.begin().Sub(parts[i-1].until()); missing >= gap {
				own[0].title += after + spell(missing.Round(time.Second)) + " without recording"
			}
		}
		for _, c := range own {
			all = follows(all, chapter{c.start + offset, c.end + offset, c.title})
		}
		offset += p.lasts
	}
	if len(all) == 1 && all[0].title == titleOnAir {
		return nil
	}
	return all
}

// follows adds a chapter. It may go on with the one before, or be too short, or show that the one before is.
func follows(all []chapter, next chapter) []chapter {
	n := len(all)
	switch {
	case n == 0:
		return append(all, next)
	case all[n-1].title == next.title, strings.HasPrefix(all[n-1].title, next.title+after), next.end-next.start < shortest:
		all[n-1].end = next.end
		return all
	case all[n-1].end-all[n-1].start < shortest:
		next.start = all[n-1].start
		return follows(all[:n-1], next)
	}
	return append(all, next)
}

// told is what a file holds by what is known of its session. That its last packet came when it was last written is how
// one clock is compared with the other.
func (x *index) told(session []stretch) []chapter {
	length := x.duration()
	at := func(t time.Time) time.Duration { return min(max(t.Sub(x.begin()), 0), length) }
	var all []chapter
	add := func(until time.Duration, title string) {
		var from time.Duration
		if n := len(all); n > 0 {
			from = all[n-1].end
		}
		if until > from {
			all = follows(all, chapter{from, until, title})
		}
	}
	last := titleOnAir
	for _, s := range session {
		if s.who == down { // nothing was recorded then: since when is known to a second only
			continue
		}
		add(at(s.from), last)
		last = s.title()
	}
	add(length, last)
	if len(all) == 0 {
		all = []chapter{{0, length, last}}
	}
	return all
}

func (s stretch) title() string {
	switch s.who {
	case backup:
		return titleBackup
	case held:
		return titleHold
	case nobody:
		return titleNothing
	}
	return titleOnAir
}

// readChapters reads what readers of MP4 call Nero's chapters, a chpl box: starts in 100 ns, and titles. Each lasts
// until the next.
func readChapters(chpl []byte, length time.Duration) (all []chapter) {
	f := numbers(chpl, 8, 8)
	if len(f) == 0 {
		return nil
	}
	n := int(f[0])
	f.skip(1)
	for range n {
		start := time.Duration(f.u64()) * 100
		if len(f) == 0 {
			break
		}
		title := int(f[0])
		f.skip(1)
		c := chapter{start, length, string(f[:min(title, len(f))])}
		f.skip(title)
		if len(all) > 0 {
			all[len(all)-1].end = c.start
		}
		all = append(all, c)
	}
	return all
}

// metadata is what a file tells of itself, in ffmpeg's own form (ffmpeg-formats, Metadata): when it was recorded, in UTC and
// on the clock of this place, and its chapters.
func metadata(start time.Time, all []chapter) string {
	var b strings.Builder
	b.WriteString(";FFMETADATA1\n")
	fmt.Fprintf(&b, "creation_time=%s\ndate=%s\n", start.UTC().Format(time.RFC3339), start.Local().Format(time.RFC3339))
	escape := strings.NewReplacer("\\", "\\\\", "=", "\\=", ";", "\\;", "#", "\\#", "\n", " ")
	for _, c := range all {
		fmt.Fprintf(&b, "[CHAPTER]\nTIMEBASE=1/1000\nSTART=%d\nEND=%d\ntitle=%s\n",
			c.start.Milliseconds(), c.end.Milliseconds(), escape.Replace(c.title))
	}
	return b.String()
}
