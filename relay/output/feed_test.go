package output_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// An output that joins late gets the headers and the newest GOP, on a clock of its own, and then everything to the end.
func TestFeed(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	on := publish(t, s.stream)
	on.headers(1)
	for range 50 {
		on.gop(100)
	}
	joined := len(on.sent) - 7 // the newest GOP
	recipe := files{dir: t.TempDir(), name: "late"}
	s.Apply([]output.Spec{s.spec("late", recipe)})
	o := s.awaitState("late", output.Running)
	if o.Pid == 0 || o.Starts != 1 || o.Failures != 0 {
		t.Errorf("status %s", text(o))
	}
	for range 20 {
		on.gop(100)
	}
	on.pub.Close()
	s.awaitState("late", output.Waiting)

	rec := parse(t, recipe.path(0))
	rec.check(t, "late")
	same(t, "late", rec.media, on.sent[joined:])
	if rec.flags != 5 {
		t.Errorf("FLV header announces %d, want audio and video", rec.flags)
	}
	done := s.finishes()
	if len(done) != 1 || done[0].Stream != "main" || done[0].Part != 0 || !done[0].Audio || !done[0].Video || done[0].Session.IsZero() {
		t.Errorf("finished: %+v", done)
	}
	if o := s.status("late"); o.Failures != 0 || o.Reason != "" || o.Pid != 0 {
		t.Errorf("after the session: %s", text(o))
	}
}

// One session after the other, each finished once.
func TestSessions(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	recipe := files{dir: t.TempDir(), name: "a"}
	s.Apply([]output.Spec{s.spec("a", recipe)})
	for n := 1; n <= 3; n++ {
		on := publish(t, s.stream)
		on.headers(1)
		on.gop(10)
		s.awaitState("a", output.Running)
		on.pub.Close()
		relaytest.Eventually(t, soon, "the session to be finished", func() bool { return len(s.finishes()) == n })
		same(t, "a", parse(t, recipe.path(0)).media, on.sent)
	}
	seen := map[time.Time]bool{}
	for _, a := range s.finishes() {
		seen[a.Session] = true
	}
	if len(seen) != 3 {
		t.Errorf("finished: %+v", s.finishes())
	}
}

// A container that cannot change its codec is followed by another at the very packet, and nothing is lost or doubled.
func TestHeaderChangeRollsOver(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	dir := t.TempDir()
	rolling, flowing := files{dir: dir, name: "rolling", roll: true}, files{dir: dir, name: "flowing"}
	s.Apply([]output.Spec{s.spec("rolling", rolling), s.spec("flowing", flowing)})
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(100)
	pid := s.awaitState("flowing", output.Running).Pid
	s.awaitState("rolling", output.Running)
	for range 10 {
		on.gop(100)
	}
	before := len(on.sent)
	on.headers(2)
	for range 10 {
		on.gop(100)
	}
	s.await("rolling", "its second child", func(o output.Status) bool { return o.Starts >= 2 && o.State == output.Running })
	if now := s.status("flowing"); now.Pid != pid || now.Starts != 1 {
		t.Errorf("an output that lives through a change was restarted: %s", text(now))
	}
	on.headers(2) // the same once more is no change
	on.gop(100)
	on.pub.Close()
	s.awaitState("rolling", output.Waiting)
	s.awaitState("flowing", output.Waiting)

	first, last := parse(t, rolling.path(0)), parse(t, rolling.path(s.status("rolling").Starts-1))
	first.check(t, "first part")
	last.check(t, "last part")
	same(t, "first part", first.media, on.sent[:before])
	same(t, "last part", last.media, on.sent[before:])
	for _, p := range last.all {
		if p.Slot.IsHeader() && p.Body[len(p.Body)-1] != 2 {
			t.Errorf("the last part has an old header of %v", p.Kind)
		}
	}
	if o := s.status("rolling"); o.Failures != 0 || o.Starts != 2 {
		t.Errorf("rolling: %s", text(o))
	}
	whole := parse(t, flowing.path(0))
	same(t, "flowing", whole.media, on.sent)
	if headers := countHeaders(whole.all); headers != 4 {
		t.Errorf("flowing has %d headers, want 4", headers)
	}
}

