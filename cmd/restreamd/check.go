package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/push"
	"github.com/restreamd/restreamd/relay/rendition"
)

// check loads everything and prints what would run, and what that changes.
func check(c *cli.Context) error {
	cfg, err := load(c)
	if err != nil {
		return err
	}
	snapshot := config.LoadDir(cfg.Destinations, cfg.Known())
	printPlan(c.App.Writer, cfg, snapshot)
	printChanges(c.App.Writer, cfg.Data, snapshot)
	var mistakes []error
	for _, p := range snapshot.Problems {
		mistakes = append(mistakes, p.Err)
	}
	mistakes = append(mistakes, checkSlates(c.Context, cfg, ffmpeg.Env()))
	if err := errors.Join(mistakes...); err != nil {
		return usageError{err}
	}
	return nil
}

// printPlan writes a table of all outputs and, below, what encodes for them, what is off or was put right, and what
// platforms want.
func printPlan(w io.Writer, cfg *settings, s config.Snapshot) {
	now := time.Now()
	outputs, plan := foresee(cfg, s, now)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush() //nolint:errcheck // to a terminal
	line := func(format string, a ...any) { _, _ = fmt.Fprintf(t, format, a...) }
	line("STREAM\tOUTPUT\tNAME\tTARGET\tKEY\n")
	for _, o := range outputs {
		key := "-"
		if o.ID.Kind == kindPush {
			key = "***"
		}
		line("%s\t%s\t%s\t%s\t%s\n", o.ID.Stream, o.ID.Kind, o.ID.Name, o.Target, key)
	}
	printUploads(line, cfg.Streams)
	for _, e := range plan.Encoders {
		line("encoder of %s: about %.1f CPU cores, for %s\n", e.Name, e.Cores, strings.Join(e.For, ", "))
	}
	for _, r := range plan.Refused {
		line("no encoder for %s: %s\n", r.Request.For, r.Why)
	}
	for _, note := range cfg.Notes {
		line("%s\n", note)
	}
	for _, d := range s.Destinations {
		for _, note := range remarks(d, now) {
			line("%s: %s\n", d.File, note)
		}
	}
}

// foresee plans as the relay does, for streams of which nothing is known yet.
func foresee(cfg *settings, s config.Snapshot, now time.Time) ([]output.Spec, rendition.Plan) {
	p := planner{cfg: cfg.Config}
	wants := p.wants(s.Destinations, now, func(config.Stream, config.Destination) verdict { return verdict{} })
	encoders := rendition.Planner{Budget: (&house{cfg: cfg}).budget()}
	usual := func(string) (int, int, float64) { return 1920, 1080, 30 }
	plan := encoders.Plan(requests(wants), usual)
	return p.specs(wants, plan, func(string) output.Derived { return nil }), plan
}

// remarks are what there is to say of a destination besides its line in the table.
func remarks(d config.Destination, now time.Time) []string {
	var all []string
	if !d.Enabled {
		all = append(all, "off (enabled: false)")
	}
	if rest := scheduled(d.Schedule, now); rest.Reason != "" {
		all = append(all, rest.Reason)
	}
	all = append(all, d.Notes...)
	if platform, _ := push.Lookup(d.Platform); platform.Note != "" {
		all = append(all, d.Platform+": "+platform.Note)
	}
	return all
}
