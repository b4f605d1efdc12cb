package config_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/config"
)

// fileWatch runs a FileWatcher and keeps what it called.
type fileWatch struct {
	path  string
	calls chan string // "apply: …" and "refuse: …", in order
}

// watchFile runs a FileWatcher on d/c.yml below root until the end of the test.
func watchFile(t *testing.T, root string, rescan time.Duration) *fileWatch {
	t.Helper()
	w := &fileWatch{path: filepath.Join(root, "d/c.yml"), calls: make(chan string, 100)}
	current, err := config.Load(w.path)
	if errors.Is(err, fs.ErrNotExist) {
		current, err = config.Default(), nil
	}
	if err != nil {
		t.Fatal(err)
	}
	watcher := config.FileWatcher{
		Path: w.path, Rescan: rescan, Current: current,
		Apply: func(c *config.Config) {
			w.calls <- "apply: " + describe(c)
			clear(c.Streams[0].Keys) // the callee's own
			c.Streams[0].Keys = nil
		},
		Refuse: func(err error) { w.calls <- "refuse: " + messages(err, filepath.Dir(w.path)) },
	}
	ctx, cancel := context.WithCancel(t.Context())
	var served sync.WaitGroup
	served.Go(func() {
		if err := watcher.Serve(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Serve returned %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		served.Wait()
	})
	return w
}

// describe is the keys of each stream and how long a publisher may be idle.
func describe(c *config.Config) string {
	var words []string
	for _, s := range c.Streams {
		for _, k := range s.Keys {
			words = append(words, s.Name+"/"+k.Name+"="+k.Secret.Reveal())
		}
	}
	return strings.Join(append(words, fmt.Sprint(c.Limits.Idle)), " ")
}

// next fails unless the next call is want.
func (w *fileWatch) next(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-w.calls:
		if got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	case <-time.After(5 * time.Second):
		t.Fatalf("nothing, want %s", want)
	}
}

// quiet fails if anything is called while the watcher looks several times.
func (w *fileWatch) quiet(t *testing.T) {
	t.Helper()
	select {
	case got := <-w.calls:
		t.Errorf("told besides: %s", got)
	case <-time.After(300 * time.Millisecond):
	}
}

func (w *fileWatch) shell(t *testing.T, command string) {
	t.Helper()
	(&watched{dir: filepath.Dir(w.path)}).shell(t, command)
}

const (
	withKeyFile = "streams: {main: {keys: [{name: studio, key_file: ../keys/studio}]}}\n"
	tenSeconds  = "limits: {idle: 10s}\n"
)

func TestFileWatcherTakesUpEveryKindOfEdit(t *testing.T) {
	for _, c := range []struct{ name, command, want string }{
		{"sed -i", "sed -i s/10s/20s/ d/c.yml", "apply: main/studio=one 20s"},
		{"mv in", "sed s/10s/20s/ d/c.yml > new; mv new d/c.yml", "apply: main/studio=one 20s"},
		{"truncate and write", "sed s/10s/20s/ d/c.yml > new; : > d/c.yml; cat new >> d/c.yml", "apply: main/studio=one 20s"},
		{"rm and write", "sed s/10s/20s/ d/c.yml > new; rm d/c.yml; cat new > d/c.yml", "apply: main/studio=one 20s"},
		{"as vim saves", "touch d/4913; rm d/4913; mv d/c.yml d/c.yml~; sed s/10s/20s/ d/c.yml~ > d/c.yml; rm d/c.yml~", "apply: main/studio=one 20s"},
		{"the folder replaced", "mkdir e; sed s/10s/20s/ d/c.yml > e/c.yml; mv d old; mv e d", "apply: main/studio=one 20s"},
		{"a mistake", "sed -i s/idle/idel/ d/c.yml", "refuse: c.yml:2: limits.idel: unknown setting (did you mean idle?)"},
		{"rm", "rm d/c.yml", "refuse: c.yml: the file is gone (put it back; for the defaults, restart without it)"},
		{"the folder gone", "mv d old", "refuse: c.yml: the file is gone (put it back; for the defaults, restart without it)"},
		{"truncate", ": > d/c.yml", "refuse: c.yml: the file is empty (put its content back; for the defaults, write a comment into it)"},
		{"comments only", "echo '# gone home' > d/c.yml", "apply: 15s"},
		{"a pipe in its place", "rm d/c.yml; mkfifo d/c.yml", "refuse: c.yml: cannot be read: not a regular file"},
		{"no text", "printf '\\377' > d/c.yml", "refuse: c.yml: cannot be read: not UTF-8 text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			write(t, filepath.Join(root, "keys/studio"), "one")
			write(t, filepath.Join(root, "d/c.yml"), withKeyFile+tenSeconds)
			w := watchFile(t, root, longRescan)
			w.shell(t, c.command)
			w.next(t, c.want)
		})
	}
}

