package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

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
		line("  OUTPUT\tSTATE\tFOR\tDROPS\tNOTE\n")
		for _, o := range stream.Outputs {
			line("  %s/%s\t%s\t%s\t%d\t%s\n", o.Kind, o.Name, o.State, s.Now.Sub(o.Since).Round(time.Second), o.Drops.GOPs, note(o, s.Now))
		}
	}
	for _, p := range s.Problems {
		line("! %s\n", p.Error)
	}
	line("disk: %.1f GB free at %s\n", float64(s.Disk.Free)/1e9, s.Disk.Path)
	return t.Flush()
}

// describe is a stream in one line.
func describe(s httpapi.Stream) string {
	p := s.Publisher
	if p == nil {
		return "off air"
	}
	v, a := p.Media.Video, p.Media.Audio
	parts := []string{"on air"}
	if v.Codec != "" {
		parts = append(parts, fmt.Sprintf("%s %dx%d, %.1f fps, %.1f Mb/s, keyframe every %.1f s",
			v.Codec, v.Width, v.Height, p.Rates.FPS, float64(p.Rates.VideoBitrate)/1e6, p.Rates.KeyframeInterval))
	}
	if a.Codec != "" {
		parts = append(parts, fmt.Sprintf("%s %d Hz, %d ch", a.Codec, a.Rate, a.Channels))
	}
	return strings.Join(append(parts, fmt.Sprintf("key %q from %s", p.Key, p.Remote)), "; ")
}

func note(o output.Status, now time.Time) string {
	switch {
	case o.NextTry != nil:
		return fmt.Sprintf("%s; next try in %s", o.Reason, max(o.NextTry.Sub(now), 0).Round(100*time.Millisecond))
	case o.Reason != "":
		return o.Reason
	}
	return o.Target
}
