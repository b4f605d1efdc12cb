package output_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/output"
)

const enough = 100_000 // bytes: more than any talk

// The proof of delivery goes from nothing to acknowledged, step by step, and back when the platform is late.
func TestGrades(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	gate := &fakeGate{}
	s.Apply([]output.Spec{s.pushes("a", gate)})
	if o := s.status("a"); o.Delivery != nil {
		t.Errorf("before the first try: %s", text(o))
	}
	on := publish(t, s.stream)
	on.begin()
	last := time.Time{}
	for _, step := range []struct {
		what  string
		says  output.Progress
		grade output.Grade
		state output.State
	}{
		{"dialled", output.Progress{}, output.Connecting, output.Starting},
		{"handshake", output.Progress{Begun: true, Sent: 3500, Acked: 3500}, output.Publishing, output.Starting},
		{"media sent", output.Progress{Begun: true, Sent: enough, Acked: 3500}, output.Sent, output.Starting},
		{"media acknowledged", output.Progress{Begun: true, Sent: enough, Acked: enough / 2}, output.Acked, output.Running},
		{"late", output.Progress{Begun: true, Sent: enough, Acked: enough / 2, QueueAge: 3100 * time.Millisecond}, output.Sent, output.Running},
		{"in time again", output.Progress{Begun: true, Sent: enough, Acked: enough}, output.Acked, output.Running},
	} {
		gate.tells(step.says)
		o := s.await("a", step.what, func(o output.Status) bool {
			return o.Delivery != nil && o.Delivery.Grade == step.grade && o.State == step.state
		})
		if !o.Delivery.Since.After(last) || time.Since(o.Delivery.Since) > soon {
			t.Errorf("%s: since %v", step.what, o.Delivery.Since)
		}
		last = o.Delivery.Since
		if proved := o.Delivery.Proved != nil; proved != (step.says.Acked >= enough/2) {
			t.Errorf("%s: proved %v", step.what, proved)
		}
	}
	gate.leave()
	on.pub.Close()
	o := s.awaitState("a", output.Waiting)
	if o.Delivery.Grade != output.None || o.Delivery.Acked != 0 || o.Delivery.Proved == nil {
		t.Errorf("after the session: %s", text(o))
	}
	if got := output.Grades(); len(got) != 5 || got[0] != output.None || got[4] != output.Acked {
		t.Errorf("grades %v", got)
	}
}

// Everything a gate knows is shown, in seconds and bits.
func TestDeliveryShowsTheNumbers(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	gate := &fakeGate{}
	s.Apply([]output.Spec{s.pushes("a", gate)})
	publish(t, s.stream).begin()
	s.await("a", "started", func(o output.Status) bool { return o.Pid != 0 })
	gate.tells(output.Progress{
		Begun: true, Sent: 300_000, Acked: 200_000, Queued: 150_000, QueueAge: 500 * time.Millisecond,
		Bitrate: 4_500_000, RTT: 25 * time.Millisecond, Retransmits: 7,
	})
	o := s.await("a", "seen", func(o output.Status) bool { return o.Delivery.Acked > 0 })
	got := *o.Delivery
	got.Since, got.Proved = time.Time{}, nil
	want := output.Delivery{
		Grade: output.Acked, Sent: 300_000, Acked: 200_000, Queued: 150_000, QueueAge: 0.5,
		Bitrate: 4_500_000, RTT: 0.025, Retransmits: 7,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// clogs is a platform that takes less and less of what is sent.
func clogs(age time.Duration) output.Progress {
	p := takes(age + time.Minute)
	p.Sent, p.QueueAge = p.Sent+enough, age
	return p
}

// A platform that stops taking is found out within seconds (TestWatchdog has the exact times): by the age of what waits for it, and where it goes on
// talking, by how little that is.
func TestWedged(t *testing.T) {
	t.Parallel()
	wedges := map[string]func(age time.Duration) output.Progress{
		"queue grows old": clogs,
		"chatter": func(age time.Duration) output.Progress {
			pongs := 20 * int64(age/(500*time.Millisecond))
			return output.Progress{Begun: true, Sent: enough, Acked: enough + pongs}
		},
		"silence": func(time.Duration) output.Progress {
			return output.Progress{Begun: true, Sent: enough, Acked: enough}
		},
	}
	for name, wedge := range wedges {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, "keeps").serve()
			gate := &fakeGate{say: takes}
			s.Apply([]output.Spec{s.pushes("a", gate)})
			on := publish(t, s.stream)
			on.begin()
			s.awaitState("a", output.Running)
			wedged := time.Now()
			gate.says(wedge)
			o := s.await("a", "found out", func(o output.Status) bool {
				on.gop(10)
				return o.State == output.Retrying
			})
			if took := time.Since(wedged); took < 4900*time.Millisecond {
				t.Errorf("it took %v, want 5 s", took)
			}
			if o.Class != output.Wedged || o.Failures != 1 {
				t.Errorf("status %s", text(o))
			}
		})
	}
}

