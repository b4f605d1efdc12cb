package relaytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// startDeadline is how long the relay may take to listen. The race detector and a busy machine are in it.
	startDeadline = 20 * time.Second
	// relayStopGrace is how long the relay may take to end after SIGTERM: it covers the stop ladder of a child
	// that hangs (2 s to SIGTERM, 3 s more to SIGKILL), twice.
	relayStopGrace = 15 * time.Second
	// orphanGrace is how long children may outlive a relay that was killed: they see the end of their input,
	// finish their files and go.
	orphanGrace = 10 * time.Second
	logTail     = 60 // lines of the relay's log shown when a test fails
)

// Relay is a running restreamd in a folder of its own, with the stream main, ingesting at app live.
type Relay struct {
	RTMP, HTTP   string // host:port the relay listens on
	RTMPS        string // the same; empty without RTMPS
	Key          string // a valid stream key of main
	Dir          string // everything below is in here, and it is the working folder
	Data         string // recordings/, hls/, state/
	Destinations string // the watched folder

	binary string
	child  *child
	leaks  *leakWatch
}

// runFile is <data>/state/run.json, which the relay writes once it listens.
type runFile struct {
	Pid   int    `json:"pid"`
	RTMP  string `json:"rtmp"`
	RTMPS string `json:"rtmps"`
	HTTP  string `json:"http"`
}

// StartRelay builds and starts the relay and waits until it listens. At the end of the test it is stopped; the
// test fails if the relay had to be killed for that, had a data race, left children behind, or ever showed one of its
// secrets (of 8 bytes or more) where others could read it. The end of its log is shown when the test failed.
func StartRelay(t testing.TB, opts ...RelayOption) *Relay {
	t.Helper()
	var spec relaySpec
	for _, opt := range opts {
		opt(&spec)
	}
	if spec.dir == "" {
		spec.dir = t.TempDir()
	}
	if spec.binary == "" {
		build := relayBinary
		if spec.shipped {
			build = shippedBinary
		}
		binary, err := build()
		if err != nil {
			t.Fatal(err)
		}
		spec.binary = binary
	}
	// Orphans compares with working folders, which the kernel shows without symbolic links.
	if resolved, err := filepath.EvalSymlinks(spec.dir); err == nil {
		spec.dir = resolved
	}
	r := &Relay{
		Dir:          spec.dir,
		Data:         filepath.Join(spec.dir, "data"),
		Destinations: filepath.Join(spec.dir, "destinations.d"),
		binary:       spec.binary,
	}
	if err := spec.write(r); err != nil {
		t.Fatalf("set up relay: %v", err)
	}
	if err := r.start(spec); err != nil {
		t.Fatalf("start relay: %v", err)
	}
	r.leaks = watchLeaks(t, r, spec.noKey)
	t.Cleanup(func() { r.finish(t) })
	r.awaitListening(t)
	if spec.noKey && len(spec.keys) == 0 {
		r.Key = strings.TrimSpace(string(readFile(t, filepath.Join(r.Data, "stream.key"))))
	}
	return r
}

func (r *Relay) start(spec relaySpec) error {
	// In a folder that is used again this file speaks of the relay before.
	if err := os.RemoveAll(r.runPath()); err != nil {
		return fmt.Errorf("remove old run file: %w", err)
	}
	args := slices.Concat(spec.under, []string{spec.binary, "serve"}, r.flags())
	if spec.debug {
		args = append(args, "--debug")
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = r.Dir
	cmd.Env = append(os.Environ(), spec.env...)
	var err error
	r.child, err = startChild(cmd)
	return err
}

func (r *Relay) flags() []string {
	return []string{"--config", r.configPath(), "--destinations", r.Destinations, "--data", r.Data}
}

func (r *Relay) runPath() string { return filepath.Join(r.Data, "state", "run.json") }

func (r *Relay) awaitListening(t testing.TB) {
	t.Helper()
	var run runFile
	Eventually(t, startDeadline, "the relay to listen ("+r.runPath()+")", func() bool {
		if r.child.waitFor(0) {
			t.Fatalf("the relay exited with %d before it listened", r.child.wait())
		}
		data, err := os.ReadFile(r.runPath())
		return err == nil && json.Unmarshal(data, &run) == nil
	})
	if run.Pid != r.Pid() {
		t.Fatalf("%s names process %d, the relay is %d", r.runPath(), run.Pid, r.Pid())
	}
	r.RTMP, r.RTMPS, r.HTTP = run.RTMP, run.RTMPS, run.HTTP
}

// PublishURL is what an encoder publishes to, with the stream key in it.
func (r *Relay) PublishURL() string { return "rtmp://" + r.RTMP + "/live/" + r.Key }

// Status decodes the answer of GET /api/v1/status into v, a pointer to a map or a struct.
func (r *Relay) Status(t testing.TB, v any) {
	t.Helper()
	code, body := r.Get(t, "/api/v1/status")
	if code != http.StatusOK {
		t.Fatalf("status answers %d: %s", code, body)
	}
	if err := json.Unmarshal(body, v); err != nil {
		t.Fatalf("decode status: %v\n%s", err, body)
	}
}

// Get returns the status code and the body the relay answers for a path such as /healthz.
func (r *Relay) Get(t testing.TB, path string) (int, []byte) {
	t.Helper()
	resp, body := r.Fetch(t, path)
	return resp.StatusCode, body
}

// Fetch returns the relay's whole answer for a path; its Body is read and closed.
func (r *Relay) Fetch(t testing.TB, path string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+r.HTTP+path, nil)
	if err != nil {
		t.Fatalf("get %s: %v", path, err)
	}
	return r.Do(t, req)
}