func TestFileWatcherFindsChangesInOtherFolders(t *testing.T) {
	root := t.TempDir()
	key := write(t, filepath.Join(root, "keys/studio"), "one")
	signing := write(t, filepath.Join(root, "jwt.secret"), "signing one")
	write(t, filepath.Join(root, "d/c.yml"), withKeyFile+"auth: {jwt: {secret_file: ../jwt.secret}}\n")
	w := watchFile(t, root, 20*time.Millisecond)
	write(t, key, "two")
	w.next(t, "apply: main/studio=two 15s")
	write(t, signing, "signing two")
	w.next(t, "apply: main/studio=two 15s")
	w.shell(t, "rm keys/studio")
	const gone = "cannot be read: no such file or directory (a relative path starts at the folder of this file; the key itself belongs under key)"
	w.next(t, "refuse: c.yml:1: streams.main.keys[0].key_file: "+gone)
	write(t, key, "three")
	w.next(t, "apply: main/studio=three 15s")
}

func TestFileWatcherBeginsWithoutAFile(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	w := watchFile(t, root, 10*time.Millisecond)
	w.quiet(t)
	write(t, w.path, tenSeconds)
	w.next(t, "apply: 10s")
	w.shell(t, "rm d/c.yml")
	w.next(t, "refuse: c.yml: the file is gone (put it back; for the defaults, restart without it)")
	write(t, w.path, "limits: {idle: 11s}\n")
	w.next(t, "apply: 11s")
}

// The clock looks often here, and finds the same every time.
func TestFileWatcherTellsChangesOnly(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "keys/studio"), "one")
	write(t, filepath.Join(root, "d/c.yml"), withKeyFile+tenSeconds)
	w := watchFile(t, root, time.Millisecond)
	w.shell(t, "touch d/c.yml; echo '# a comment' >> d/c.yml; cp d/c.yml d/c.bak; printf 'one\\n' > keys/studio")
	w.quiet(t)
	write(t, w.path, withKeyFile+"limits: {idel: 10s}\n")
	const mistake = "refuse: c.yml:2: limits.idel: unknown setting (did you mean idle?)"
	w.next(t, mistake)
	w.shell(t, "touch d/c.yml; echo '# still wrong' >> d/c.yml")
	w.quiet(t)
	// Put right by going back: nothing new. Made again, the mistake is news.
	write(t, w.path, withKeyFile+tenSeconds)
	w.quiet(t)
	write(t, w.path, withKeyFile+"limits: {idel: 10s}\n")
	w.next(t, mistake)
	write(t, w.path, withKeyFile+"limits: {idle: 30s}\n")
	w.next(t, "apply: main/studio=one 30s")
	w.quiet(t)
}

// Nothing is told of a configuration that has not changed since it was loaded, be it empty or not there.
func TestFileWatcherIsSilentAtTheStart(t *testing.T) {
	for _, content := range []string{"", "# nothing\n", tenSeconds} {
		root := t.TempDir()
		write(t, filepath.Join(root, "d/c.yml"), content)
		w := watchFile(t, root, time.Millisecond)
		w.quiet(t)
		write(t, w.path, "limits: {idle: 20s}\n")
		w.next(t, "apply: 20s")
	}
}
