package main_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

const gop = 30 // packets, of the test media

// A destination whose child is killed or whose platform wedges comes back soon after; the others lose nothing.
func TestFaultsStayAlone(t *testing.T) {
	t.Parallel()
	media := rt.Media(t, rt.Duration(24*time.Second))
	want := rt.VideoHashes(t, media)
	steady, killed, wedged := rt.NewSink(t), rt.NewSink(t), rt.NewSink(t)
	r := rt.StartRelay(t, rt.Destination("steady", destination(steady, "k1")),
		rt.Destination("killed", destination(killed, "k2")), rt.Destination("wedged", destination(wedged, "k3")))
	pub := rt.Publish(t, r.PublishURL(), media)
	awaitVideo(t, killed, 30)
	awaitVideo(t, wedged, 30)

	wedged.Wedge()
	pid := awaitState(t, r, "push", "killed", output.Running).Pid
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	fault := time.Now()
	killed.Wait(t, soon, func(s []rt.Session) bool { return len(s) == 2 && len(s[1].VideoHashes()) > 0 })
	if took := time.Since(fault); took > 3*time.Second {
		t.Errorf("a killed child's destination was back after %v, want 3 s at most", took)
	}

	rt.Eventually(t, soon, "the wedge to be noticed", func() bool { return outputStatus(t, r, "push", "wedged").Failures > 0 })
	if reason := outputStatus(t, r, "push", "wedged").Reason; reason == "" {
		t.Error("the wedged destination's status gives no reason")
	}
	wedged.Unwedge()
	fault = time.Now()
	wedged.Wait(t, soon, func(s []rt.Session) bool {
		newest := s[len(s)-1]
		return newest.Connected.After(s[0].Connected) && len(newest.VideoHashes()) > 0
	})
	if took := time.Since(fault); took > 3*time.Second {
		t.Errorf("a wedged destination was back %v after the platform moved again, want 3 s at most", took)
	}

	if code := pub.Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	sameHashes(t, "steady", awaitGoodbye(t, steady).VideoHashes(), want)
	sameHashes(t, "recording", rt.VideoHashes(t, awaitFinished(t, r)), want)
	for name, sink := range map[string]*rt.Sink{"killed": killed, "wedged": wedged} {
		all := sink.Wait(t, soon, func(s []rt.Session) bool { return s[len(s)-1].Clean })
		tailOf(t, name, all[len(all)-1].VideoHashes(), want, gop)
		for i, s := range all {
			if err := s.MonotonicDTS(); err != nil {
				t.Errorf("%s, session %d: %v", name, i, err)
			}
		}
	}
}

// A platform that is down is tried again and comes back by itself; one that refuses the key says so.
func TestPlatformsThatSayNo(t *testing.T) {
	t.Parallel()
	media := rt.Media(t)
	down, refusing, resetting := rt.NewSink(t), rt.NewSink(t), rt.NewSink(t)
	down.Stop()
	refusing.RefuseKey()
	resetting.ResetAfter(2 * time.Second)
	r := rt.StartRelay(t, rt.Destination("down", destination(down, "k1")),
		rt.Destination("refusing", destination(refusing, "k2")), rt.Destination("resetting", destination(resetting, "k3")))
	pub := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	for name, words := range map[string]string{
		"down": "nothing listens there", "refusing": "rejected", "resetting": "closed the connection",
	} {
		rt.Eventually(t, patient, name+" to say "+words, func() bool {
			o := outputStatus(t, r, "push", name)
			return o.Failures > 0 && contains(o.Reason, words)
		})
	}
	if err := down.Restart(); err != nil {
		t.Fatal(err)
	}
	awaitVideo(t, down, 30)
	awaitState(t, r, "push", "down", output.Running)
	pub.Stop()
}
