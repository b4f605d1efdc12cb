package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/secret"
)

// recordCommand is restreamd record start and stop.
func recordCommand() *cli.Command {
	one := func(name, usage string, on bool) *cli.Command {
		return &cli.Command{
			Name: name, Usage: usage, ArgsUsage: "[STREAM]", Flags: flags(),
			Action: func(c *cli.Context) error { return orderRecording(c, on) },
		}
	}
	return &cli.Command{Name: "record", Usage: "record the show that is on, or stop recording it", Subcommands: []*cli.Command{
		one("start", "record it until its end, whatever restreamd.yml says", true),
		one("stop", "record no more of it; the next show is recorded as restreamd.yml says", false),
	}}
}

// orderRecording tells the running relay.
func orderRecording(c *cli.Context, on bool) error {
	cfg, err := loadFor(c)
	if err != nil {
		return err
	}
	stream := first(c.Args().First(), cfg.Streams[0].Name)
	relay, err := readRunFile(cfg.Data)
	if err != nil {
		return err
	}
	token, err := readSecret(first(cfg.HTTP.AdminTokenFile, adminTokenPath(cfg.Data)))
	if err != nil {
		return fmt.Errorf("read the admin token: %w", err)
	}
	path := "http://" + relay.HTTP + "/api/v1/streams/" + url.PathEscape(stream) + "/record?on=" + strconv.FormatBool(on)
	now, err := postOrder(c.Context, path, token)
	if err != nil {
		return err
	}
	word := map[bool]string{true: "is to be recorded", false: "is not recorded"}[now.On]
	say(c.App.Writer, "%s %s: its recorder is %s%s\n", stream, word, now.State, prefixed(": ", now.Reason))
	return nil
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func postOrder(ctx context.Context, path string, token secret.String) (now httpapi.Recording, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, path, nil)
	if err != nil {
		return now, fmt.Errorf("tell the relay: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return now, fmt.Errorf("the relay does not answer: is it running? %w", err)
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	var said struct {
		httpapi.Recording
		Error string `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&said); err != nil {
		return now, fmt.Errorf("tell the relay: it answers %s: %w", answer.Status, err)
	}
	if said.Error != "" {
		return now, fmt.Errorf("tell the relay: %s", said.Error)
	}
	return said.Recording, nil
}
