package output_test

import (
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// Only what changed is touched, and of one output there is never more than one child.
func TestApply(t *testing.T) {
	t.Parallel()
	s := open(t, "lingers")
	dir := t.TempDir()
	a, b := s.spec("a", files{dir: dir, name: "a"}), s.spec("b", files{dir: dir, name: "b"})
	s.Apply([]output.Spec{a, b}) // before Serve
	s.serve()
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(10)
	pidA, pidB := s.awaitState("a", output.Running).Pid, s.awaitState("b", output.Running).Pid

	t.Log("the same again")
	s.Apply([]output.Spec{b, a})
	if s.status("a").Pid != pidA || s.status("b").Pid != pidB {
		t.Error("outputs that did not change were touched")
	}

	t.Log("a changed")
	a.Fingerprint = "2"
	s.Apply([]output.Spec{a, b})
	newA := s.await("a", "a new child", func(o output.Status) bool { return o.Pid != 0 && o.Pid != pidA }).Pid
	awaitLog(t, dir+"/a-0.log", "start", pidA, "stop", pidA, "start", newA)

	t.Log("a removed, and wanted again while it stops")
	s.Apply([]output.Spec{b})
	s.Apply([]output.Spec{a, b})
	again := s.await("a", "a third child", func(o output.Status) bool { return o.Pid != 0 && o.Pid != newA }).Pid
	awaitLog(t, dir+"/a-0.log", "start", pidA, "stop", pidA, "start", newA, "stop", newA, "start", again)

	t.Log("a removed")
	s.Apply([]output.Spec{b})
	relaytest.Eventually(t, patient, "a to be gone", func() bool { return len(s.Snapshot()) == 1 })
	if alive(again) {
		t.Error("its child is not")
	}
	if o := s.status("b"); o.Pid != pidB || o.Starts != 1 || !alive(pidB) {
		t.Errorf("b was touched: %s", text(o))
	}
	if n := len(s.finishes()); n != 3 {
		t.Errorf("%d finishes, want one for each child of a", n)
	}
}

// Changed many times at once, only the last version comes to run.
func TestApplyFasterThanChildrenStop(t *testing.T) {
	t.Parallel()
	s := open(t, "lingers").serve()
	dir := t.TempDir()
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(10)
	spec := s.spec("a", files{dir: dir, name: "a"})
	s.Apply([]output.Spec{spec})
	first := s.awaitState("a", output.Running).Pid
	for n := range 20 {
		spec.Fingerprint = "version " + strconv.Itoa(n)
		spec.Target = spec.Fingerprint
		s.Apply([]output.Spec{spec})
		if n%3 == 0 {
			s.Apply(nil)
			s.Apply([]output.Spec{spec})
		}
	}
	last := s.await("a", "the last version", func(o output.Status) bool { return o.Target == "version 19" && o.State == output.Running }).Pid
	awaitLog(t, dir+"/a-0.log", "start", first, "stop", first, "start", last)
}

func TestUnknownStreamIsLeftOut(t *testing.T) {
	s := open(t, "keeps").serve()
	spec := s.spec("a", files{dir: t.TempDir(), name: "a"})
	spec.ID.Stream = "other"
	s.Apply([]output.Spec{spec})
	if all := s.Snapshot(); len(all) != 0 {
		t.Errorf("outputs %+v", all)
	}
}

// An output at rest is shown and left alone, even where its stream is not there. It runs once it may.
func TestRest(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	recipe := files{dir: t.TempDir(), name: "a"}
	spec, lost := s.spec("a", recipe), s.spec("lost", recipe)
	spec.Rest = output.Rest{State: output.Waiting, Reason: "on air from 18:00"}
	lost.Rest = output.Rest{State: output.Off, Class: output.Program, Reason: "no core is left to encode 720p"}
	lost.From = "main@720p"
	s.Apply([]output.Spec{spec, lost})
	on := publish(t, s.stream)
	on.begin()
	s.await("a", "at rest", func(o output.Status) bool {
		return o.State == output.Waiting && o.Reason == "on air from 18:00" && o.Class == ""
	})
	if o := s.awaitState("lost", output.Off); o.Class != output.Program || o.Reason != lost.Rest.Reason || o.From != "main@720p" {
		t.Errorf("one that was refused: %s", text(o))
	}
	if n := s.stream.Status().Outputs; n > 0 || s.Retry(spec.ID) {
		t.Errorf("an output at rest is one of %d that subscribed", n)
	}

	spec.Rest, spec.Fingerprint = output.Rest{}, "2"
	s.Apply([]output.Spec{spec, lost})
	if o := s.awaitState("a", output.Running); o.Reason != "" {
		t.Errorf("in its time: %s", text(o))
	}
	spec.Rest, spec.Fingerprint = output.Rest{State: output.Off, Reason: "on air until 20:00"}, "3"
	s.Apply([]output.Spec{spec, lost})
	if o := s.awaitState("a", output.Off); o.Pid != 0 || o.Reason != "on air until 20:00" {
		t.Errorf("after its time: %s", text(o))
	}
	relaytest.Eventually(t, patient, "its take to be finished", func() bool { return len(s.finishes()) == 1 })
	same(t, "a", parse(t, recipe.path(0)).media, on.sent)
}

// An output may feed on another stream than the one it is of.
func TestFrom(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	recipe := files{dir: t.TempDir(), name: "a"}
	spec := s.spec("a", recipe)
	spec.From = "main@720p"
	other := s.hub.Derive("main@720p")
	s.Apply([]output.Spec{spec})
	wrong := publish(t, s.stream)
	wrong.begin()
	right := publish(t, other)
	right.begin()
	if o := s.awaitState("a", output.Running); o.Stream != "main" || o.From != "main@720p" {
		t.Errorf("status %s", text(o))
	}
	right.gop(20)
	right.pub.Close()
	s.awaitState("a", output.Waiting)
	same(t, "a", parse(t, recipe.path(0)).media, right.sent)
	if done := s.finishes(); len(done) != 1 || done[0].Stream != "main" {
		t.Errorf("finished: %+v", done)
	}
}

func TestSnapshotIsOrdered(t *testing.T) {
	s := open(t, "keeps").serve()
	r := files{dir: t.TempDir(), name: "x"}
	s.Apply([]output.Spec{s.spec("c", r), s.spec("a", r), s.spec("b", r)})
	relaytest.Eventually(t, soon, "all to be there", func() bool { return len(s.Snapshot()) == 3 })
	var got []string
	for _, o := range s.Snapshot() {
		got = append(got, o.Name)
		if o.State != output.Waiting {
			t.Errorf("off air, %s is %s", o.Name, o.State)
		}
	}
	if !slices.IsSorted(got) {
		t.Errorf("order %v", got)
	}
}

// Children that heed nothing are gone when the ladder ends, all of them at the same time.
func TestServeEndsWithStubbornChildren(t *testing.T) {
	t.Parallel()
	s := open(t, "stubborn").serve()
	r := files{dir: t.TempDir(), name: "x"}
	s.Apply([]output.Spec{s.spec("a", r), s.spec("b", r), s.spec("c", r)})
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(10)
	var pids []int
	for _, name := range []string{"a", "b", "c"} {
		pids = append(pids, s.await(name, "started", func(o output.Status) bool { return o.Pid != 0 }).Pid)
	}
	begun := time.Now()
	s.stop()
	select {
	case <-s.gone:
	case <-time.After(patient):
		t.Fatal("Serve did not end")
	}
	if took := time.Since(begun); took > 7*time.Second {
		t.Errorf("Serve took %v to end, the ladder takes 5 s", took)
	}
	if slices.ContainsFunc(pids, alive) {
		t.Error("a child is left")
	}
	s.Apply([]output.Spec{s.spec("d", r)}) // too late: nothing may start
	if n := len(s.finishes()); n != 3 {
		t.Errorf("%d finishes, want 3", n)
	}
}

// A stream that is closed for good ends its outputs by itself, with everything delivered.
func TestStreamClosed(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	recipe := files{dir: t.TempDir(), name: "a"}
	s.Apply([]output.Spec{s.spec("a", recipe)})
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(10)
	s.awaitState("a", output.Running)
	on.gop(10)
	s.stream.Close()
	relaytest.Eventually(t, patient, "the session to be finished", func() bool { return len(s.finishes()) == 1 })
	same(t, "a", parse(t, recipe.path(0)).media, on.sent)
}

// awaitLog waits until children have written "start PID" and "stop PID" in that order.
func awaitLog(t *testing.T, name string, want ...any) {
	t.Helper()
	var words []string
	for _, w := range want {
		switch w := w.(type) {
		case string:
			words = append(words, w)
		case int:
			words = append(words, strconv.Itoa(w))
		}
	}
	var got []string
	relaytest.Eventually(t, patient, "the children's log", func() bool {
		got = lines(name)
		return len(got) >= len(words)
	})
	if !slices.Equal(got, words) {
		t.Errorf("children %v, want %v", got, words)
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
