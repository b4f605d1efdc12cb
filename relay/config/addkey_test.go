package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/restreamd/restreamd/relay/config"
)

// layouts are ways in which people write a file that has a stream "main", and what the added key makes of them.
var layouts = []struct{ name, before, after string }{
	{"blocks, comments and blank lines", `# The relay of the club.

rtmp: {listen: ":1935"} # where OBS goes

streams:

  main: # the show
    app: live

    # who may publish
    keys:
      # in the house
      - {name: studio, key: abc, role: backup}

      - name: field # the van
        key: "0123"

    record: {enabled: true}

  # another
  second:
    keys: [{key: a.b}]

# the last word
`, `# The relay of the club.

rtmp: {listen: ":1935"} # where OBS goes

streams:

  main: # the show
    app: live

    # who may publish
    keys:
      # in the house
      - {name: studio, key: abc, role: backup}

      - name: field # the van
        key: "0123"

      - {name: obs, key_file: keys/main-obs}
    record: {enabled: true}

  # another
  second:
    keys: [{key: a.b}]

# the last word
`},
	{"four spaces and a last comment", "streams:\n    main:\n        keys:\n        - key: 0123\n        # the end\n",
		"streams:\n  main:\n    keys:\n      - key: 0123\n      - {name: obs, key_file: keys/main-obs}\n    # the end\n"},
	{"flow", "streams: {main: {keys: [{key: abc}], app: live}}\n",
		"streams: {main: {keys: [{key: abc}, {name: obs, key_file: keys/main-obs}], app: live}}\n"},
	{"flow without keys", "{data: x, streams: {main: {app: live}}}\n",
		"{data: x, streams: {main: {app: live, keys: [{name: obs, key_file: keys/main-obs}]}}}\n"},
	{"a colon in flow is quoted, which says the same", "streams: {main: {keys: [{key: abc, expires: 2027-01-01T00:00:00Z}]}}\n",
		"streams: {main: {keys: [{key: abc, expires: '2027-01-01T00:00:00Z'}, {name: obs, key_file: keys/main-obs}]}}\n"},
	{"a bare stream", "streams:\n  main: # later\ndata: x\n",
		"streams:\n  main: # later\n    keys:\n      - {name: obs, key_file: keys/main-obs}\ndata: x\n"},
	{"no stream", "data: x\n", "data: x\n" + mainWithKey},
	{"an empty section", "streams:\n", mainWithKey},
	{"an empty document", "---\n", mainWithKey},
	{"no end of line", "data: x", "data: x\n" + mainWithKey},
	{"comments", "# nothing yet\n\n# here", "# nothing yet\n\n# here\n" + mainWithKey},
	{"DOS", "data: x\r\n\r\nffmpeg: y\r\n", "data: x\n\nffmpeg: y\n" + mainWithKey},
	{"empty", "", mainWithKey},
}

const mainWithKey = "streams:\n  main:\n    keys:\n      - {name: obs, key_file: keys/main-obs}\n"

func TestAddKey(t *testing.T) {
	for _, c := range layouts {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := write(t, filepath.Join(dir, "c.yml"), c.before)
			if err := os.Chmod(path, 0o640); err != nil {
				t.Fatal(err)
			}
			added, err := config.AddKey(path, "main", "obs")
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, path); got != c.after {
				t.Errorf("\n got %s\nwant %s", got, c.after)
			}
			if got := names(t, dir); got != "c.yml keys keys/main-obs" {
				t.Errorf("left behind: %s", got)
			}
			checkMode(t, path, 0o640)
			checkMode(t, added.File, 0o600)
			checkAdded(t, path, added)
		})
	}
}

// checkAdded fails unless the last key of main is the added one, which is worth its name.
func checkAdded(t testing.TB, path string, added config.AddedKey) {
	t.Helper()
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for cfg.Streams[i].Name != "main" {
		i++
	}
	keys := cfg.Streams[i].Keys
	last := keys[len(keys)-1]
	text := added.Secret.Reveal()
	if last.Name != "obs" || !last.Secret.Equal(added.Secret) || len(text) < 26 {
		t.Errorf("the last key is %s", last.Name)
	}
	if added.File != filepath.Join(filepath.Dir(path), "keys/main-obs") || strings.TrimSpace(read(t, added.File)) != text {
		t.Errorf("%s does not hold the key", added.File)
	}
	if onlyKey := len(keys) == 1; (added.Note != "") != onlyKey {
		t.Errorf("%d keys, note %q", len(keys), added.Note)
	}
	if strings.Contains(read(t, path), text) {
		t.Error("the key itself stands in the configuration")
	}
}

func TestAddKeyMakesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "restreamd.yml")
	first, err := config.AddKey(path, "main", "obs")
	if err != nil {
		t.Fatal(err)
	}
	checkAdded(t, path, first)
	checkMode(t, path, 0o644)
	second, err := config.AddKey(path, "main", "van")
	if err != nil || second.Note != "" || second.Secret.Equal(first.Secret) {
		t.Errorf("the second: %v, note %q", err, second.Note)
	}
}