func countHeaders(all []relay.Packet) (n int) {
	for _, p := range all {
		if p.Slot.IsHeader() {
			n++
		}
	}
	return n
}

// ffmpeg settles on the tracks it is told of at the start, so a new one takes a new child.
func TestNewTrackRestarts(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	recipe := files{dir: t.TempDir(), name: "a"}
	s.Apply([]output.Spec{s.spec("a", recipe)})
	on := publish(t, s.stream)
	on.videoHeader(1)
	on.picture(0x17, 10)
	s.awaitState("a", output.Running)
	before := len(on.sent)
	on.audioHeader(1)
	on.gop(10)
	s.await("a", "its second child", func(o output.Status) bool { return o.Starts == 2 && o.State == output.Running })
	on.pub.Close()
	s.awaitState("a", output.Waiting)

	silent, full := parse(t, recipe.path(0)), parse(t, recipe.path(1))
	if silent.flags != 1 || full.flags != 5 {
		t.Errorf("FLV headers announce %d and %d, want video, then both", silent.flags, full.flags)
	}
	same(t, "silent part", silent.media, on.sent[:before])
	same(t, "full part", full.media, on.sent[before:])
	full.check(t, "full part")
}

// A child that reads nothing loses GOPs of its own. Nobody else's.
func TestSlowChildDropsAlone(t *testing.T) {
	t.Parallel()
	deaf, keeps := open(t, "deaf").serve(), open(t, "keeps")
	keeps.hub = deaf.hub
	keeps.serve()
	dir := t.TempDir()
	recipe := files{dir: dir, name: "keeps"}
	deaf.Apply([]output.Spec{deaf.spec("deaf", files{dir: dir, name: "deaf"})})
	keeps.Apply([]output.Spec{keeps.spec("keeps", recipe)})
	on := publish(t, deaf.stream)
	on.headers(1)
	var written int64
	for range 45 { // 45 MiB, at the pace of the one that keeps up
		on.gop(256 << 10)
		written += 4 * 256 << 10
		relaytest.Eventually(t, patient, "the other to keep up", func() bool {
			info, err := os.Stat(recipe.path(0))
			return err == nil && info.Size() >= written
		})
	}
	o := deaf.status("deaf")
	if o.Drops.GOPs < 5 || o.Drops.Packets < (o.Drops.GOPs-1)*7 || o.Starts != 1 {
		t.Errorf("the one that reads nothing: %s", text(o))
	}
	on.pub.Close()
	keeps.awaitState("keeps", output.Waiting)
	same(t, "keeps", parse(t, recipe.path(0)).media, on.sent)
	if o := keeps.status("keeps"); o.Drops != (relay.Drops{}) {
		t.Errorf("the one that keeps up: %s", text(o))
	}
}

// What ffmpeg cannot read is left out and counted: it would end the whole job.
func TestUnreadableIsLeftOut(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps")
	s.Tool.Reads = func(_ relay.Kind, body []byte) bool { return !bytes.HasPrefix(body, []byte{0x9f}) }
	s.serve()
	recipe := files{dir: t.TempDir(), name: "a"}
	s.Apply([]output.Spec{s.spec("a", recipe)})
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(10)
	s.awaitState("a", output.Running)
	want := bytes.Clone(on.sent[len(on.sent)-1])
	for range 3 {
		on.write(relay.Audio, []byte{0x9f, 'x', 'x', 'x', 'x'})
	}
	on.gop(10)
	on.pub.Close()
	s.awaitState("a", output.Waiting)
	if o := s.status("a"); o.Unreadable != 3 || o.Starts != 1 {
		t.Errorf("status %s", text(o))
	}
	media := parse(t, recipe.path(0)).media
	if len(media) != 14 || !bytes.Equal(media[6], want) {
		t.Errorf("%d packets were fed, want 14", len(media))
	}
}

