package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// long reports whether tests shall take the time that a broadcast has: RESTREAMD_LONG=1.
func long() bool { return os.Getenv("RESTREAMD_LONG") != "" }

// An encoder that is killed and comes back costs no platform its session: it sees one clock, one header and no hole.
// The recording is one file with all that was sent, and tells where the encoder was away.
func TestPlatformsDoNotNoticeALostEncoder(t *testing.T) {
	t.Parallel()
	away := 12 * time.Second
	if long() {
		away = 45 * time.Second
	}
	one, two := rt.NewSink(t, rt.KeepBodies()), rt.NewSink(t, rt.KeepBodies())
	r := rt.StartRelay(t, rt.Destination("one", destination(one, "k")), rt.Destination("two", destination(two, "k")),
		rt.StreamConfig("hls: {enabled: false}"))
	before, after := rt.Media(t), rt.Media(t, rt.Bitrate(1000)) // another bitrate is other pictures under the same header
	pub := rt.Publish(t, r.PublishURL(), before, rt.Loop())
	awaitVideo(t, one, 60)
	awaitVideo(t, two, 60)
	session := snapshot(t, r).Streams[0].Session
	pub.Kill()
	lost := time.Now()
	awaitHold(t, r)
	pause(t, away-time.Since(lost))
	pub = rt.Publish(t, r.PublishURL(), after)
	away = time.Since(lost)
	if code := pub.Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	legs := []leg{
		{name: "the first encoder", video: slices.Repeat(rt.VideoHashes(t, before), 20)},
		{name: "the second encoder", video: rt.VideoHashes(t, after), whole: true},
	}
	for name, sink := range map[string]*rt.Sink{"one": one, "two": two} {
		s := awaitGoodbye(t, sink)
		unbroken(t, s)
		parts := inOrder(t, name, s.VideoHashes(), legs)
		t.Logf("%s: %d packets of the first, %d of the second", name, parts[0].packets, parts[1].packets)
		keepsTime(t, name, s)
		decodes(t, s.WriteFLV(t))
	}
	recording := awaitFinished(t, r)
	decodes(t, recording)
	inOrder(t, "recording", rt.VideoHashes(t, recording), legs)
	hold := chapters(t, recording)["Hold"]
	if off := hold - away; off < -time.Second || off > 4*time.Second { // and what the encoder took to start
		t.Errorf("the recording tells of a hold of %v, it was %v: %v", hold, away, chapters(t, recording))
	}
	if start := *session; filepath.Base(recording) != start.UTC().Format("2006-01-02T15-04-05Z")+".mp4" {
		t.Errorf("the recording of the session from %v is %s", start, recording)
	}
}

// What is shown while an encoder is away decodes without an error, whatever kind of encoder it is.
func TestHeldMediaDecodes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		media string
		args  []string
		still bool // nothing can be shown: the track pauses
	}{
		"long-gop":   {media: rt.Media(t, rt.Duration(16*time.Second), rt.GOP(8*time.Second))},
		"video-only": {media: rt.Media(t, rt.VideoOnly())},
		"audio-only": {media: rt.Media(t, rt.AudioOnly())},
		"mono":       {media: rt.Media(t), args: []string{"-c:a", "aac", "-ac", "1", "-ar", "44100"}},
		"mp3":        {media: rt.Media(t), args: []string{"-c:a", "libmp3lame", "-ar", "44100"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := rt.NewSink(t, rt.KeepBodies())
			r := rt.StartRelay(t, rt.Destination("platform", destination(sink, "k")),
				rt.StreamConfig("record: {enabled: false}\nhls: {enabled: false}"))
			kind := rt.KindVideo
			if name == "audio-only" {
				kind = rt.KindAudio
			}
			for turn := range 3 { // three encoders, two holds
				pub := rt.Publish(t, r.PublishURL(), c.media, rt.Loop(), rt.OutputArgs(c.args...))
				first := packets(sink, kind)
				rt.Eventually(t, patient, "the encoder's media at the platform", func() bool { return packets(sink, kind) > first+75 })
				if turn == 2 {
					pub.Stop()
					break
				}
				pub.Kill()
				awaitHold(t, r)
				held := packets(sink, kind)
				rt.Eventually(t, patient, "the hold at the platform", func() bool { return packets(sink, kind) > held+5 })
			}
			s := awaitGoodbye(t, sink)
			if err := s.MonotonicDTS(); err != nil {
				t.Error(err)
			}
			oneHeader(t, s)
			decodes(t, s.WriteFLV(t))
		})
	}
}

