package output_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/relay/output"
)

const minute = time.Minute

// Each class has waits of its own: one fast try, then from the second on twice as long each time, up to a most.
func TestWaits(t *testing.T) {
	s := time.Second
	reach := []time.Duration{s / 2, s, 2 * s, 4 * s, 5 * s, 5 * s}
	silent := []time.Duration{s, 2 * s, 4 * s, 5 * s, 5 * s}
	no := []time.Duration{2 * s, 5 * minute, 5 * minute}
	for class, want := range map[output.Class][]time.Duration{
		output.DNS: reach, output.Refused: reach, output.Unreachable: reach,
		output.Timeout: silent, output.Wedged: silent,
		output.TLS:      {s, 5 * s, 7 * s, 7 * s},
		output.Closed:   {s, 30 * s, minute, 2 * minute, 4 * minute, 5 * minute, 5 * minute},
		output.Busy:     {2 * s, 10 * s, 20 * s, 40 * s, minute, minute},
		output.Rejected: no, output.Loop: no,
		output.Disk:    {s / 2, s, 2 * s, 3 * s, 3 * s},
		output.Program: reach,
	} {
		t.Run(string(class), func(t *testing.T) {
			gate := &fakeGate{fail: func(int) error { return platformError(class) }}
			wantWaits(t, gate, want...)
		})
	}
}

// An error without a class is the program's own.
func TestWaitsWithoutAClass(t *testing.T) {
	gate := &fakeGate{fail: func(int) error { return errors.New("something else") }}
	wantWaits(t, gate, time.Second/2, time.Second, 2*time.Second)
}

// A platform that says now one thing and now another gets no second fast try.
func TestWaitsAcrossClasses(t *testing.T) {
	gate := &fakeGate{fail: func(opened int) error {
		if opened%2 == 0 {
			return platformError(output.Closed)
		}
		return platformError(output.DNS)
	}}
	wantWaits(t, gate, time.Second/2, 30*time.Second, time.Second, 30*time.Second, time.Second)
}

// wantWaits has an output fail at a gate. All but the first wait are spread by 20 %.
func wantWaits(t *testing.T, gate *fakeGate, want ...time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, "keeps").serve()
		s.Apply([]output.Spec{s.pushes("a", gate)})
		publish(t, s.stream).begin()
		time.Sleep(30 * minute) // the bubble's time
		opens := gate.opens()
		for i, want := range want {
			if len(opens) <= i+1 {
				t.Fatalf("%d tries in half an hour", len(opens))
			}
			wait, spread := opens[i+1].Sub(opens[i]), want/5
			if i == 0 {
				spread = 0
			}
			if wait < want-spread || wait > want+spread {
				t.Errorf("wait %d is %v, want %v ± %v", i+1, wait, want, spread)
			}
		}
		if o := s.status("a"); o.Failures != len(opens) || o.Starts != 0 || o.State != output.Retrying {
			t.Errorf("after %d tries: %s", len(opens), text(o))
		}
	})
}

// Outputs that fall together do not return together, and none of them collects a backlog while it waits for its turn.
func TestRetriesArePaced(t *testing.T) {
	const outputs, perSecond = 50, 5
	synctest.Test(t, func(t *testing.T) {
		s := open(t, "keeps").serve()
		gate := &fakeGate{fail: func(int) error { return platformError(output.Refused) }}
		var specs []output.Spec
		for i := range outputs {
			specs = append(specs, s.pushes(fmt.Sprint("platform", i), gate))
		}
		s.Apply(specs)
		publish(t, s.stream).begin()
		time.Sleep(850 * time.Millisecond) // the bubble's time; the fast try was due at 0.5 s
		if n := s.stream.Status().Outputs; n > 0 {
			t.Errorf("%d outputs hold back media while they wait for their turn", n)
		}
		time.Sleep(minute)
		opens := gate.opens()
		if first := opens[outputs-1].Sub(opens[0]); first != 0 {
			t.Errorf("the first tries took %v: they are not paced", first)
		}
		again := opens[outputs:]
		if len(again) < 59*perSecond || len(again) > 61*perSecond {
			t.Errorf("%d tries in a minute, want 5 a second", len(again))
		}
		for i := range len(again) - perSecond {
			if span := again[i+perSecond].Sub(again[i]); span < 999*time.Millisecond {
				t.Fatalf("6 tries within %v", span)
			}
		}
		for _, o := range s.Snapshot() {
			if o.Failures < 5 || o.Failures > 8 {
				t.Errorf("%s has tried %d times, want its share of 7", o.Name, o.Failures)
			}
		}
	})
}

