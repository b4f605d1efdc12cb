package output_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/output"
)

// A folder that cannot be made starts no child, says why, and is tried until it can.
func TestFolderThatCannotBeMade(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	dir := filepath.Join(t.TempDir(), "recordings")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Apply([]output.Spec{s.spec("a", files{dir: dir, name: "a"})})
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(10)
	o := s.await("a", "tried twice", func(o output.Status) bool { return o.Failures > 1 && o.State == output.Retrying })
	if o.Class != output.Disk || o.Starts != 0 || !strings.Contains(o.Reason, dir+" is no folder") || !strings.Contains(o.Reason, "goes on by itself") {
		t.Errorf("%s", text(o))
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	s.await("a", "running", func(o output.Status) bool {
		on.gop(10)
		return o.State == output.Running && o.Class == ""
	})
	if left, _ := filepath.Glob(filepath.Join(dir, ".probe*")); len(left) > 0 {
		t.Errorf("what was tried with is still there: %q", left)
	}
	on.pub.Close()
}

// A file that is taken from under its child is missed, and there is another at once.
func TestFileThatVanishes(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	f := files{dir: filepath.Join(t.TempDir(), "recordings"), name: "a"}
	s.Apply([]output.Spec{s.spec("a", f)})
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(10)
	s.await("a", "running", func(o output.Status) bool {
		on.gop(10)
		return o.State == output.Running
	})
	if err := os.Rename(f.dir, f.dir+"-away"); err != nil {
		t.Fatal(err)
	}
	o := s.await("a", "failed", func(o output.Status) bool { return o.Failures > 0 })
	if o.Class != output.Disk || !strings.Contains(o.Reason, "moved or removed") {
		t.Errorf("%s", text(o))
	}
	s.await("a", "running again", func(o output.Status) bool {
		on.gop(10)
		return o.State == output.Running && o.Starts == 2
	})
	if _, err := os.Stat(f.path(1)); err != nil {
		t.Error(err)
	}
	on.pub.Close()
}

// Words that mean the peer where a child writes to the network mean the disk where it writes files.
func TestDiskThatFails(t *testing.T) {
	t.Parallel()
	s := open(t, "fault").serve()
	s.Apply([]output.Spec{s.spec("a", files{dir: t.TempDir(), name: "a"})})
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(10)
	o := s.await("a", "failed", func(o output.Status) bool { return o.Failures > 0 && o.State == output.Retrying })
	if o.Class != output.Disk || !strings.Contains(o.Reason, "see dmesg") {
		t.Errorf("%s", text(o))
	}
	on.pub.Close()
}