// A platform that is told of before it is given up: first as slow, then as one that takes nothing.
func TestQueueAgeIsToldOf(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	gate := &fakeGate{say: takes}
	s.Apply([]output.Spec{s.pushes("a", gate)})
	on := publish(t, s.stream)
	on.begin()
	s.awaitState("a", output.Running)
	var seen []output.Class
	gate.says(clogs)
	o := s.await("a", "found out", func(o output.Status) bool {
		on.gop(10)
		seen = append(seen, o.Class)
		return o.State == output.Retrying
	})
	want := []output.Class{"", output.Slow, output.Wedged}
	if seen = slices.Compact(seen); !slices.Equal(seen, want) {
		t.Errorf("classes %q, want %q", seen, want)
	}
	if o.Reason != "the platform stopped taking media" {
		t.Errorf("status %s", text(o))
	}
}

// Slowness is shown with its numbers while it lasts and a little longer, and the output runs on.
func TestSlow(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	gate := &fakeGate{say: takes}
	s.Apply([]output.Spec{s.pushes("a", gate)})
	on := publish(t, s.stream)
	on.begin()
	pid := s.awaitState("a", output.Running).Pid
	gate.says(func(age time.Duration) output.Progress {
		p := takes(age + time.Minute)
		p.QueueAge, p.Bitrate = 2*time.Second, 1_200_000
		return p
	})
	o := s.await("a", "slow", func(o output.Status) bool {
		on.gop(10)
		return o.Class != ""
	})
	if o.Class != output.Slow || !strings.Contains(o.Reason, "1200 kb/s") || !strings.Contains(o.Reason, "2.0 s behind") {
		t.Errorf("slow: %s", text(o))
	}
	if o.State != output.Running || o.Delivery.Grade != output.Acked {
		t.Errorf("slow: %s", text(o))
	}
	gate.says(func(age time.Duration) output.Progress { return takes(age + 2*time.Minute) })
	calm := time.Now()
	o = s.await("a", "in time again", func(o output.Status) bool {
		on.gop(10)
		return o.Class == ""
	})
	if took := time.Since(calm); took < 4*time.Second || took > 10*time.Second {
		t.Errorf("slowness was remembered for %v, want 5 s", took)
	}
	if o.Reason != "" || o.Pid != pid || o.Failures != 0 {
		t.Errorf("afterwards: %s", text(o))
	}
}

// What was wrong while an output ran is over with the session.
func TestSlowToTheEnd(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	gate := &fakeGate{}
	s.Apply([]output.Spec{s.pushes("a", gate)})
	on := publish(t, s.stream)
	on.begin()
	gate.says(func(age time.Duration) output.Progress {
		p := takes(age)
		p.QueueAge = 2 * time.Second
		return p
	})
	s.await("a", "slow", func(o output.Status) bool { return o.Class == output.Slow })
	gate.leave()
	on.pub.Close()
	if o := s.awaitState("a", output.Waiting); o.Class != "" || o.Reason != "" {
		t.Errorf("after the session: %s", text(o))
	}
}

// GOPs that are lost are slowness too, whatever the platform's kernel says.
func TestDropsAreSlowness(t *testing.T) {
	t.Parallel()
	s := open(t, "deaf").serve()
	s.Apply([]output.Spec{s.pushes("a", &fakeGate{say: takes})})
	on := publish(t, s.stream)
	on.begin()
	s.awaitState("a", output.Running)
	for range 40 { // MiB; 32 are held back
		on.gop(256 << 10)
	}
	o := s.await("a", "slow", func(o output.Status) bool { return o.Class != "" })
	if o.Class != output.Slow || o.Drops.GOPs == 0 || o.State != output.Running {
		t.Errorf("status %s", text(o))
	}
	kill(t, o.Pid)
	if o = s.awaitState("a", output.Retrying); o.Class != output.Program {
		t.Errorf("after a kill: %s", text(o))
	}
}

// A platform that takes the connection and says nothing is told of after 4 s, and got over when it answers.
func TestNoAnswerYet(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	gate := &fakeGate{}
	gate.tells(output.Progress{Begun: true, Sent: 1600, Acked: 1600})
	s.Apply([]output.Spec{s.pushes("a", gate)})
	on := publish(t, s.stream)
	on.begin()
	o := s.await("a", "told of", func(o output.Status) bool {
		on.gop(10)
		return o.Class != ""
	})
	if took := time.Since(o.Since); took < 4*time.Second || took > 6*time.Second {
		t.Errorf("it took %v, want 4 s", took)
	}
	if o.Class != output.Timeout || o.State != output.Starting || o.Delivery.Grade != output.Publishing ||
		o.Reason != "no answer yet: the platform took the connection but not the publish" {
		t.Errorf("status %s", text(o))
	}
	gate.says(takes)
	if o := s.awaitState("a", output.Running); o.Class != "" || o.Reason != "" {
		t.Errorf("once it answers: %s", text(o))
	}
}
