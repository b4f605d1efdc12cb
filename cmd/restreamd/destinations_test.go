package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// In mid-show: a file dropped in starts its destination, an edit restarts it, removal stops it, and nobody else
// notices any of that.
func TestDestinationsChangeInMidShow(t *testing.T) {
	t.Parallel()
	media := rt.Media(t, rt.Duration(14*time.Second))
	want := rt.VideoHashes(t, media)
	steady, guest := rt.NewSink(t), rt.NewSink(t)
	r := rt.StartRelay(t, rt.Destination("steady", destination(steady, "steady-key")))
	pub := rt.Publish(t, r.PublishURL(), media)
	awaitVideo(t, steady, 30)
	pid := awaitState(t, r, "push", "steady", output.Running).Pid

	r.PutDestination(t, "guest", destination(guest, "first-key"))
	dropped := time.Now()
	guest.Wait(t, soon, func(s []rt.Session) bool { return len(s) == 1 && s[0].Key == canary("first-key") })
	if took := time.Since(dropped); took > 2*time.Second {
		t.Errorf("a new destination started %v after its file was written, want 2 s at most", took)
	}
	joined := awaitVideo(t, guest, 10)
	if !joined.Tags[firstVideo(joined)].Keyframe {
		t.Error("a destination that joined in mid-show did not begin with a keyframe")
	}

	now := time.Now()
	if err := os.Chtimes(filepath.Join(r.Destinations, "guest.yml"), now, now); err != nil {
		t.Fatal(err)
	}
	r.PutDestination(t, "guest", destination(guest, "first-key")) // the same words again
	r.PutDestination(t, "broken", "url: [\n")
	rt.Eventually(t, soon, "the broken file to be reported with its line", func() bool {
		p := snapshot(t, r).Problems
		return len(p) == 1 && strings.Contains(p[0].Error, "broken.yml:") && !p[0].Kept
	})
	r.PutDestination(t, "guest", "url: rtmp://x/app\nkey: k\nnosuch: 1\n") // its last good version goes on
	rt.Eventually(t, soon, "the mistake to be reported", func() bool {
		for _, p := range snapshot(t, r).Problems {
			if p.Destination == "guest" && p.Kept && strings.Contains(p.Error, "guest.yml:3") {
				return true
			}
		}
		return false
	})
	if n := len(guest.Sessions()); n != 1 {
		t.Errorf("%d sessions at the guest after touching, rewriting and breaking its file, want 1", n)
	}

	r.PutDestination(t, "guest", destination(guest, "second-key"))
	guest.Wait(t, soon, func(s []rt.Session) bool { return len(s) == 2 && s[0].Clean && s[1].Key == canary("second-key") })
	second := awaitVideo(t, guest, 10)
	if before := guest.Sessions()[0]; second.Connected.Before(before.Closed) {
		t.Error("the new push began before the old one was gone")
	}
	r.RemoveDestination(t, "guest")
	guest.Wait(t, soon, func(s []rt.Session) bool { return s[1].Clean && !s[1].Closed.IsZero() })
	rt.Eventually(t, soon, "the guest to leave the status", func() bool { return outputStatus(t, r, "push", "guest").State == "" })

	if now := outputStatus(t, r, "push", "steady").Pid; now != pid {
		t.Errorf("the other destination's child is %d, was %d", now, pid)
	}
	if code := pub.Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	sameHashes(t, "steady", awaitGoodbye(t, steady).VideoHashes(), want)
	sameHashes(t, "recording", rt.VideoHashes(t, awaitFinished(t, r)), want)
}

func firstVideo(s rt.Session) int {
	for i, tag := range s.Tags {
		if tag.Kind == rt.KindVideo && !tag.Init {
			return i
		}
	}
	return 0
}
