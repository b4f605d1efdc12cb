package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/config"
)

func TestLoadEverything(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "keys/field"), "\ufefffield-key\r\n")
	cfg, err := config.Load(write(t, filepath.Join(dir, "restreamd.yml"), `
rtmp: {listen: ":19350"}
http: {listen: "[::1]:8081", admin_token_file: admin.token}
data: /var/lib/restreamd
destinations: platforms
ffmpeg: bin/ffmpeg
limits: {connections: 8, per_ip: 2, handshake: 5s, idle: 1m}
streams:
  main:
    app: studio
    keys: [{name: studio, key: 0123}, {key_file: keys/field}]
    record: {enabled: false}
    hls: {enabled: false, segment: 1s, window: 3}
  second:
    keys: [{key: 0123}]
`))
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Streams[0].Keys; got[0].Secret.Reveal() != "0123" || got[1].Secret.Reveal() != "field-key" {
		t.Errorf("keys: %q, %q", got[0].Secret.Reveal(), got[1].Secret.Reveal())
	}
	if got := cfg.Streams[0].Keys; got[0].Name != "studio" || got[1].Name != "key2" {
		t.Errorf("names of keys: %q, %q", got[0].Name, got[1].Name)
	}
	for i := range cfg.Streams {
		cfg.Streams[i].Keys = nil
	}
	want := &config.Config{
		RTMP:         config.RTMP{Listen: ":19350"},
		HTTP:         config.HTTP{Listen: "[::1]:8081", AdminTokenFile: filepath.Join(dir, "admin.token")},
		Data:         "/var/lib/restreamd",
		Destinations: filepath.Join(dir, "platforms"),
		FFmpeg:       filepath.Join(dir, "bin/ffmpeg"),
		Limits:       config.Limits{Connections: 8, PerIP: 2, Handshake: 5 * time.Second, Idle: time.Minute},
		Streams: []config.Stream{
			{Name: "main", App: "studio", HLS: config.HLS{Segment: time.Second, Window: 3}},
			{Name: "second", App: "live", Record: config.Record{Enabled: true},
				HLS: config.HLS{Enabled: true, Segment: 2 * time.Second, Window: 6}},
		},
	}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got  %+v\nwant %+v", cfg, want)
	}
}

