package recorder_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/recorder"
)

func TestFreeNameOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []string{startName + ".mp4", startName + ".part2.mp4", startName + ".part3.mp4"} {
		name, err := recorder.FreeName(dir, "main", start)
		if err != nil {
			t.Fatal(err)
		}
		if name != filepath.Join(dir, "main", want) {
			t.Errorf("got %s, want %s", name, want)
		}
		if !recorder.IsTake(filepath.Base(name)) {
			t.Errorf("%s is no take", name)
		}
		write(t, nil, name)
	}
}

// A name that leads nowhere is taken all the same: ffmpeg would write to where it leads.
func TestFreeNameFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	write(t, nil, dir, "main", "x")
	if err := os.Symlink("/nowhere/at/all", filepath.Join(dir, "main", startName+".mp4")); err != nil {
		t.Fatal(err)
	}
	if name, err := recorder.FreeName(dir, "main", start); err != nil || filepath.Base(name) != startName+".part2.mp4" {
		t.Errorf("got %s, %v", name, err)
	}
}

func TestFreeNameHasAnEnd(t *testing.T) {
	dir := t.TempDir()
	write(t, nil, dir, "main", startName+".mp4")
	for part := 2; part <= 3000; part++ {
		write(t, nil, dir, "main", fmt.Sprintf("%s.part%d.mp4", startName, part))
	}
	if name, err := recorder.FreeName(dir, "main", start); err == nil || !strings.Contains(err.Error(), "3000 parts") {
		t.Errorf("got %s, %v", name, err)
	}
}

func TestFreeNameReportsWhatIsInTheWay(t *testing.T) {
	dir := t.TempDir()
	write(t, nil, dir, "main") // a file where the folder should be
	if _, err := recorder.FreeName(dir, "main", start); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("error %v", err)
	}
}

func TestIsTake(t *testing.T) {
	for name, want := range map[string]bool{
		startName + ".mp4": true, startName + ".part2.mp4": true, startName + ".part3000.mp4": true,
		startName + ".part1.mp4": false, startName + ".part02.mp4": false, startName + ".part.mp4": false,
		startName + ".part3001.mp4": false, startName + ".part2.part3.mp4": false, startName + ".part-2.mp4": false,
		startName: false, startName + ".mp4.tmp": false, startName + ".mkv": false, "x" + startName + ".mp4": false,
		"2026-11-22T18-00-00.5Z.mp4": false, "2026-13-22T18-00-00Z.mp4": false, "holiday.mp4": false, ".mp4": false, "": false,
	} {
		if recorder.IsTake(name) != want {
			t.Errorf("%q: %v, want %v", name, !want, want)
		}
	}
}
