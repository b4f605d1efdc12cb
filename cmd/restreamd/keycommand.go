package main

import (
	"errors"
	stdflag "flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/secret"
)

// newKey makes a stream key and prints what OBS asks for: restreamd key new main --name studio.
func newKey(c *cli.Context) error {
	stream, err := streamArgument(c)
	if err != nil {
		return err
	}
	cfg, err := loadFor(c)
	if err != nil {
		return err
	}
	if err := keepFirstKey(cfg, stream); err != nil {
		return usageError{err}
	}
	added, err := config.AddKey(cfg.file, stream, c.String("name"))
	if err != nil {
		return usageError{err}
	}
	w := c.App.Writer
	app := "live"
	for _, s := range cfg.Streams {
		if s.Name == stream {
			app = s.App
		}
	}
	say(w, "  Server      rtmp://%s/%s\n", serverAddress(cfg), app)
	say(w, "  Stream Key  %s\n\nKept in %s. A running relay takes it up within 2 s.\n", added.Secret.Reveal(), added.File)
	if added.Note != "" {
		say(w, "%s\n", added.Note)
	}
	return nil
}

// keepFirstKey has the key that was made at the first start stay valid beside the first one that is added: the encoder
// that uses it must be able to come back.
func keepFirstKey(cfg *settings, stream string) error {
	file := firstKey(cfg.Data)
	_, err := os.Stat(file)
	alone := len(cfg.Streams) == 1 && cfg.Streams[0].Name == stream && len(cfg.Streams[0].Keys) == 0
	if err != nil || !alone {
		return nil
	}
	return config.KeepKey(cfg.file, stream, "default", file)
}

// streamArgument returns the stream a command names, and takes the flags behind it, where the library sees none.
func streamArgument(c *cli.Context) (string, error) {
	usage := usageError{errors.New("restreamd key new STREAM --name NAME")}
	behind := stdflag.NewFlagSet("", stdflag.ContinueOnError)
	behind.SetOutput(io.Discard)
	for _, f := range c.Command.Flags {
		behind.String(f.Names()[0], "", "")
	}
	if !c.Args().Present() || behind.Parse(c.Args().Tail()) != nil || behind.NArg() > 0 {
		return "", usage
	}
	var err error
	behind.Visit(func(f *stdflag.Flag) { err = errors.Join(err, c.Set(f.Name, f.Value.String())) })
	if err != nil {
		return "", usage
	}
	return c.Args().First(), nil
}

// serverAddress is where encoders reach the relay: the running one's port if it runs.
func serverAddress(cfg *settings) string {
	if r, err := readRunFile(cfg.Data); err == nil {
		return resolved(r.RTMP)
	}
	return resolved(cfg.RTMP.Listen)
}

// webAddress is where browsers reach the relay: the first of its names, or the running one's address.
func webAddress(cfg *settings) string {
	listen := cfg.HTTP.Listen
	if r, err := readRunFile(cfg.Data); err == nil {
		listen = r.HTTP
	}
	if _, port, err := net.SplitHostPort(listen); err == nil && len(cfg.HTTP.Hosts) > 0 {
		return net.JoinHostPort(cfg.HTTP.Hosts[0], port)
	}
	return resolved(listen)
}

func resolved(listen string) string {
	addr, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return listen
	}
	if addr.IP == nil {
		addr.IP = net.IPv6unspecified
	}
	return reachable(addr)
}

func say(w io.Writer, format string, a ...any) { _, _ = fmt.Fprintf(w, format, a...) }

// newToken prints a signed, expiring stream key.
func newToken(c *cli.Context) error {
	cfg, err := load(c)
	if err != nil {
		return err
	}
	if cfg.Auth.JWT.SecretFile == "" {
		return usageError{fmt.Errorf("no shared secret to sign with: set auth: {jwt: {secret_file: jwt.secret}} in %s", cfg.file)}
	}
	shared, err := readSecret(cfg.Auth.JWT.SecretFile)
	if err != nil {
		return fmt.Errorf("token secret: %w", err)
	}
	if _, err := ingest.SharedSecret(shared, cfg.Auth.JWT.Algorithm); err != nil {
		return usageError{err}
	}
	token, err := sign(c, cfg, shared)
	if err != nil {
		return err
	}
	say(c.App.ErrWriter, "valid for %s, to %s %s: type it where the stream key belongs\n", c.Duration("for"), c.String("action"), c.String("stream"))
	say(c.App.ErrWriter, "%s", viewerLink(cfg, c.String("stream"), c.String("action"), token))
	say(c.App.Writer, "%s\n", token.Reveal())
	return nil
}

// viewerLink tells where a browser watches with a token, if the token and the stream are for that.
func viewerLink(cfg *settings, stream, action string, token secret.String) string {
	for _, s := range cfg.Streams {
		if s.Name == stream && s.Playback == config.PlaybackToken && ingest.Action(action) == ingest.Play {
			return fmt.Sprintf("or watch at http://%s/watch/%s?token=%s\n", webAddress(cfg), stream, token.Reveal())
		}
	}
	return ""
}

func sign(c *cli.Context, cfg *settings, shared secret.String) (secret.String, error) {
	action := ingest.Action(c.String("action"))
	if action != ingest.Publish && action != ingest.Play {
		return secret.String{}, usageError{fmt.Errorf("--action is publish or play, not %q", action)}
	}
	known := false
	for _, s := range cfg.Streams {
		known = known || s.Name == c.String("stream")
	}
	if !known {
		return secret.String{}, usageError{fmt.Errorf("no stream %q in %s", c.String("stream"), cfg.file)}
	}
	if c.Duration("for") <= 0 {
		return secret.String{}, usageError{fmt.Errorf("--for is how long the token is valid, such as 4h")}
	}
	return ingest.SignToken(shared, cfg.Auth.JWT.Algorithm, ingest.NewClaims(
		c.String("stream"), action, c.String("ip"), c.String("name"), time.Now(), c.Duration("for")))
}
