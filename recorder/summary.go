package recorder

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// Summarize tells people, in Markdown, what a session's black box holds.
func Summarize(entries io.Reader, w io.Writer) error {
	s, err := readStory(entries)
	if err != nil {
		return err
	}
	p := page{Writer: bufio.NewWriter(w), began: s.began.UTC()}
	p.head(s)
	p.publishers(s)
	p.interruptions(s)
	p.outputs(s)
	if err := p.Flush(); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// page is a summary being written. Its first failure to write is told at the end.
type page struct {
	*bufio.Writer
	began time.Time
}

func (p page) line(format string, a ...any) { _, _ = fmt.Fprintf(p, format+"\n", a...) }

func (p page) head(s *story) {
	p.line("# %s, %s\n", plain(s.stream), p.began.Format("2 January 2006, 15:04 UTC"))
	if s.began.IsZero() {
		p.line("The black box is empty.")
		return
	}
	ended := "until"
	if !s.over {
		ended = "as far as is known until"
	}
	p.line("From %s %s %s UTC: %s.", p.clock(s.began), ended, p.clock(s.last), spell(s.last.Sub(s.began)))
	if s.received.count > 0 {
		p.line("Received: %s on average.", s.received)
	}
	if s.opened > 1 {
		p.line("The relay was started again in between: %s.", times(s.opened-1))
	}
	if !s.full.IsZero() {
		p.line("The black box was full at %s: bitrates and drops are those until then.", p.clock(s.full))
	}
	if s.missed > 0 {
		p.line("The disk was too slow for the black box: it lacks %d entries.", s.missed)
	}
}

func (p page) publishers(s *story) {
	if len(s.visits) == 0 {
		return
	}
	p.line("\n## Who published\n")
	p.line("| key | from | came | went |")
	p.line("|---|---|---|---|")
	for _, v := range s.visits {
		key := plain(v.key)
		if v.role == "backup" {
			key += " (backup)"
		}
		p.line("| %s | %s | %s | %s |", key, plain(v.from), p.clock(v.came), p.wentLike(v))
	}
}

func (p page) wentLike(v visit) string {
	switch {
	case v.went.IsZero():
		return "–"
	case v.lost:
		return p.clock(v.went) + ", lost: " + plain(v.why)
	}
	return p.clock(v.went) + ", said goodbye"
}

func (p page) interruptions(s *story) {
	p.line("\n## Interruptions\n")
	any := false
	for i, st := range s.stretches {
		shown := st.shown(i == 0)
		if shown == "" {
			continue
		}
		if !any {
			p.line("| since | for | why | viewers saw |")
			p.line("|---|---|---|---|")
		}
		any = true
		why := st.why
		if why == "" {
			why = "–"
		}
		p.line("| %s | %s | %s | %s |", p.clock(st.from), spell(st.lasted()), plain(why), shown)
	}
	if !any {
		p.line("None.")
	}
}

// shown is what viewers saw instead of the publisher; "" where that is no interruption.
func (s stretch) shown(first bool) string {
	switch {
	case s.who == held:
		return "the hold: a still or the slate, no sound"
	case s.who == nobody, s.who == down:
		return "nothing new"
	case s.who == backup && !first:
		return "the backup, " + plain(s.key)
	}
	return ""
}

func (p page) outputs(s *story) {
	if len(s.outputs) == 0 {
		return
	}
	p.line("\n## Where it went\n")
	p.line("| output | viewers missed | starts | failures | dropped packets | bitrate on average |")
	p.line("|---|---|---|---|---|---|")
	failed := false
	for _, o := range s.outputs {
		missed := "–"
		if o.missed >= time.Second {
			missed = spell(o.missed)
		}
		count := 0
		for _, f := range o.failures {
			count += f.count
		}
		failed = failed || count > 0
		p.line("| %s | %s | %d | %d | %.0f | %s |", plain(o.name), missed, o.starts, count, o.drops.sum, o.bitrate)
	}
	if failed {
		p.failures(s)
	}
}

func (p page) failures(s *story) {
	p.line("\n## What failed\n")
	for _, o := range s.outputs {
		for _, f := range o.failures {
			when := "at " + p.clock(f.first)
			if f.count > 1 {
				when = fmt.Sprintf("%s, first %s", times(f.count), when)
			}
			p.line("- %s, %s, %s: %s", plain(o.name), when, plain(f.class), plain(f.why))
		}
	}
}

// clock is a time of day, with the day where that is not the first.
func (p page) clock(t time.Time) string {
	t = t.UTC()
	if t.YearDay() != p.began.YearDay() {
		return t.Format("2 Jan 15:04:05")
	}
	return t.Format("15:04:05")
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// spell says how long something lasted, to what matters of it.
func spell(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
	case d.Round(time.Second) < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	d = d.Round(time.Second)
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case h > 0:
		return fmt.Sprintf("%d h %d min", h, m)
	case s == 0:
		return fmt.Sprintf("%d min", m)
	}
	return fmt.Sprintf("%d min %d s", m, s)
}

// plain makes others' words a part of a line: no table, link or tag begins in it.
func plain(words string) string {
	words = strings.Join(strings.Fields(words), " ")
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "`", "'", "[", `\[`, "*", `\*`).Replace(words)
}