func TestAddKeyKeepsALink(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "etc/real.yml"), "data: x\n")
	path := filepath.Join(dir, "c.yml")
	if err := os.Symlink("etc/real.yml", path); err != nil {
		t.Fatal(err)
	}
	added, err := config.AddKey(path, "main", "obs")
	if err != nil {
		t.Fatal(err)
	}
	checkAdded(t, path, added)
	if got := read(t, filepath.Join(dir, "etc/real.yml")); got != "data: x\n"+mainWithKey {
		t.Errorf("behind the link: %s", got)
	}
}

func TestAddKeyRefuses(t *testing.T) {
	for _, c := range []struct{ name, content, stream, key, want string }{
		{"a name that is taken", "streams: {main: {keys: [{name: obs, key: abc}]}}\n", "main", "obs",
			"add key: stream main has a key named obs already (choose another name)"},
		{"a name that counts", "streams: {main: {keys: [{key: abc}]}}\n", "main", "key1",
			"add key: stream main has a key named key1 already (choose another name)"},
		{"a name that is a path", "", "main", "../obs",
			"add key: not a name for a key (use 1 to 64 of the characters A-Z a-z 0-9 _ -)"},
		{"a stream that is none", "", "mian", "obs", `add key: no stream is named "mian" (did you mean main?)`},
		{"a stream unlike any", "streams: {one: {app: x}}\n", "main", "obs", `add key: no stream is named "main" (known are one)`},
		{"a file with a mistake", "streems: {}\n", "main", "obs", "c.yml:1: streems: unknown setting (did you mean streams?)"},
		{"a key file that is there", "streams: {main: {keys: [{key_file: keys/main-van}]}}\n", "main", "van",
			"add key: keep it: open keys/main-van: file exists (choose another name, or remove the file)"},
		{"a text that would change", "data: \"a\n\n  b\"\n", "main", "obs",
			"add key: c.yml cannot be edited without changing what it says (add the key to it by hand)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := write(t, filepath.Join(dir, "c.yml"), c.content)
			write(t, filepath.Join(dir, "keys/main-van"), "van-key")
			before := names(t, dir)
			_, err := config.AddKey(path, c.stream, c.key)
			if got := messages(err, dir); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if read(t, path) != c.content || names(t, dir) != before {
				t.Errorf("something changed: %s", names(t, dir))
			}
		})
	}
}

// A folder that may not be written to, as somebody who is not root finds it.
func TestAddKeyInAReadOnlyFolder(t *testing.T) {
	for _, keysThere := range []bool{false, true} {
		dir := publicDir(t)
		path := write(t, filepath.Join(dir, "c.yml"), "data: x\n")
		if keysThere {
			write(t, filepath.Join(dir, "keys/other"), "x")
			if err := os.Chmod(filepath.Join(dir, "keys"), 0o777); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
		before := names(t, dir)
		err := asNobody(func() error {
			_, err := config.AddKey(path, "main", "obs")
			return err
		})
		want := "mkdir keys: permission denied"
		if keysThere {
			want = "open .restreamd-"
		}
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(messages(err, dir), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if read(t, path) != "data: x\n" || names(t, dir) != before {
			t.Errorf("something changed: %s", names(t, dir))
		}
	}
}

// In a folder like /tmp everybody may make files, and only their owner may replace them.
func TestAddKeyToTheFileOfSomebodyElse(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("takes a file that belongs to somebody else, which root alone can make")
	}
	dir := publicDir(t)
	path := write(t, filepath.Join(dir, "c.yml"), "data: x\n")
	if err := os.Chmod(dir, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	err := asNobody(func() error {
		_, err := config.AddKey(path, "main", "obs")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "rename ") || read(t, path) != "data: x\n" || names(t, dir) != "c.yml" {
		t.Errorf("%v; left are %s", err, names(t, dir))
	}
}

// publicDir is a folder that everybody may enter.
func publicDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// asNobody runs f without root's right to write everywhere.
func asNobody(f func() error) (err error) {
	var done sync.WaitGroup
	done.Go(func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		_ = syscall.Setfsuid(65534)
		err = f()
	})
	done.Wait()
	return err
}

func FuzzAddKey(f *testing.F) {
	for _, c := range layouts {
		f.Add([]byte(c.before))
	}
	for _, c := range []string{everything, "streams: {main: {keys: [{key: &a b}]}}\n", "streams: {main: {keys: [\n{key: a}, # x\n\n{key: b}\n]\n}}\n",
		"? streams\n: main:\n", "data: |\n  a\n\n  b\n", "data: >-\n\n\n x\n", "\ufeffdata: x\n", "data: x\n...\n# y\n", "%YAML 1.1\n---\ndata: x\n"} {
		f.Add([]byte(c))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		path := write(t, filepath.Join(dir, "c.yml"), string(data))
		added, err := config.AddKey(path, "main", "obs")
		if err == nil {
			checkAdded(t, path, added)
			return
		}
		if read(t, path) != string(data) || names(t, dir) != "c.yml" {
			t.Errorf("refused (%v), and something changed: %s", err, names(t, dir))
		}
	})
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func checkMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %o, want %o", path, got, want)
	}
}

// names lists everything below dir.
func names(t testing.TB, dir string) string {
	t.Helper()
	var all []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, _ fs.DirEntry, err error) error {
		if path != "." {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}
