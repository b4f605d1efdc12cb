package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/output"
)

const watchStatusEvery = 2 * time.Second

// status shows what the running relay says of itself.
func status(c *cli.Context) error {
	data, err := dataFolder(c)
	if err != nil {
		return err
	}
	for {
		text, err := askStatus(c.Context, data)
		if err != nil {
			return err
		}
		if c.Bool("watch") {
			_, _ = io.WriteString(c.App.Writer, "\x1b[H\x1b[2J") // clear the screen
		}
		if err := showStatus(c.App.Writer, text, c.Bool("json")); err != nil || !c.Bool("watch") {
			return err
		}
		select {
		case <-time.After(watchStatusEvery):
		case <-c.Done():
			return nil
		}
	}
}

// dataFolder is where the running relay's state is. A mistake in restreamd.yml, which the relay lives through, is told
// and lived through here as well.
func dataFolder(c *cli.Context) (string, error) {
	cfg, err := load(c)
	if err == nil {
		return cfg.Data, nil
	}
	if c.Args().Present() {
		return "", err
	}
	say(c.App.ErrWriter, "restreamd: %v\n", err)
	return filepath.Abs(first(flag(c, "data"), config.Default().Data))
}

func askStatus(ctx context.Context, data string) ([]byte, error) {
	r, err := readRunFile(data)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.HTTP+"/api/v1/status", nil)
	if err != nil {
		return nil, fmt.Errorf("ask for status: %w", err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the relay does not answer: is it running? %w", err)
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	if err != nil {
		return nil, fmt.Errorf("ask for status: %w", err)
	}
	return text, nil
}

func showStatus(w io.Writer, text []byte, raw bool) error {
	if raw {
		_, err := w.Write(text)
		return err
	}
	var s httpapi.Snapshot
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("read status: %w", err)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(format string, a ...any) { _, _ = fmt.Fprintf(t, format, a...) }
	for _, stream := range s.Streams {
		line("%s: %s\n", stream.Name, describe(stream))
		if len(stream.Outputs) == 0 {
			continue // a rendition nobody but pushes wants
		}
		line("  OUTPUT\tSTATE\tFOR\tGRADE\tDROPS\tNOTE\n")
		for _, o := range stream.Outputs {
			all := notes(o, s.Now)
			line("  %s/%s\t%s\t%s\t%s\t%d\t%s\n", o.Kind, o.Name, o.State, s.Now.Sub(o.Since).Round(time.Second), grade(o, s.Now), o.Drops.GOPs, all[0])
			for _, note := range all[1:] {
				line("\t\t\t\t\t%s\n", note)
			}
		}
	}
	showEncoders(line, s.Encoders)
	for _, a := range s.Alarms {
		line("ALARM %s/%s: %s\n", a.Stream, a.Kind, a.Text)
	}
	showUploads(line, s.Uploads, s.Now)
	for _, p := range s.Problems {
		line("! %s\n", p.Error)
	}
	line("disk: %.1f GB free at %s\n", float64(s.Disk.Free)/1e9, s.Disk.Path)
	return t.Flush()
}

func showEncoders(line func(format string, a ...any), e httpapi.Encoders) {
	if len(e.Running) > 0 {
		line("encoders: %.1f of %.1f CPU cores\n", e.Used, e.Budget)
	}
	for _, one := range e.Running {
		line("  %s: %.1f cores, for %s\n", one.Name, one.Cores, strings.Join(one.For, ", "))
	}
	for _, r := range e.Refused {
		line("! no rendition for %s: %s\n", r.For, r.Why)
	}
}

// shownInstead says what outputs get while nobody publishes.
func shownInstead(h relay.HoldStatus) string {
	switch {
	case !h.Shown:
		return "held"
	case h.Slate:
		return "held with the slate"
	}
	return "held with the last picture"
}

// describe is a stream in one line.
func describe(s httpapi.Stream) string {
	p := s.Publisher
	switch {
	case p == nil && s.Hold != nil:
		return shownInstead(*s.Hold) + ": " + s.Hold.Why
	case p == nil:
		return "off air"
	}
	v, a := p.Media.Video, p.Media.Audio
	parts := []string{"on air"}
	rates := fmt.Sprintf("%.1f fps, %.1f Mb/s, keyframe every %.1f s", p.Rates.FPS, float64(p.Rates.VideoBitrate)/1e6, p.Rates.KeyframeInterval)
	switch {
	case v.Codec != "":
		parts = append(parts, fmt.Sprintf("%s %dx%d, %s", v.Codec, v.Width, v.Height, rates))
	case p.Rates.VideoBitrate > 0:
		parts = append(parts, rates)
	}
	if a.Codec != "" {
		parts = append(parts, fmt.Sprintf("%s %d Hz, %d ch", a.Codec, a.Rate, a.Channels))
	}
	if p.Remote == "" {
		return strings.Join(append(parts, p.Key), "; ") // made here, a rendition
	}
	parts = append(parts, fmt.Sprintf("key %q from %s", p.Key, p.Remote))
	for _, other := range s.Standby {
		parts = append(parts, fmt.Sprintf("%s %q stands by", other.Role, other.Key))
	}
	return strings.Join(parts, "; ")
}

// grade is how far a push's delivery is proven, and since when.
func grade(o httpapi.Output, now time.Time) string {
	if o.Delivery == nil {
		return "-"
	}
	return fmt.Sprintf("%s since %s", o.Delivery.Grade, clock(o.Delivery.Since, now))
}

// clock is a time of the day, with the day where that is not today.
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		return t.Format("2 Jan 15:04:05")
	}
	return t.Format("15:04:05")
}

// notes are what there is to know of an output, one line each, what is wrong first. There is at least one.
func notes(o httpapi.Output, now time.Time) []string {
	var all []string
	if o.Reason != "" {
		all = append(all, trouble(o, now))
	}
	var breaks, advice []string
	for _, f := range o.Findings {
		switch {
		case !f.Breaks:
			advice = append(advice, fmt.Sprintf("advice: %s: %s", f.Text, f.Fix))
		case o.From != "":
			advice = append(advice, fmt.Sprintf("would break, but it gets %s: %s: %s", o.From, f.Text, f.Fix))
		default:
			breaks = append(breaks, fmt.Sprintf("will break: %s: %s", f.Text, f.Fix))
		}
	}
	return slices.Concat(all, breaks, []string{way(o, now)}, advice)
}

func trouble(o httpapi.Output, now time.Time) string {
	text := o.Reason
	if o.Class != "" {
		text = fmt.Sprintf("%s: %s", o.Class, text)
	}
	if o.NextTry != nil {
		text = fmt.Sprintf("%s; next try in %s", text, max(o.NextTry.Sub(now), 0).Round(100*time.Millisecond))
	}
	return text
}

// way is where the media goes, and the numbers of a push's proof.
func way(o httpapi.Output, now time.Time) string {
	var parts []string
	if d := o.Delivery; d != nil && (d.Grade == output.Sent || d.Grade == output.Acked) {
		parts = append(parts, fmt.Sprintf("%.1f Mb/s, RTT %.0f ms, queue %.1f s, %d retransmits",
			float64(d.Bitrate)/1e6, d.RTT*1000, d.QueueAge, d.Retransmits))
	}
	if d := o.Delivery; d != nil && d.Grade != output.Acked && d.Proved != nil {
		parts = append(parts, "last acknowledged "+clock(*d.Proved, now))
	}
	if o.From != "" {
		parts = append(parts, "gets "+o.From)
	}
	return strings.Join(append(parts, o.Target), "; ")
}
