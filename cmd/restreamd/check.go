package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/restreamd/restreamd/relay/config"
)

// check loads everything and prints what would run.
func check(c *cli.Context) error {
	cfg, err := load(c)
	if err != nil {
		return err
	}
	snapshot := config.LoadDir(cfg.Destinations, cfg.StreamNames())
	printPlan(c.App.Writer, cfg.Config, snapshot)
	var mistakes []error
	for _, p := range snapshot.Problems {
		mistakes = append(mistakes, p.Err)
	}
	if err := errors.Join(mistakes...); err != nil {
		return usageError{err}
	}
	return nil
}

// printPlan writes a table of all outputs and, below, what is off or was put right.
func printPlan(w io.Writer, cfg *config.Config, s config.Snapshot) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush() //nolint:errcheck // to a terminal
	line := func(format string, a ...any) { _, _ = fmt.Fprintf(t, format, a...) }
	line("STREAM\tOUTPUT\tNAME\tTARGET\tKEY\n")
	for _, o := range (planner{cfg: cfg}).plan(s.Destinations) {
		key := "-"
		if o.ID.Kind == kindPush {
			key = "***"
		}
		line("%s\t%s\t%s\t%s\t%s\n", o.ID.Stream, o.ID.Kind, o.ID.Name, o.Target, key)
	}
	for _, note := range cfg.Notes {
		line("%s\n", note)
	}
	for _, d := range s.Destinations {
		if !d.Enabled {
			line("%s: off (enabled: false)\n", d.File)
		}
		for _, note := range d.Notes {
			line("%s: %s\n", d.File, note)
		}
	}
}