// A session that nobody comes back to ends when its hold is over, and ends well; a goodbye ends it at once.
func TestHoldEnds(t *testing.T) {
	t.Parallel()
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.Destination("platform", destination(sink, "k")), rt.StreamConfig("hold: {for: 3s}\nhls: {enabled: false}"))
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	awaitVideo(t, sink, 60)
	pub.Kill()
	lost := time.Now()
	s := awaitGoodbye(t, sink)
	if took := s.Closed.Sub(lost); took < 3*time.Second {
		t.Errorf("the session ended %v after its encoder was lost, want 3 s", took)
	}
	plays(t, awaitFinished(t, r))
	rt.Eventually(t, soon, "the session to be over", func() bool { return snapshot(t, r).Streams[0].Session == nil })

	pub = rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	sink.Wait(t, patient, func(all []rt.Session) bool { return len(all) == 2 && len(all[1].VideoHashes()) > 60 })
	pub.Stop()
	stopped := time.Now()
	sessions := sink.Wait(t, patient, func(all []rt.Session) bool { return !all[1].Closed.IsZero() })
	if took := sessions[1].Closed.Sub(stopped); took > 3*time.Second || !sessions[1].Clean {
		t.Errorf("after a goodbye the platform's session ended %v later, properly %t", took, sessions[1].Clean)
	}
}

// An encoder takes the place of another with the same key, which is on, and needs time for its first picture: there is
// something to see all the same, and if it never sends one the hold ends as any other.
func TestTakeoverByASlowEncoder(t *testing.T) {
	t.Parallel()
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.Destination("platform", destination(sink, "k")), rt.StreamConfig("hls: {enabled: false}"))
	media := read(t, rt.Media(t, rt.Duration(4*time.Second)))
	dial(t, r.PublishURL()).SendFile(t, media, 0)
	slow := dial(t, r.PublishURL())
	pause(t, 3*time.Second)
	slow.SendFile(t, media, 0)
	must(t, slow.Goodbye())
	unbroken(t, awaitGoodbye(t, sink))
}

// awaitHold waits until a session without an encoder is fed by the hold.
func awaitHold(t *testing.T, r *rt.Relay) {
	t.Helper()
	rt.Eventually(t, soon, "the hold", func() bool {
		s := snapshot(t, r).Streams[0]
		return s.Hold != nil && s.Hold.Shown && s.Live
	})
}

// pause lets time pass, of which the test is about.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

func packets(s *rt.Sink, kind uint8) int {
	n := 0
	for _, session := range s.Sessions() {
		for _, tag := range session.Tags {
			if tag.Kind == kind && !tag.Init {
				n++
			}
		}
	}
	return n
}

// chapters are the lengths of a file's chapters, by title.
func chapters(t *testing.T, file string) map[string]time.Duration {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-show_chapters", "-of", "json", file).Output()
	must(t, err)
	var found struct {
		Chapters []struct {
			Start float64 `json:"start_time,string"`
			End   float64 `json:"end_time,string"`
			Tags  struct{ Title string }
		}
	}
	must(t, json.Unmarshal(out, &found))
	all := map[string]time.Duration{}
	for _, c := range found.Chapters {
		all[c.Tags.Title] += time.Duration((c.End - c.Start) * float64(time.Second))
	}
	return all
}

// nothing is the hash of an empty payload: the end of a sequence.
const nothing = "d41d8cd98f00b204e9800998ecf8427e"

// unbroken checks what a platform saw: a clock that never goes back, no hole in it nor between sound and picture beyond
// 100 ms and a repeat's time, one codec header of each kind, and no second without anything.
func unbroken(t *testing.T, s rt.Session) {
	t.Helper()
	oneHeader(t, s)
	steady(t, s, 600*time.Millisecond)
}

func oneHeader(t *testing.T, s rt.Session) {
	t.Helper()
	headers := map[uint8]string{}
	for i, tag := range s.Tags {
		if tag.Kind == rt.KindData || !tag.Init || tag.Hash == nothing {
			continue
		}
		if known := headers[tag.Kind]; known != "" && known != tag.Hash {
			t.Errorf("packet %d: another codec header", i)
		}
		headers[tag.Kind] = tag.Hash
	}
}