// A person who has mended something does not wait for five minutes.
func TestRetryCutsALongWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, "keeps").serve()
		gate := &fakeGate{fail: func(int) error { return platformError(output.Rejected) }}
		spec := s.pushes("a", gate)
		s.Apply([]output.Spec{spec})
		publish(t, s.stream).begin()
		time.Sleep(10 * time.Second) // the bubble's time
		o := s.status("a")
		if wait := o.NextTry.Sub(o.Since); o.Failures != 2 || wait < 4*minute || wait > 6*minute {
			t.Errorf("the next try is in %v: %s", wait, text(o))
		}
		for failures := 3; failures < 6; failures++ {
			if !s.Retry(spec.ID) {
				t.Error("there was nothing to retry")
			}
			time.Sleep(time.Second)
			if o := s.status("a"); o.Failures != failures || o.State != output.Retrying {
				t.Errorf("a second after the retry: %s", text(o))
			}
		}
	})
}

// A key that the platform says no to is wrong, unless it has taken media with it.
func TestRejectedOrBusy(t *testing.T) {
	t.Parallel()
	s := open(t, "obeys")
	s.Healthy = time.Second // a sixth of it proves a key
	s.serve()
	dir := t.TempDir()
	refuse := func(name string) {
		if err := os.WriteFile(dir+"/"+name+".refuse", nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var specs []output.Spec
	for _, name := range []string{"new", "proven"} {
		specs = append(specs, s.through(&fakeGate{say: takes}, s.spec(name, files{dir: dir, name: name})))
	}
	refuse("new")
	s.Apply(specs)
	on := publish(t, s.stream)
	on.begin()

	o := s.awaitState("new", output.Retrying)
	if o.Class != output.Rejected || !strings.Contains(o.Reason, "check the key") || !strings.Contains(o.Reason, "Already publishing") {
		t.Errorf("a new key: %s", text(o))
	}
	o = s.await("proven", "acknowledged for a while", func(o output.Status) bool {
		return o.State == output.Running && o.Delivery.Grade == output.Acked && time.Since(o.Since) > time.Second
	})
	refuse("proven")
	kill(t, o.Pid)
	o = s.await("proven", "refused", func(o output.Status) bool { return o.Failures == 2 && o.State == output.Retrying })
	if o.Class != output.Busy || !strings.Contains(o.Reason, "took this key before") || !strings.Contains(o.Reason, "Already publishing") {
		t.Errorf("a proven key: %s", text(o))
	}
	if wait := o.NextTry.Sub(o.Since); wait < 8*time.Second || wait > 12*time.Second {
		t.Errorf("the next try with a proven key is in %v, want 10 s", wait)
	}
}

// What a link says of the platform counts, and not how the child took it.
func TestPlatformEndsIt(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	gate := &fakeGate{say: takes}
	s.Apply([]output.Spec{s.pushes("a", gate)})
	publish(t, s.stream).begin()
	s.awaitState("a", output.Running)
	gate.lose(platformError(output.Closed))
	o := s.awaitState("a", output.Retrying)
	if o.Class != output.Closed || o.Reason != "no way: closed" || o.Delivery.Grade != output.None {
		t.Errorf("status %s", text(o))
	}
	if o.Delivery.Proved == nil || time.Since(*o.Delivery.Proved) > soon {
		t.Errorf("the last proof is forgotten: %s", text(o))
	}
}
