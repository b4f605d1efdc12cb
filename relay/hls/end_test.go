package hls_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/hls"
)

const open = "#EXTM3U\n#EXTINF:2.0,\na.ts\n"

func TestEndIsWrittenOnce(t *testing.T) {
	dir := t.TempDir()
	name := put(t, open, dir, "main", firstName, "index.m3u8")
	r := hls.Recipe{Dir: dir}
	for range 3 {
		if err := r.End("main", first); err != nil {
			t.Fatal(err)
		}
		if got := get(t, name); got != open+"#EXT-X-ENDLIST\n" {
			t.Fatalf("the playlist is %q", got)
		}
	}
	if files, _ := os.ReadDir(filepath.Dir(name)); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}

// A player that reads while the end is written sees the old playlist or the new one: the old file is not touched.
func TestEndIsAtomic(t *testing.T) {
	dir := t.TempDir()
	name := put(t, open, dir, "main", firstName, "index.m3u8")
	before, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	if err := (hls.Recipe{Dir: dir}).End("main", first); err != nil {
		t.Fatal(err)
	}
	if info, err := before.Stat(); err != nil || info.Size() != int64(len(open)) {
		t.Errorf("who had the playlist open sees it change: %v, %v", info, err)
	}
}

func TestEndWithoutAPlaylist(t *testing.T) {
	dir := t.TempDir()
	if err := (hls.Recipe{Dir: dir}).End("main", first); err != nil {
		t.Error(err)
	}
	if exists(dir, "main") {
		t.Error("something was made")
	}
}

func TestEndReportsWhatItCannotWrite(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "main", firstName, "index.m3u8"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := (hls.Recipe{Dir: dir}).End("main", first); err == nil || !strings.Contains(err.Error(), "end playlist") {
		t.Errorf("error %v", err)
	}
}
