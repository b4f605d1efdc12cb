// Package config reads restreamd.yml and the files of destinations.d, and watches both while the relay runs.
//
// Decoding is strict: what nobody knows, what is given twice and what is out of range are errors with file, line and a
// hint, and all of them are reported at once. No error and no value printed by this package shows a stream key.
//
// Only the Serve methods of Watcher and FileWatcher start goroutines, those of the file notifier, and they end them
// before they return.
package config

import (
	"path/filepath"
	"reflect"
	"slices"
)

// Config is restreamd.yml with every default filled in and every path ready to open.
type Config struct {
	RTMP         RTMP
	RTMPS        RTMPS
	HTTP         HTTP
	Auth         Auth
	Data         string // folder of recordings, HLS and state; default "data"
	Destinations string // folder of destination files; default "destinations.d"
	FFmpeg       string // a name in PATH or a path; default "ffmpeg"
	Limits       Limits
	Streams      []Stream    // in the order of the file; default: one, "main"
	Renditions   []Rendition // in the order of the file; default: none
	Encoders     Encoders
	Notes        []string // what works but should be put right, for the person who wrote the file
}

// RTMP is where encoders publish.
type RTMP struct {
	Listen string // host:port; default ":1935"
}

// Default is the configuration without a file: paths are relative to the working directory.
func Default() *Config {
	return &Config{
		RTMP:         RTMP{Listen: ":1935"},
		HTTP:         HTTP{Listen: "127.0.0.1:8080"},
		Data:         "data",
		Destinations: "destinations.d",
		FFmpeg:       "ffmpeg",
		Limits:       defaultLimits(),
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

// Stream returns the stream of that name, if there is one.
func (c *Config) Stream(name string) (Stream, bool) {
	i := slices.IndexFunc(c.Streams, func(s Stream) bool { return s.Name == name })
	if i < 0 {
		return Stream{}, false
	}
	return c.Streams[i], true
}

// Equal reports whether other configures the same, the secrets in the files it names included.
func (c *Config) Equal(other *Config) bool {
	// A comparison written out would miss the next field somebody adds, and its changes with it.
	return reflect.DeepEqual(c, other)
}

// Clone returns a copy whose streams and keys may be changed without changing c.
func (c *Config) Clone() *Config {
	clone := *c
	clone.Streams = slices.Clone(c.Streams)
	for i, s := range clone.Streams {
		clone.Streams[i].Keys = slices.Clone(s.Keys)
	}
	return &clone
}

// Load reads the file at path. Relative paths in it start at its folder. A missing file is fs.ErrNotExist; mistakes
// are *Error values joined into one.
func Load(path string) (*Config, error) {
	data, err := readText(path)
	if err != nil {
		return nil, err
	}
	return decode(path, data)
}

// decode makes a Config of data, the content of the file at path.
func decode(path string, data []byte) (*Config, error) {
	doc := &document{file: path}
	root := doc.parse(data)
	cfg := Default()
	if root != nil {
		cfg.read(doc.section("", root))
	}
	if err := doc.err(); err != nil {
		return nil, err
	}
	cfg.Notes = doc.notes
	return cfg.relativeTo(filepath.Dir(path)), nil
}

func (c *Config) read(top *section) {
	rtmp := top.section("rtmp")
	rtmp.address("listen", &c.RTMP.Listen)
	rtmp.close()

	if rtmps, found := top.optional("rtmps"); found {
		c.RTMPS.read(rtmps)
	}

	c.HTTP.read(top.section("http"))
	c.Auth.read(top.section("auth"))
	c.Limits.read(top.section("limits"))
	top.text("data", &c.Data)
	top.text("destinations", &c.Destinations)
	top.text("ffmpeg", &c.FFmpeg)
	c.Encoders.read(top.section("encoders"))
	c.Renditions = readRenditions(top.section("renditions"))
	all := top.section("streams")
	if streams := readStreams(all, c.renditionNames()); len(streams) > 0 {
		c.Streams = streams
	}
	c.checkPlayback(all)
	top.close()
}

func (c *Config) relativeTo(folder string) *Config {
	c.Data = under(folder, c.Data)
	c.Destinations = under(folder, c.Destinations)
	if c.HTTP.AdminTokenFile != "" {
		c.HTTP.AdminTokenFile = under(folder, c.HTTP.AdminTokenFile)
	}
	for i := range c.Streams {
		if slate := &c.Streams[i].Hold.Slate; *slate != "" {
			*slate = under(folder, *slate)
		}
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
