// Package config reads restreamd.yml and the files of destinations.d, and watches the latter while the relay runs.
//
// Decoding is strict: what nobody knows, what is given twice and what is out of range are errors with file, line and a
// hint, and all of them are reported at once. No error and no value printed by this package shows a stream key.
//
// Only Watcher.Serve starts goroutines, those of the file notifier, and it ends them before it returns.
package config

import (
	"path/filepath"
	"time"
)

// Config is restreamd.yml with every default filled in and every path ready to open.
type Config struct {
	RTMP         RTMP
	HTTP         HTTP
	Data         string // folder of recordings, HLS and state; default "data"
	Destinations string // folder of destination files; default "destinations.d"
	FFmpeg       string // a name in PATH or a path; default "ffmpeg"
	Limits       Limits
	Streams      []Stream // in the order of the file; default: one, "main"
}

// RTMP is where encoders publish.
type RTMP struct {
	Listen string // host:port; default ":1935"
}

// HTTP is where the dashboard, HLS and the API are served.
type HTTP struct {
	Listen         string // host:port; default "127.0.0.1:8080"
	AdminTokenFile string // the file may not exist yet; default "": none
}

// Limits bound what peers can cost.
type Limits struct {
	Connections int           // open at once; default 256
	PerIP       int           // open at once from one address; default 16
	Handshake   time.Duration // from accept to publish; default 10s
	Idle        time.Duration // without media; default 15s
}

// Default is the configuration without a file: paths are relative to the working directory.
func Default() *Config {
	return &Config{
		RTMP:         RTMP{Listen: ":1935"},
		HTTP:         HTTP{Listen: "127.0.0.1:8080"},
		Data:         "data",
		Destinations: "destinations.d",
		FFmpeg:       "ffmpeg",
		Limits:       Limits{Connections: 256, PerIP: 16, Handshake: 10 * time.Second, Idle: 15 * time.Second},
		Streams:      []Stream{defaultStream("main")},
	}
}

// StreamNames lists the streams in the order of the file.
func (c *Config) StreamNames() []string {
	names := make([]string, 0, len(c.Streams))
	for _, s := range c.Streams {
		names = append(names, s.Name)
	}
	return names
}

// Load reads the file at path. Relative paths in it start at its folder. A missing file is fs.ErrNotExist; mistakes
// are *Error values joined into one.
func Load(path string) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	doc := &document{file: path}
	root := doc.parse(data)
	cfg := Default()
	if root != nil {
		cfg.read(doc.section("", root))
	}
	if err := doc.err(); err != nil {
		return nil, err
	}
	return cfg.relativeTo(filepath.Dir(path)), nil
}

func (c *Config) read(top *section) {
	rtmp := top.section("rtmp")
	rtmp.address("listen", &c.RTMP.Listen)
	rtmp.close()

	http := top.section("http")
	http.address("listen", &c.HTTP.Listen)
	http.text("admin_token_file", &c.HTTP.AdminTokenFile)
	http.close()

	limits := top.section("limits")
	limits.count("connections", &c.Limits.Connections, 1, 100_000)
	limits.count("per_ip", &c.Limits.PerIP, 1, 100_000)
	limits.duration("handshake", &c.Limits.Handshake, time.Second, 5*time.Minute)
	limits.duration("idle", &c.Limits.Idle, time.Second, time.Hour)
	limits.close()

	top.text("data", &c.Data)
	top.text("destinations", &c.Destinations)
	top.text("ffmpeg", &c.FFmpeg)
	if streams := readStreams(top.section("streams")); len(streams) > 0 {
		c.Streams = streams
	}
	top.close()
}

func (c *Config) relativeTo(folder string) *Config {
	c.Data = under(folder, c.Data)
	c.Destinations = under(folder, c.Destinations)
	if c.HTTP.AdminTokenFile != "" {
		c.HTTP.AdminTokenFile = under(folder, c.HTTP.AdminTokenFile)
	}
	// A bare name is looked up in PATH, as a shell does.
	if filepath.Base(c.FFmpeg) != c.FFmpeg {
		c.FFmpeg = under(folder, c.FFmpeg)
	}
	return c
}

func under(folder, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}