// steady is unbroken for one whose codec headers may change, with holes in its clock of so much at most.
func steady(t *testing.T, s rt.Session, hole time.Duration) {
	t.Helper()
	if err := s.MonotonicDTS(); err != nil {
		t.Error(err)
	}
	const second = 2 * time.Second // 1 s is promised, of a machine with less to do
	most := uint32(hole.Milliseconds())
	last := map[uint8]uint32{}
	var arrived time.Time
	for i, tag := range s.Tags {
		if tag.Init {
			continue
		}
		if before, ok := last[tag.Kind]; ok && tag.DTS-before > most {
			t.Errorf("packet %d: a hole of %d ms", i, tag.DTS-before)
		}
		last[tag.Kind] = tag.DTS
		if a, v := last[rt.KindAudio], last[rt.KindVideo]; a > v+most || v > a+most {
			t.Errorf("packet %d: sound at %d ms, picture at %d ms", i, a, v)
		}
		if !arrived.IsZero() && tag.At.Sub(arrived) > second {
			t.Errorf("packet %d: nothing came for %v", i, tag.At.Sub(arrived))
		}
		arrived = tag.At
	}
}

// decodes fails the test unless a file decodes without an error. Unlike plays it does not mind when pictures or sounds come
// closer together than the others, as they do where one encoder follows another.
func decodes(t *testing.T, file string) {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-xerror", "-nostdin", "-i", file, "-fps_mode", "drop", "-af", "asetpts=N/SR/TB", "-f", "framemd5", "-y", "/dev/null").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%s does not decode: %v\n%s", file, err, out)
	}
}

// keepsTime checks that a session's time goes on as the wall clock does. What comes late comes late as a whole, so the
// earliest of each part of the session counts.
func keepsTime(t *testing.T, where string, s rt.Session) {
	t.Helper()
	third := len(s.Tags) / 3
	ahead := func(tags []rt.Tag) time.Duration {
		var most time.Duration
		for i, tag := range tags {
			d := time.Duration(tag.DTS)*time.Millisecond - tag.At.Sub(s.Connected)
			if i == 0 || d > most && !tag.Init {
				most = d
			}
		}
		return most
	}
	if drift := ahead(s.Tags[2*third:]) - ahead(s.Tags[third:2*third]); drift.Abs() > 150*time.Millisecond {
		t.Errorf("%s: the session's time is off by %v in the end", where, drift)
	}
}

// leg is the video that one encoder sent, with a keyframe every gop packets.
type leg struct {
	name  string
	video []string // hashes
	whole bool     // all of it must arrive, not only some of its beginning
}

// arrived is where in a list of packets a leg is.
type arrived struct{ from, packets int }

// inOrder checks that a list of video packets is one leg after the other, with nothing between them but repeats of the
// last keyframe. One that need not be whole may pause, and goes on at a keyframe.
func inOrder(t *testing.T, where string, got []string, legs []leg) []arrived {
	t.Helper()
	var all []arrived
	key, i := "", 0
	for _, l := range legs {
		a := arrived{from: i}
		for n := 0; n < len(l.video) && (n == 0 || a.packets > 0 && !l.whole); n = (n/gop + 1) * gop {
			at := pastRepeats(got, i, key, l.video[n])
			run := 0
			for n+run < len(l.video) && at+run < len(got) && got[at+run] == l.video[n+run] {
				run++
			}
			if run == 0 {
				continue
			}
			if a.packets == 0 {
				a.from = at
			}
			a.packets += run
			i, n = at+run, n+run-1
			key = l.video[n/gop*gop]
		}
		all = append(all, a)
		if l.whole && a.packets < len(l.video) {
			t.Errorf("%s: %d of %d packets of %s, then %s", where, a.packets, len(l.video), l.name, belongs(got[i:], legs))
			return nil
		}
	}
	if i = pastRepeats(got, i, key, ""); i < len(got) {
		t.Errorf("%s: behind all, at packet %d of %d: %s", where, i, len(got), belongs(got[i:], legs))
	}
	return all
}

// pastRepeats is where in a list repeats of a keyframe end and next may stand, which may be the same.
func pastRepeats(got []string, i int, key, next string) int {
	for i < len(got) && got[i] == key && (next != key || i+1 < len(got) && got[i+1] == key) {
		i++
	}
	return i
}

// belongs says where packets may come from.
func belongs(got []string, legs []leg) string {
	if len(got) == 0 {
		return "nothing"
	}
	for _, l := range legs {
		if n := slices.Index(l.video, got[0]); n >= 0 {
			return fmt.Sprintf("packet %d of what %s has", n, l.name)
		}
	}
	return "what nobody sent"
}
