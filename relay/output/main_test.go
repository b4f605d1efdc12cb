package output_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/relaytest"
)

const (
	soon    = 5 * time.Second
	patient = 20 * time.Second
)

// scripts stand for ffmpeg. $out is the job's output file.
var scripts = map[string]string{
	"keeps":    `exec cat >"$out"`,
	"lingers":  `echo start $$ >>"$out.log"; cat >"$out"; sleep 0.5; echo stop $$ >>"$out.log"`,
	"deaf":     `exec sleep 60`,
	"stubborn": `trap '' TERM; while :; do sleep 1; done`,
	"fails":    `echo "cannot do it with s3cret-key" >&2; exit 1`,
	"fault":    `cat >/dev/null & sleep 0.1; echo "av_interleaved_write_frame(): Input/output error" >&2; exit 1`,
	"idles":    `exec cat >/dev/null`,
	"fills":    `cat >"$out"; echo "[hls @ 0x1] No space left on device" >&2`,
	"quits":    `head -c 100 >/dev/null; exit 0`,
	"recovers": `log="${out%-*}.log"; echo x >>"$log"; [ $(wc -l <"$log") -eq 3 ] && sleep 1.5; exit 1`,
	"obeys":    `[ -e "${out%-*}.refuse" ] || exec cat >"$out"; echo "[rtmp @ 0x1] Server error: Already publishing" >&2; exit 1`,
}

var scriptDir string

// TestMain writes the scripts before anything forks: a file that is still open for writing somewhere cannot be run.
func TestMain(m *testing.M) {
	var err error
	if scriptDir, err = os.MkdirTemp("", "output-test-"); err != nil {
		panic(err)
	}
	_ = flag.Set("test.parallel", "16") // the tests wait rather than work; -parallel still has the last word
	for name, body := range scripts {
		text := "#!/bin/sh\nfor a in \"$@\"; do case \"$a\" in /*) out=$a;; esac; done\n" + body + "\n"
		if err := os.WriteFile(filepath.Join(scriptDir, name), []byte(text), 0o755); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(scriptDir)
		os.Exit(code)
	}))
}

// files is a recipe that has each child write Dir/<name>-<part>.
type files struct {
	dir, name string
	roll      bool
}

func (f files) path(part int) string { return filepath.Join(f.dir, fmt.Sprintf("%s-%d", f.name, part)) }

func (f files) Job(a ffmpeg.Attempt) (ffmpeg.Job, error) {
	name := f.path(a.Part)
	return ffmpeg.Job{
		Input:   ffmpeg.FLVInput(),
		Outputs: []ffmpeg.Output{{URL: name, Options: ffmpeg.Options{"c": "copy", "f": "flv"}}},
		Watch:   []string{name}, Dirs: []string{f.dir}, RollOnHeader: f.roll,
	}, nil
}

// stage is a hub with a stream main, and a set of outputs that is served.
type stage struct {
	*output.Set
	t      *testing.T
	hub    *relay.Hub
	stream *relay.Stream // main
	stop   context.CancelFunc
	gone   chan struct{}

	mu       sync.Mutex
	finished []ffmpeg.Attempt
}

// open serves outputs with one of the scripts, or an ffmpeg in the PATH.
func open(t *testing.T, tool string) *stage {
	t.Helper()
	path := tool
	if _, ok := scripts[tool]; ok {
		path = filepath.Join(scriptDir, tool)
	}
	s := &stage{t: t, hub: relay.NewHub("main"), gone: make(chan struct{})}
	s.stream = s.hub.Stream("main")
	s.Set = &output.Set{
		Source: func(name string) output.Source {
			if stream := s.hub.Stream(name); stream != nil {
				return stream
			}
			return nil
		},
		Tool: output.Tool{Path: path, Env: ffmpeg.Env(), Reads: func(relay.Kind, []byte) bool { return true }},
		Log:  zap.NewNop(),
	}
	return s
}

func (s *stage) serve() *stage {
	ctx, cancel := context.WithCancel(s.t.Context())
	s.stop = cancel
	go func() {
		defer close(s.gone)
		if err := s.Serve(ctx); err != nil {
			s.t.Errorf("Serve: %v", err)
		}
	}()
	s.t.Cleanup(func() {
		cancel()
		<-s.gone
	})
	return s
}

func (s *stage) finish(a ffmpeg.Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finished = append(s.finished, a)
}

func (s *stage) finishes() []ffmpeg.Attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.finished)
}

// spec is an output of stream main.
func (s *stage) spec(name string, r output.Recipe) output.Spec {
	return output.Spec{
		ID: output.ID{Stream: "main", Kind: "test", Name: name}, Fingerprint: "1", Recipe: r, Finished: s.finish,
	}
}

func (s *stage) status(name string) output.Status {
	for _, o := range s.Snapshot() {
		if o.Name == name {
			return o
		}
	}
	return output.Status{}
}

// await waits until an output is as wished, and returns it.
func (s *stage) await(name, what string, ok func(output.Status) bool) (o output.Status) {
	s.t.Helper()
	within(s.t, patient, func() string { return fmt.Sprintf("%s to be %s: %s", name, what, text(o)) }, func() bool {
		o = s.status(name)
		return ok(o)
	})
	return o
}

func (s *stage) awaitState(name string, want output.State) output.Status {
	s.t.Helper()
	return s.await(name, string(want), func(o output.Status) bool { return o.State == want })
}

// within is relaytest.Eventually with words that are known only at the end.
func within(t *testing.T, limit time.Duration, what func() string, ok func() bool) {
	t.Helper()
	met := false
	t.Cleanup(func() {
		if !met {
			t.Logf("waited for %s", what())
		}
	})
	relaytest.Eventually(t, limit, "what stands below", func() bool {
		met = ok()
		return met
	})
}

func lines(name string) []string {
	b, _ := os.ReadFile(name)
	return strings.Fields(strings.TrimSpace(string(b)))
}

// text is all of a status: printed as it is, it is its output's name.
func text(o output.Status) string {
	b, _ := json.Marshal(o) // plain data
	return string(b)
}
