package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/config"
)

var (
	streams = []string{"main", "field"}
	known   = config.Known{Streams: streams, Renditions: []string{"720p", "480p"}}
)

// decode writes content as a destination of its own folder and decodes it.
func decode(t testing.TB, content string) (config.Destination, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := config.DecodeDestination(filepath.Join(dir, "twitch.yml"), []byte(content), known)
	return d, messages(err, dir)
}

func TestDecodeDestination(t *testing.T) {
	t.Setenv("RESTREAMD_TEST_KEY", " "+theKey+"\n")
	keyFile := write(t, filepath.Join(t.TempDir(), "key"), "\ufeff"+theKey+"\r\n")

	for _, c := range []struct {
		name, content string

		tcURL   string
		streams []string
		enabled bool
		notes   int
	}{
		{"a platform and a key", "platform: twitch\nkey: " + theKey + "\n",
			"rtmp://live.twitch.tv:1935/app", streams, true, 0},
		{"a key file", "platform: twitch\nkey_file: " + keyFile + "\n",
			"rtmp://live.twitch.tv:1935/app", streams, true, 1},
		{"a variable", "platform: twitch\nkey_env: RESTREAMD_TEST_KEY\n",
			"rtmp://live.twitch.tv:1935/app", streams, true, 0},
		{"everything", "platform: youtube\nurl: rtmps://b.rtmps.youtube.com/live2?backup=1\nkey: " + theKey + "\nstreams: [field, field]\nenabled: false\n",
			"rtmps://b.rtmps.youtube.com:443/live2?backup=1", []string{"field"}, false, 0},
		{"the key in the URL", "url: rtmp://host/app/" + theKey + "\n",
			"rtmp://host:1935/app", streams, true, 0},
		{"kick's panel", "platform: kick\nurl: rtmps://a.live-video.net\nkey: " + theKey + "\n",
			"rtmps://a.live-video.net:443/app", streams, true, 1},
	} {
		d, problem := decode(t, c.content)
		if problem != "" {
			t.Errorf("%s: %s", c.name, problem)
			continue
		}
		if d.Name != "twitch" || d.Target.TCURL() != c.tcURL || d.Target.Key.Reveal() != theKey || d.Enabled != c.enabled ||
			!reflect.DeepEqual(d.Streams, c.streams) || len(d.Notes) != c.notes {
			t.Errorf("%s: got %+v with key %q", c.name, d, d.Target.Key.Reveal())
		}
		if got := fmt.Sprintf("%v %+v %#v", d, d, d); strings.Contains(got, theKey) {
			t.Errorf("%s: printed %s", c.name, got)
		}
	}
}

func TestDecodeDestinationExplainsMistakes(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"empty", "", "twitch.yml: the file is empty (remove it, or set enabled: false, to stop the destination)"},
		{"comments", "# later\n", "twitch.yml: the file is empty (remove it, or set enabled: false, to stop the destination)"},
		{"only a key", theKey + "\n", "twitch.yml:1: not a list of settings (write one setting a line, as in name: value)"},
		{"cut off", "platform: twitch\nkey: \"live_s3cr", "twitch.yml:2: found unexpected end of stream"},
		{"an unknown setting", "platform: twitch\nkye: " + theKey + "\n", "twitch.yml:2: kye: unknown setting (did you mean key?)"},
		{"no key", "# mine\nplatform: twitch\n",
			"twitch.yml:2: key: the key is missing (set key, key_file or key_env to the stream key that twitch shows you)"},
		{"no app", "platform: twitch\nkey: " + theKey + "\nurl: rtmp://live.twitch.tv\n",
			"twitch.yml:3: url: the URL has no app (twitch's is rtmp://live.twitch.tv/app)"},
		{"an unknown stream", "platform: twitch\nkey: " + theKey + "\nstreams:\n  - main\n  - fiels\n",
			`twitch.yml:5: streams: no stream is named "fiels" (did you mean field?)`},
		{"no stream", "platform: twitch\nkey: " + theKey + "\nstreams: []\n",
			"twitch.yml:3: streams: the list is empty (write streams: [main], or remove the line for every stream)"},
		{"a stream without a list", "platform: twitch\nkey: " + theKey + "\nstreams: main\n",
			"twitch.yml:3: streams: not a list (write streams: [main], or remove the line for every stream)"},
		{"an unset variable", "platform: twitch\nkey_env: " + theKey + "\n",
			"twitch.yml:2: key_env: the variable is empty or not set (set it where restreamd is started; the key itself belongs under key)"},
		{"a folder as key file", "platform: twitch\nkey_file: /\n",
			"twitch.yml:2: key_file: cannot be read: not a regular file (a relative path starts at the folder of this file; the key itself belongs under key)"},
		{"a key for a line of options", "platform: twitch\nkey: \"" + theKey + "\\nrtmp_app=x\"\n",
			"twitch.yml:2: key: the key contains a line break or another invisible character (paste the key again, on one line)"},
		{"an alias bomb", "a: &a [x,x]\nb: &b [*a,*a]\nplatform: twitch\n",
			"twitch.yml:1: YAML anchors and aliases are not allowed (quote a value that begins with & or *: \"*x\")\n" +
				"twitch.yml:2: YAML anchors and aliases are not allowed (quote a value that begins with & or *: \"*x\")\n" +
				"twitch.yml:2: YAML anchors and aliases are not allowed (quote a value that begins with & or *: \"*x\")\n" +
				"twitch.yml:2: YAML anchors and aliases are not allowed (quote a value that begins with & or *: \"*x\")"},
	} {
		_, got := decode(t, c.content)
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if strings.Contains(got, theKey) {
			t.Errorf("%s: the error shows the key: %s", c.name, got)
		}
	}
}

