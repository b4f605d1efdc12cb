package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/restreamd/restreamd/relay/config"
)

// The relay leaves an imprint of the destinations it runs in data/state/destinations.json; check compares with it.

func imprintPath(data string) string { return filepath.Join(stateDir(data), "destinations.json") }

// writeImprint leaves the imprint of a snapshot that was applied, all of it or nothing.
func writeImprint(data string, s config.Snapshot) error {
	return writeState(imprintPath(data), config.NewImprint(s))
}

// readImprint returns the zero Imprint and fs.ErrNotExist where no relay has run.
func readImprint(data string) (i config.Imprint, err error) {
	text, err := os.ReadFile(imprintPath(data))
	if err == nil {
		err = json.Unmarshal(text, &i)
	}
	if err != nil {
		return config.Imprint{}, fmt.Errorf("read imprint of the destinations: %w", err)
	}
	return i, nil
}

// printChanges writes what the relay on a data folder would do about each destination of a snapshot.
func printChanges(w io.Writer, data string, s config.Snapshot) {
	imprint, err := readImprint(data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, _ = fmt.Fprintf(w, "\nChanges: no relay has run with %s yet, so every destination is new\n", data)
	case err != nil:
		_, _ = fmt.Fprintf(w, "\nChanges are not known: %v (restart the relay: it writes the file anew)\n", err)
		return
	default:
		_, _ = fmt.Fprintf(w, "\nChanges against what the relay with %s ran last\n", data)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush() //nolint:errcheck // to a terminal
	for _, c := range imprint.Changes(s) {
		line := c.Kind + "\t" + first(c.Name, "-")
		switch {
		case c.Err != nil:
			line += "\t" + strings.ReplaceAll(c.Err.Error(), "\n", "\n\t\t")
		case len(c.Fields) > 0:
			line += "\t" + strings.Join(c.Fields, ", ")
		}
		_, _ = fmt.Fprintln(t, line)
	}
}