// ffmpeg reads 31 bits of a timestamp: a child is replaced before they run out, at a keyframe.
func TestChildIsReplacedInTime(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps").serve()
	recipe := files{dir: t.TempDir(), name: "a"}
	spec := s.spec("a", recipe)
	spec.Ledger = tags{}
	s.Apply([]output.Spec{spec})
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(0)
	s.awaitState("a", output.Running)
	const step = 1_999 // longer steps, ahead of the wall clock, are not believed
	for range 1<<31/step + 1000 {
		on.ts += step - tick
		on.picture(0x17, 0)
	}
	s.await("a", "its second child", func(o output.Status) bool { return o.Starts == 2 })
	on.pub.Close()
	s.awaitState("a", output.Waiting)
	first, second := parse(t, recipe.path(0)), parse(t, recipe.path(1))
	same(t, "both", append(first.media, second.media...), on.sent)
	second.check(t, "second")
	if newest := first.all[len(first.all)-1].DTS; newest >= 1<<31 || newest < 1<<31-2*3_600_000 {
		t.Errorf("the first child's clock went to %d ms", newest)
	}
}

// An output that is delayed gets everything, each packet as much later, and the end too.
func TestDelay(t *testing.T) {
	t.Parallel()
	const delay = 1500 * time.Millisecond
	s := open(t, "keeps").serve()
	recipe := files{dir: t.TempDir(), name: "a"}
	spec := s.spec("a", recipe)
	spec.Delay = delay
	s.Apply([]output.Spec{spec})
	on := publish(t, s.stream)
	begun := time.Now()
	on.begin()
	o := s.await("a", "started", func(o output.Status) bool { return o.Starts > 0 })
	if took := time.Since(begun); took < delay || took > delay+time.Second {
		t.Errorf("the child was started after %v: %s", took, text(o))
	}
	for range 5 {
		on.gop(100)
	}
	on.pub.Close()
	ended := time.Now()
	s.awaitState("a", output.Waiting)
	if took := time.Since(ended); took < delay || took > delay+time.Second {
		t.Errorf("the session was over for the output after %v, want %v", took, delay)
	}
	rec := parse(t, recipe.path(0))
	rec.check(t, "delayed")
	same(t, "delayed", rec.media, on.sent)
	if o := s.status("a"); o.Drops != (relay.Drops{}) || o.Starts != 1 || o.Failures != 0 {
		t.Errorf("status %s", text(o))
	}
}

// Of several audio tracks an output gets the one it asks for, in the form of an only one.
func TestAudioTrack(t *testing.T) {
	t.Parallel()
	s := open(t, "keeps")
	s.Tool.Reads = func(kind relay.Kind, body []byte) bool { return kind != relay.Audio || body[0]>>4 == 10 } // as ffmpeg 5.1
	s.serve()
	dir := t.TempDir()
	main, second := files{dir: dir, name: "main"}, files{dir: dir, name: "second"}
	spec := s.spec("second", second)
	spec.AudioTrack = 1
	s.Apply([]output.Spec{s.spec("main", main), spec})
	relaytest.Eventually(t, soon, "both to subscribe", func() bool { return s.stream.Status().Outputs == 2 })
	on := publish(t, s.stream)
	on.headers(1)
	on.track(1, 0, 0x11, 0x90)
	on.track(2, 0, 0x12, 0x10)
	on.picture(0x17, 10)
	var want [2][][]byte // audio
	for n := range byte(5) {
		on.sound()
		want[0] = append(want[0], on.sent[len(on.sent)-1])
		on.track(1, 1, 'o', 'n', 'e', n)
		want[1] = append(want[1], []byte{0xaf, 1, 'o', 'n', 'e', n})
		on.track(2, 1, 't', 'w', 'o', n)
		on.picture(0x27, 10)
	}
	on.pub.Close()
	for n, out := range []files{main, second} {
		s.await(out.name, "finished", func(o output.Status) bool { return o.Starts == 1 && o.State == output.Waiting })
		rec := parse(t, out.path(0))
		rec.check(t, out.name)
		same(t, out.name+"'s audio", rec.bodies(relay.Audio), want[n])
		if pictures := len(rec.bodies(relay.Video)); pictures != 6 || rec.flags != 5 {
			t.Errorf("%s: %d pictures, flags %d", out.name, pictures, rec.flags)
		}
	}
	header := parse(t, second.path(0)).all[1]
	if !bytes.Equal(header.Body, []byte{0xaf, 0, 0x11, 0x90}) {
		t.Errorf("the second track's header is % x", header.Body)
	}
	if first, other := s.status("main").Unreadable, s.status("second").Unreadable; first != 12 || other != 0 {
		t.Errorf("%d and %d packets were unreadable, want 12 of two tracks and none", first, other)
	}
}
