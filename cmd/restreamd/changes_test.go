package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// What a person asks before putting a changed folder in the place of the one that runs.
func TestCheckTellsWhatChanges(t *testing.T) {
	t.Parallel()
	const key = "check-canary-4711"
	file := func(extra string) string { return "url: rtmp://127.0.0.1:9/app\nkey: " + key + "\n" + extra }
	r := rt.StartRelay(t, rt.Destination("same", file("")), rt.Destination("edited", file("")), rt.Destination("gone", file("")),
		rt.Destination("broken", file("")))
	state := filepath.Join(r.Data, "state", "destinations.json")
	rt.Eventually(t, soon, "the relay to leave what it runs in "+state, func() bool {
		text, err := os.ReadFile(state)
		return err == nil && bytes.Contains(text, []byte(`"gone"`))
	})
	if info, err := os.Stat(state); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, mode %v, want 0600", err, info.Mode())
	}
	clean(t, state, string(read(t, state)), forms(key))

	next := t.TempDir()
	for name, text := range map[string]string{
		"same": "# in other words\n" + file("enabled: true\n"), "edited": file("audio: {track: 2}\n") + "# \n",
		"broken": file("nosuch: 1\n"), "new": file(""),
	} {
		if err := os.WriteFile(filepath.Join(next, name+".yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out := checkFolder(t, r, next, r.Data)
	if code != 2 {
		t.Errorf("exit code %d with a broken file, want 2", code)
	}
	for _, want := range []string{
		"refused  broken  " + filepath.Join(next, "broken.yml") + ":3: …: unknown setting (",
		"changed  edited  audio.track\n", "removed  gone\n", "added    new\n", "kept     same\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("check does not say %q:\n%s", want, out)
		}
	}
	clean(t, "check", out, forms(key))

	if err := os.Remove(filepath.Join(next, "broken.yml")); err != nil {
		t.Fatal(err)
	}
	code, out = checkFolder(t, r, next, t.TempDir())
	if code != 0 || !strings.Contains(out, "no relay has run with ") || strings.Count(out, "added ") != 3 {
		t.Errorf("without a relay: exit code %d\n%s", code, out)
	}

	if err := os.WriteFile(state, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out = checkFolder(t, r, next, r.Data); code != 0 || !strings.Contains(out, "Changes are not known: ") || strings.Contains(out, "added ") {
		t.Errorf("with a damaged file: exit code %d\n%s", code, out)
	}
}

// checkFolder runs restreamd check on a folder of destinations, beside the data of a relay.
func checkFolder(t *testing.T, r *rt.Relay, destinations, data string) (code int, out string) {
	t.Helper()
	exe, err := os.Readlink("/proc/" + strconv.Itoa(r.Pid()) + "/exe")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "check", "--destinations", destinations, "--data", data, "--config", filepath.Join(r.Dir, "restreamd.yml"))
	text, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(text)
}
