package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// recoverFolder runs restreamd recover.
func recoverFolder(t *testing.T, exe string, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.Command(exe, append([]string{"recover"}, args...)...)
	cmd.Dir = t.TempDir() // no configuration here
	text, _ := cmd.CombinedOutput()
	return string(text), cmd.ProcessState.ExitCode()
}

// What a relay left that was killed becomes whole files, and so does a copy of what another is still writing. Its own
// folder is left alone as long as it runs.
func TestRecover(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t, rt.StreamConfig("hls: {enabled: false}"))
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", r.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	recordings := filepath.Join(r.Data, "recordings")
	var live []string
	rt.Eventually(t, patient, "some of a recording", func() bool {
		live, _ = filepath.Glob(filepath.Join(recordings, "main", "*.mp4"))
		if len(live) != 1 {
			return false
		}
		info, err := os.Stat(live[0])
		return err == nil && info.Size() > 300_000
	})
	for _, dir := range []string{r.Data, recordings, filepath.Join(recordings, "main"), r.Dir} {
		if out, code := recoverFolder(t, exe, dir); code != 1 || !strings.Contains(out, "a relay is running on "+r.Data) {
			t.Errorf("recover %s beside the relay: exit code %d\n%s", dir, code, out)
		}
	}
	content, err := os.ReadFile(live[0])
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(live[0]))
	if err := os.WriteFile(copied, content[:len(content)-1000], 0o600); err != nil {
		t.Fatal(err)
	}
	checkRecovered(t, exe, copied)

	r.Kill()
	pub.Kill()
	rt.Eventually(t, patient, "the recording child to go", func() bool { return len(r.Orphans()) == 0 })
	checkRecovered(t, exe, live[0])

	r = rt.StartRelay(t, rt.InDir(r.Dir), rt.StreamConfig("hls: {enabled: false}"))
	if r.Stop(t); strings.Contains(r.Log(), "recording finished") {
		t.Error("what was recovered was finished again")
	}
	if out, code := recoverFolder(t, exe); code != 2 || !strings.Contains(out, "recover takes one folder") {
		t.Errorf("without a folder: exit code %d\n%s", code, out)
	}
	if out, code := recoverFolder(t, exe, t.TempDir()); code != 0 || !strings.Contains(out, "no recordings") {
		t.Errorf("a folder without recordings: exit code %d\n%s", code, out)
	}
}

// checkRecovered recovers a recording's folder: every packet that plays is in an ordinary file then.
func checkRecovered(t *testing.T, exe, file string) {
	t.Helper()
	before := rt.VideoHashes(t, file)
	out, code := recoverFolder(t, exe, filepath.Dir(file))
	t.Logf("%s", out)
	if code != 0 || !strings.Contains(out, "a recording of") {
		t.Errorf("exit code %d", code)
	}
	got := rt.VideoHashes(t, file)
	if len(got) > len(before) || len(got) < len(before)-60 || !slices.Equal(got, before[:len(got)]) { // of a torn fragment not all may be there
		t.Errorf("%d packets of %d", len(got), len(before))
	}
	decodes(t, file)
}