func TestFingerprint(t *testing.T) {
	dir := t.TempDir()
	keyFile := write(t, filepath.Join(dir, "key"), theKey)
	base := "platform: twitch\nkey_file: " + keyFile + "\n"
	fingerprint := func(content string) string {
		d, problem := decode(t, content)
		if problem != "" {
			t.Fatal(problem)
		}
		return d.Fingerprint
	}
	first := fingerprint(base)
	for name, content := range map[string]string{
		"a comment":         "# x\n" + base,
		"the key elsewhere": "platform: twitch\nkey: " + theKey + "\n",
		"fewer streams":     base + "streams: [main]\n",
		"disabled":          base + "enabled: false\n",
	} {
		if fingerprint(content) != first {
			t.Errorf("%s changed the fingerprint", name)
		}
	}
	if fingerprint(base+"url: rtmp://live.twitch.tv/other\n") == first {
		t.Error("another URL did not change the fingerprint")
	}
	write(t, keyFile, theKey+"2")
	if fingerprint(base) == first {
		t.Error("another key in the key file did not change the fingerprint")
	}
}

func FuzzDecodeDestination(f *testing.F) {
	for _, seed := range []string{
		"", "#\n", "platform: twitch\nkey: abc\n", "url: rtmps://h:443/app\nkey: x\nstreams: [main]\nenabled: true\n",
		"url: rtmp://h/app/KEY\n", "a: &a [*a]\n", "? [x]\n: y\n", "key: |\n  a\n  b\n", "<<: {platform: x}\n", "- a\n", "---\n---\n",
		"platform: kick\nurl: rtmps://h\nkey: x?y=z\n", "key_file: .\n", "key_env: HOME\nurl: rtmp://h/a\n", "\x00", "\t", "[[[[[[[[",
		"platform: youtube\nkey: x\nbackup: true\nrendition: 720p\nfit: auto\nmax_bitrate: 6000k\ndelay: 5m\ncontract: {gop: 3s, ladder: [{height: 720, max: 4Mbps}]}\n",
		"url: rtmps://h/a\nkey: x\ninsecure: true\naudio: {track: 2}\nschedule: {from: 2027-01-01T00:00:00Z}\nca_file: .\n",
		"platform: twitch\nkey: x\ncontract:\naudio:\nschedule:\n", "platform: twitch\nkey: x\ncontract: !!binary eA==\n",
	} {
		f.Add([]byte(seed))
	}
	file := filepath.Join(f.TempDir(), "x.yml")
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := config.DecodeDestination(file, data, known)
		if err == nil {
			if d.Target.Host == "" || d.Target.App == "" || d.Target.Key.IsZero() || d.Fingerprint == "" || len(d.Streams) == 0 {
				t.Fatalf("accepted %+v", d)
			}
			return
		}
		var mistake *config.Error
		if !errors.As(err, &mistake) || mistake.File != file {
			t.Fatalf("%v does not name the file", err)
		}
	})
}

func TestReadmeNamesEverySetting(t *testing.T) {
	readme, err := os.ReadFile("../../destinations.d/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, problem := decode(t, "nosuchsetting: 1\n")
	_, list, _ := strings.Cut(problem, "known are ")
	settings := strings.Split(strings.TrimSuffix(list, ")"), ", ")
	if len(settings) < 10 {
		t.Fatalf("no list of settings in %q", problem)
	}
	for _, name := range settings {
		if !regexp.MustCompile(`(?m)(^|\x60| )` + name + ":").Match(readme) {
			t.Errorf("destinations.d/README.md does not tell of %s", name)
		}
	}
}

var keyFileLine = regexp.MustCompile(`(?m)^key_file: .*$`)

func TestExamplesAreValid(t *testing.T) {
	examples, err := filepath.Glob("../../destinations.d/*.yml.example")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, example := range examples {
		data, err := os.ReadFile(example)
		if err != nil {
			t.Fatal(err)
		}
		// The key files are on the user's machine.
		content := keyFileLine.ReplaceAll(data, []byte("key: "+theKey))
		if _, err := config.DecodeDestination(example, content, config.Known{Renditions: known.Renditions}); err != nil {
			t.Errorf("%s: %v", example, err)
		}
	}
}
