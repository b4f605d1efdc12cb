package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/config"
)

func TestFolderDecodesOnlyWhatChanged(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "large.yml"), "streams: ["+strings.Repeat("x,", 100_000)+"]\n")
	write(t, filepath.Join(dir, "good.yml"), good)
	folder := config.NewFolder(dir, known)
	first := folder.Load()
	if n := testing.AllocsPerRun(3, func() { folder.Load() }); n > 1000 {
		t.Errorf("reading the same again costs %v allocations", n)
	}
	if again := folder.Load(); len(first.Problems) != 1 || len(again.Destinations) != 1 || !reflect.DeepEqual(again, first) {
		t.Errorf("\n got %+v\nthen %+v", first, again)
	}
}

// What is kept from an earlier reading must not hide what changed since, be it outside of the file.
func TestFolderSeesEveryChange(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "d")
	at := func(name string) string { return filepath.Join(root, name) }
	put := func(name, content string) func() { return func() { write(t, at(name), content) } }
	do := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	write(t, at("key"), theKey)
	write(t, at("ca.pem"), certificate(t))
	t.Setenv("RESTREAMD_TEST_FOLDER_KEY", theKey)
	write(t, at("d/file.yml"), "url: rtmps://host/app\nkey_file: ../key\nca_file: ../ca.pem\n")
	write(t, at("d/env.yml"), "url: rtmp://host/app\nkey_env: RESTREAMD_TEST_FOLDER_KEY\n")

	folder := config.NewFolder(dir, known)
	last := folder.Load()
	if len(last.Destinations) != 2 {
		t.Fatalf("got %+v", last)
	}
	for _, c := range []struct {
		name   string
		change func()
	}{
		{"the file", put("d/env.yml", "url: rtmp://host/other\nkey_env: RESTREAMD_TEST_FOLDER_KEY\n")},
		{"the key file", put("key", theKey+"2")},
		{"the key file, which is empty", put("key", "")},
		{"the key file, which is gone", func() { do(os.Remove(at("key"))) }},
		{"the key file, which is back", put("key", theKey)},
		{"who may read the key file", func() { do(os.Chmod(at("key"), 0o600)) }},
		{"the certificates", put("ca.pem", certificate(t))},
		{"certificates that are none", put("ca.pem", "x")},
		{"the variable", func() { do(os.Setenv("RESTREAMD_TEST_FOLDER_KEY", theKey+"2")) }},
		{"the variable, which is gone", func() { do(os.Unsetenv("RESTREAMD_TEST_FOLDER_KEY")) }},
		{"a file that is gone", func() { do(os.Remove(at("d/env.yml"))) }},
	} {
		c.change()
		now := folder.Load()
		if reflect.DeepEqual(now, last) {
			t.Errorf("%s: the change was not seen", c.name)
		}
		if fresh := config.LoadDir(dir, known); !reflect.DeepEqual(now, fresh) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, now, fresh)
		}
		last = now
	}
}