// Do returns the relay's answer to a request; its Body is read and closed.
func (r *Relay) Do(t testing.TB, req *http.Request) (*http.Response, []byte) {
	t.Helper()
	// A connection of its own for each request, so that no idle one outlives the test.
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read %s: %v", req.URL.Path, err)
	}
	return resp, body
}

// Configure writes restreamd.yml as [StartRelay] would with these options, while the relay runs. What is not in them
// goes: they are the whole configuration. Options that are not about restreamd.yml do nothing.
func (r *Relay) Configure(t testing.TB, opts ...RelayOption) {
	t.Helper()
	var spec relaySpec
	for _, opt := range opts {
		opt(&spec)
	}
	r.PutConfig(t, spec.config(r))
}

// PutConfig writes restreamd.yml, whole or not at all, as a careful editor does.
func (r *Relay) PutConfig(t testing.TB, yaml string) {
	t.Helper()
	r.leaks.learn(r.configPath(), yaml)
	if err := putFile(r.configPath(), yaml); err != nil {
		t.Fatalf("put configuration: %v", err)
	}
}

// Command runs one of the relay's other commands on the relay's own files, for example "token", "--for", "1h", and
// returns what it printed. It fails the test unless the command succeeds.
func (r *Relay) Command(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := run(r.binary, slices.Concat(r.flags(), []string{name}, args)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// PutDestination writes destinations.d/<name>.yml, whole or not at all, as a careful editor does.
func (r *Relay) PutDestination(t testing.TB, name, yaml string) {
	t.Helper()
	path := filepath.Join(r.Destinations, name+".yml")
	r.leaks.learn(path, yaml)
	if err := putFile(path, yaml); err != nil {
		t.Fatalf("put destination: %v", err)
	}
}

// RemoveDestination deletes destinations.d/<name>.yml.
func (r *Relay) RemoveDestination(t testing.TB, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(r.Destinations, name+".yml")); err != nil {
		t.Fatalf("remove destination: %v", err)
	}
}

// Stop asks the relay to end (SIGTERM) and returns its exit code. One that has not ended after 15 s is killed, and
// fails the test.
func (r *Relay) Stop(t testing.TB) int {
	t.Helper()
	r.leaks.lookAround() // while it still answers
	r.child.signal(syscall.SIGTERM)
	if !r.child.waitFor(relayStopGrace) {
		t.Errorf("the relay ignored SIGTERM for %v", relayStopGrace)
		r.child.kill()
	}
	return r.child.wait()
}

// Kill ends the relay at once (SIGKILL), as a crash does. Its children are left to find out.
func (r *Relay) Kill() { r.child.kill() }

// Pid is the process id of the relay.
func (r *Relay) Pid() int { return r.child.pid() }

// Log is everything the relay has printed so far.
func (r *Relay) Log() string { return r.child.log.String() }

// Orphans returns the processes that live in the relay's folder without being the relay, whoever their parent is
// by now. While the relay runs, these are its children.
func (r *Relay) Orphans() []Proc {
	return slices.DeleteFunc(processes(), func(p Proc) bool {
		return p.Pid == r.Pid() || (p.Dir != r.Dir && !strings.HasPrefix(p.Dir, r.Dir+"/"))
	})
}

func (r *Relay) finish(t testing.TB) {
	r.Stop(t)
	if !poll(orphanGrace, func() bool { return len(r.Orphans()) == 0 }) {
		for _, p := range r.Orphans() {
			t.Errorf("the relay left a child behind: %v", p)
			_ = syscall.Kill(p.Pid, syscall.SIGKILL)
		}
	}
	r.leaks.end()
	if strings.Contains(r.Log(), "WARNING: DATA RACE") {
		t.Error("the relay had a data race, see its log")
	}
	if t.Failed() {
		lines := strings.Split(r.Log(), "\n")
		t.Logf("the end of the relay's log:\n%s", strings.Join(lines[max(0, len(lines)-logTail):], "\n"))
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
