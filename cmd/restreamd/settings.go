package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/restreamd/restreamd/relay/config"
)

const defaultConfig = "restreamd.yml"

// settings is the configuration as the command line leaves it.
type settings struct {
	*config.Config
	file    string         // of the configuration, there or not
	asRead  *config.Config // before the command line
	overlay func(*config.Config) error
}

// load reads the configuration the command line names, every path of it absolute: ffmpeg takes "a:b" for a protocol.
func load(c *cli.Context) (*settings, error) {
	if c.Args().Present() {
		return nil, usageError{fmt.Errorf("unknown command or argument %q: see restreamd --help", c.Args().First())}
	}
	return loadFor(c)
}

func loadFor(c *cli.Context) (*settings, error) {
	given := flag(c, "config")
	s := &settings{file: first(given, defaultConfig), overlay: func(cfg *config.Config) error { return overlay(c, cfg) }}
	cfg, err := config.Load(s.file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && given == "":
		cfg = config.Default()
	case err != nil:
		return nil, usageError{err}
	}
	s.asRead, s.Config = cfg.Clone(), cfg
	return s, s.overlay(cfg)
}

// overlay lays the command line over a configuration.
func overlay(c *cli.Context, cfg *config.Config) (err error) {
	cfg.Destinations = first(flag(c, "destinations"), cfg.Destinations)
	cfg.Data = first(flag(c, "data"), cfg.Data)
	for _, path := range []*string{&cfg.Destinations, &cfg.Data} {
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("find folder: %w", err)
		}
	}
	for _, r := range cfg.Renditions {
		if err := renditionSettings(r).Validate(); err != nil {
			return usageError{fmt.Errorf("restreamd.yml: renditions.%s: %w", r.Name, err)}
		}
	}
	return nil
}

// flag returns a flag's value wherever on the command line it was given: before the command's name or behind it.
func flag(c *cli.Context, name string) string {
	for _, level := range c.Lineage() {
		if level.IsSet(name) {
			return level.String(name)
		}
	}
	return ""
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// The folders and files below the data folder.
func recordings(data string) string { return filepath.Join(data, "recordings") }
func hlsDir(data string) string     { return filepath.Join(data, "hls") }
func stateDir(data string) string   { return filepath.Join(data, "state") }
