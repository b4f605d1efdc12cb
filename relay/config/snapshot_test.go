package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/restreamd/restreamd/relay/config"
)

const good = "platform: twitch\nkey: " + theKey + "\n"

// summary is the names of the destinations, then the problems, a line each.
func summary(s config.Snapshot, dir string) string {
	var names []string
	for _, d := range s.Destinations {
		names = append(names, d.Name)
	}
	lines := []string{strings.Join(names, " ")}
	for _, p := range s.Problems {
		lines = append(lines, fmt.Sprintf("%s kept=%v %s", p.Destination, p.Kept, messages(p.Err, dir)))
	}
	return strings.Join(lines, "\n")
}

func TestLoadDir(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"b.yml", "a.yaml", "twice.yml", "twice.yaml",
		// What editors and people leave in a folder.
		"x.yml.example", ".hidden.yml", ".#b.yml", "b.yml~", ".b.yml.swp", "b.yml.swp", "4913", "#b.yml#", "b.yml.tmp", "b.tmp", "README.md",
	} {
		write(t, filepath.Join(dir, name), good)
	}
	write(t, filepath.Join(dir, "bad.yml"), "platform: twich\nkey: "+theKey+"\n")
	write(t, filepath.Join(dir, "a b.yml"), good)
	write(t, filepath.Join(dir, "binary.yml"), "\xff\xfe")
	write(t, filepath.Join(dir, "large.yml"), good+"#"+strings.Repeat("x", 1<<20))
	write(t, filepath.Join(dir, "folder.yml/inside.yml"), good)
	if err := errors.Join(
		syscall.Mkfifo(filepath.Join(dir, "fifo.yml"), 0o600),
		os.Symlink("/dev/zero", filepath.Join(dir, "device.yml")),
		os.Symlink("b.yml", filepath.Join(dir, "link.yml")),
		os.Symlink("nowhere.yml", filepath.Join(dir, "dangling.yml")),
	); err != nil {
		t.Fatal(err)
	}

	socket, err := net.Listen("unix", filepath.Join(dir, "socket.yml"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()

	want := `a b link
a b kept=false a b.yml: the name of the file cannot name a destination (use 1 to 64 of the characters A-Z a-z 0-9 _ - before .yml)
bad kept=false bad.yml:1: platform: "twich" is not known (did you mean twitch?)
binary kept=false binary.yml: cannot be read: not UTF-8 text
dangling kept=false dangling.yml: cannot be read: no such file or directory
device kept=false device.yml: cannot be read: not a regular file
fifo kept=false fifo.yml: cannot be read: not a regular file
folder kept=false folder.yml: cannot be read: not a regular file
large kept=false large.yml: cannot be read: larger than 1 MiB
socket kept=false socket.yml: cannot be read: not a regular file
twice kept=false twice.yml: the same name as twice.yaml (keep one of the two)`
	if got := summary(config.LoadDir(dir, known), dir); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestLoadDirWithoutFolder(t *testing.T) {
	s := config.LoadDir(filepath.Join(t.TempDir(), "none"), known)
	if len(s.Destinations) != 0 || len(s.Problems) != 1 || !errors.Is(s.Problems[0].Err, fs.ErrNotExist) {
		t.Errorf("got %+v", s)
	}
}

func TestLoadDirNotesExposedKeys(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secret"), theKey)
	for name, content := range map[string]string{
		"inline":  good,
		"url":     "url: rtmp://host/app/" + theKey + "\n",
		"keyfile": "platform: twitch\nkey_file: secret\n",
	} {
		write(t, filepath.Join(dir, name+".yml"), content)
	}
	exposed := map[string]string{"inline": "inline.yml", "url": "url.yml", "keyfile": "secret"}
	for _, d := range config.LoadDir(dir, known).Destinations {
		file := filepath.Join(dir, exposed[d.Name])
		if want := []string{file + " can be read by everybody: chmod 600 " + file}; !slices.Equal(d.Notes, want) {
			t.Errorf("%s: notes %q, want %q", d.Name, d.Notes, want)
		}
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range config.LoadDir(dir, known).Destinations {
		if len(d.Notes) > 0 {
			t.Errorf("%s: closed, and still noted: %q", d.Name, d.Notes)
		}
		delete(exposed, d.Name)
	}
	if len(exposed) > 0 {
		t.Errorf("not loaded: %v", exposed)
	}
}