func TestLoadLittle(t *testing.T) {
	for name, content := range map[string]string{
		"empty":          "",
		"comments":       "# nothing yet\n",
		"empty sections": "rtmp:\nhttp: {}\nstreams:\n",
		"a bare stream":  "streams: {main: }\n",
	} {
		dir := t.TempDir()
		cfg, err := config.Load(write(t, filepath.Join(dir, "restreamd.yml"), content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := config.Default()
		want.Data, want.Destinations = filepath.Join(dir, "data"), filepath.Join(dir, "destinations.d")
		if !reflect.DeepEqual(cfg, want) {
			t.Errorf("%s: got %+v", name, cfg)
		}
		if names := cfg.StreamNames(); len(names) != 1 || names[0] != "main" {
			t.Errorf("%s: streams %q", name, names)
		}
	}
	if _, err := config.Load(filepath.Join(t.TempDir(), "none.yml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestLoadExplainsMistakes(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"an unknown setting", "data: d\nstreems: {}\n",
			"c.yml:2: streems: unknown setting (did you mean streams?)"},
		{"an unknown setting unlike any", "http: {banana: 1}\n",
			"c.yml:1: http.banana: unknown setting (known are listen, admin_token_file)"},
		{"a key where a setting belongs", "streams:\n  main:\n    " + theKey + ": true\n",
			"c.yml:3: streams.main.…: unknown setting (known are app, keys, record, hls)"},
		{"several at once", "limits:\n  per_ip: 0\n  idle: 15\nrtmp: {listen: 1935}\n",
			"c.yml:2: limits.per_ip: not a number in range (write a whole number from 1 to 100000)\n" +
				"c.yml:3: limits.idle: not a duration in range (write one from 1s to 1h0m0s, with its unit, as in 15s)\n" +
				`c.yml:4: rtmp.listen: not an address to listen on (write host:port, as in ":1935")`},
		{"given twice", "data: a\ndata: b\n",
			"c.yml:2: data: given twice, first on line 1 (keep one of the two)"},
		{"empty", "data:\n",
			"c.yml:1: data: empty (write a value behind the colon, or remove the line)"},
		{"a list for a text", "data: [a]\n",
			"c.yml:1: data: not a single value (write a value behind the colon, or remove the line)"},
		{"a text for a section", "http: 8080\n",
			"c.yml:1: http: not a list of settings (write one setting a line, as in name: value)"},
		{"a text for the document", theKey + "\n",
			"c.yml:1: not a list of settings (write one setting a line, as in name: value)"},
		{"not a flag", "streams: {main: {record: {enabled: yes}}}\n",
			"c.yml:1: streams.main.record.enabled: neither true nor false (write true or false)"},
		{"a bad app", "streams:\n  main:\n    app: a/b\n",
			"c.yml:3: streams.main.app: not a name (use 1 to 64 of the characters A-Z a-z 0-9 _ -)"},
		{"a bad stream name", "streams:\n  a b: {}\n",
			"c.yml:2: streams: not a name of a stream (use 1 to 64 of the characters A-Z a-z 0-9 _ -)"},
		{"a bad key", "streams:\n  main:\n    keys:\n      - {key: \"" + theKey + " x\"}\n",
			"c.yml:4: streams.main.keys[0].key: not a stream key (use 1 to 1024 of the characters A-Z a-z 0-9 . _ ~ -)"},
		{"no key", "streams:\n  main:\n    keys:\n      - name: studio\n",
			"c.yml:4: streams.main.keys[0].key: missing (set key or key_file)"},
		{"keys without a list", "streams: {main: {keys: " + theKey + "}}\n",
			"c.yml:1: streams.main.keys: not a list (write one key a line, as in - {name: studio, key_file: keys/studio})"},
		{"a key without a name of the setting", "streams: {main: {keys: [" + theKey + "]}}\n",
			"c.yml:1: streams.main.keys[0]: not a list of settings (write one setting a line, as in name: value)"},
		{"two sources", "streams: {main: {keys: [{key: " + theKey + ", key_file: x}]}}\n",
			"c.yml:1: streams.main.keys[0].key_file: key is set as well (keep one of the two)"},
		{"a missing key file", "streams: {main: {keys: [{key_file: " + theKey + "}]}}\n",
			"c.yml:1: streams.main.keys[0].key_file: cannot be read: no such file or directory " +
				"(a relative path starts at the folder of this file; the key itself belongs under key)"},
		{"the same key twice", "streams:\n  a: {keys: [{key: " + theKey + "}]}\n  b:\n    keys:\n      - key: " + theKey + "\n",
			"c.yml:5: streams.b.keys[0].key: the same key as streams.a.keys[0] in app live (give each its own)"},
		{"several streams, one without keys", "streams:\n  a: {keys: [{key: " + theKey + "}]}\n  b: {app: two}\n",
			"c.yml:3: streams.b: no keys (of several streams each needs its own: keys: [{key_file: keys/b}])"},
		{"an alias", "data: &d x\nffmpeg: *d\n",
			`c.yml:1: YAML anchors and aliases are not allowed (quote a value that begins with & or *: "*x")` + "\n" +
				`c.yml:2: YAML anchors and aliases are not allowed (quote a value that begins with & or *: "*x")`},
		{"a key that looks like an alias", "streams: {main: {keys: [{key: *" + theKey + "}]}}\n",
			`c.yml: YAML anchors and aliases are not allowed (quote a value that begins with & or *: "*x")`},
		{"a tag", "data: !!binary aGk=\n",
			"c.yml:1: data: not a single value (write a value behind the colon, or remove the line)"},
		{"a tab", "http:\n\tlisten: x\n",
			"c.yml:2: found character that cannot start any token (indent with spaces, not tabs; quote a value that begins with @, ` or %)"},
		{"two documents", "data: a\n---\ndata: b\n",
			"c.yml:2: a second document begins here (keep one document a file)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := config.Load(write(t, filepath.Join(dir, "c.yml"), c.content))
			got := messages(err, dir)
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if strings.Contains(got, theKey) {
				t.Errorf("the error shows the key: %s", got)
			}
			var mistake *config.Error
			if !errors.As(err, &mistake) {
				t.Errorf("%T is not an *Error", err)
			}
		})
	}
}

func TestConfigHidesKeys(t *testing.T) {
	dir := t.TempDir()
	cfg, err := config.Load(write(t, filepath.Join(dir, "c.yml"), "streams: {main: {keys: [{key: "+theKey+"}]}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%v %+v %#v", cfg, cfg.Streams, *cfg); strings.Contains(got, theKey) {
		t.Errorf("printed: %s", got)
	}
}
