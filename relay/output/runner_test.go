package output_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/egress"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/relaytest"
	"github.com/restreamd/restreamd/relay/secret"
)

// A child that fails is tried again, later each time, and says why without saying secrets.
func TestFailuresBackOff(t *testing.T) {
	t.Parallel()
	s := open(t, "fails").serve()
	spec := s.spec("a", files{dir: t.TempDir(), name: "a"})
	spec.Secrets = []secret.String{secret.New("s3cret-key")}
	s.Apply([]output.Spec{spec})
	if s.Retry(spec.ID) {
		t.Error("there was nothing to retry")
	}
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(10)
	want := 500 * time.Millisecond
	for n := 1; n <= 3; n++ {
		o := s.await("a", "waiting for its next try", func(o output.Status) bool {
			on.gop(10)
			return o.Failures == n && o.State == output.Retrying && o.NextTry != nil
		})
		if wait := o.NextTry.Sub(o.Since); wait < want*79/100 || wait > want*121/100 {
			t.Errorf("failure %d: the next try is in %v, want %v ± 20 %%", n, wait, want)
		}
		if !strings.Contains(o.Reason, "exit 1") || o.Pid != 0 {
			t.Errorf("failure %d: %s", n, text(o))
		}
		if len(o.Lines) != 1 || o.Lines[0] != "cannot do it with "+secret.Mask {
			t.Errorf("failure %d: last words %q", n, o.Lines)
		}
		want *= 2
	}
	begun := time.Now() // the third wait is 2 s
	if !s.Retry(spec.ID) || s.Retry(output.ID{Stream: "main", Kind: "test", Name: "b"}) {
		t.Error("Retry did not find the output, or found another")
	}
	s.await("a", "tried at once", func(o output.Status) bool { return o.Failures == 4 })
	if took := time.Since(begun); took > time.Second {
		t.Errorf("the retry took %v", took)
	}
	on.pub.Close()
	s.Retry(spec.ID)
	relaytest.Eventually(t, patient, "the session to be finished", func() bool { return len(s.finishes()) == 1 })
	if a := s.finishes()[0]; a.Part < 3 {
		t.Errorf("finished: %+v", a)
	}
}

// Exit 0 in the middle of a show is a failure all the same.
func TestChildThatQuitsHasFailed(t *testing.T) {
	t.Parallel()
	s := open(t, "quits").serve()
	s.Apply([]output.Spec{s.spec("a", files{dir: t.TempDir(), name: "a"})})
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(1000)
	o := s.awaitState("a", output.Retrying)
	if o.Failures != 1 || !strings.Contains(o.Reason, "exit 0") {
		t.Errorf("status %s", text(o))
	}
}

// A child that ran for a while has got over the failures before it: the next one is the first again.
func TestBackOffStartsOver(t *testing.T) {
	t.Parallel()
	s := open(t, "recovers")
	s.Healthy = time.Second
	s.serve()
	s.Apply([]output.Spec{s.spec("a", files{dir: t.TempDir(), name: "a"})})
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(10)
	wait := func(failures int) time.Duration {
		o := s.await("a", "waiting for its next try", func(o output.Status) bool {
			return o.Failures == failures && o.State == output.Retrying
		})
		return o.NextTry.Sub(o.Since)
	}
	if second := wait(2); second < 790*time.Millisecond {
		t.Errorf("after the second failure the next try is in %v", second)
	}
	if third := wait(3); third > 510*time.Millisecond {
		t.Errorf("after a healthy child the next try is in %v", third)
	}
	if fourth := wait(4); fourth < 790*time.Millisecond {
		t.Errorf("after the failure that followed the next try is in %v", fourth)
	}
}

func TestExecutableThatIsNotThere(t *testing.T) {
	t.Parallel()
	s := open(t, "/nowhere/ffmpeg").serve()
	s.Apply([]output.Spec{s.spec("a", files{dir: t.TempDir(), name: "a"})})
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(10)
	if o := s.awaitState("a", output.Retrying); !strings.Contains(o.Reason, "not started") || o.Starts != 0 {
		t.Errorf("status %s", text(o))
	}
}

// A child that is done, or is stopped, before it ever connected to its gate has nothing more to say through it.
func TestChildThatNeverConnects(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*stage, *show){
		"session over": func(_ *stage, on *show) { on.pub.Close() },
		"removed":      func(s *stage, _ *show) { s.Apply(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			s := open(t, "keeps").serve()
			spec := s.spec("a", files{dir: t.TempDir(), name: "a"})
			spec.Gate = realGate{&egress.Gate{Address: ln.Addr().String()}}
			s.Apply([]output.Spec{spec})
			on := publish(t, s.stream)
			on.headers(1)
			on.gop(10)
			s.await("a", "started", func(o output.Status) bool { return o.Pid != 0 })
			begun := time.Now()
			end(s, on)
			relaytest.Eventually(t, patient, "the output to be finished", func() bool { return len(s.finishes()) == 1 })
			if took := time.Since(begun); took > 4*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}
