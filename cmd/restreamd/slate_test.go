package main_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// placard is a picture that is neither as large as the stream nor of its shape.
func placard(t *testing.T) string {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 501, 700))
	for i := range m.Pix {
		m.Pix[i] = byte(i * i >> 8)
	}
	m.Set(0, 0, color.White)
	var b bytes.Buffer
	must(t, png.Encode(&b, m))
	return b.String()
}

// clip is a video with sound, of another size, rate and sound than what is published.
func clip(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "clip.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-nostdin",
		"-f", "lavfi", "-t", "3.1", "-i", "testsrc=size=320x240:rate=25", "-f", "lavfi", "-t", "2", "-i", "sine=frequency=440:sample_rate=44100",
		"-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", file).CombinedOutput()
	if err != nil {
		t.Fatalf("make clip: %v\n%s", err, out)
	}
	data, err := os.ReadFile(file)
	must(t, err)
	return string(data)
}

// awaitSlate waits until the relay has made its slate, and returns the file.
func awaitSlate(t *testing.T, r *rt.Relay) string {
	t.Helper()
	var made []string
	rt.Eventually(t, patient, "the slate to be made", func() bool {
		made, _ = filepath.Glob(filepath.Join(r.Data, "state", "slates", "*.flv"))
		return len(made) == 1
	})
	return made[0]
}

// headersOf are the codec headers of a kind, in the order in which they came; repeats are left out.
func headersOf(s rt.Session, kind uint8) []string {
	var all []string
	for _, tag := range s.Tags {
		if tag.Kind == kind && tag.Init && tag.Hash != nothing {
			all = append(all, tag.Hash)
		}
	}
	return slices.Compact(all)
}

// isWithin reports whether all of part is in list, one behind the other.
func isWithin(list, part []string) bool {
	at := slices.Index(list, part[0])
	return at >= 0 && len(list)-at >= len(part) && slices.Equal(list[at:at+len(part)], part)
}

// aba reports whether there were one header, another, and the first again.
func aba(headers []string) bool {
	return len(headers) == 3 && headers[0] == headers[2]
}

// While the encoder is gone a slate is shown to all who can live with its codec header, and nobody is cut off. The others
// see the last picture, under the header they know. When the encoder is back all see it, under its own header.
func TestSlate(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		file, content string
		sound         bool
	}{
		"picture": {"brb.png", placard(t), false},
		"clip":    {"brb.mp4", clip(t), true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			free, fixed := rt.NewSink(t, rt.KeepBodies()), rt.NewSink(t, rt.KeepBodies())
			r := rt.StartRelay(t, rt.File(c.file, c.content), rt.StreamConfig("hold: {show: slate, slate: "+c.file+"}\nhls: {enabled: false}"),
				rt.Destination("free", destination(free, "k1")),
				rt.Destination("fixed", destination(fixed, "k2")+"contract: {fixed_headers: true}\n"))
			before, after := rt.Media(t), rt.Media(t, rt.Bitrate(1000))
			pub := rt.Publish(t, r.PublishURL(), before, rt.Loop())
			awaitVideo(t, free, 60)
			awaitVideo(t, fixed, 60)
			slate := awaitSlate(t, r)
			pub.Kill()
			awaitHold(t, r)
			held := packets(free, rt.KindVideo)
			rt.Eventually(t, patient, "the slate at the platform", func() bool { return packets(free, rt.KindVideo) > held+200 }) // a turn and a half
			if code := rt.Publish(t, r.PublishURL(), after).Wait(); code != 0 {
				t.Fatalf("the encoder ended with %d", code)
			}

			s := awaitGoodbye(t, free)
			steady(t, s, 600*time.Millisecond)
			keepsTime(t, "free", s)
			if h := headersOf(s, rt.KindVideo); !aba(h) {
				t.Errorf("headers of the picture: %q, want the encoder's, the slate's and the encoder's", h)
			}
			if h := headersOf(s, rt.KindAudio); len(h) != 1 { // a clip's sound is made by the encoder of the test's media
				t.Errorf("headers of the sound: %q", h)
			}
			if song := rt.AudioHashes(t, slate); c.sound && !isWithin(s.AudioHashes(), song[2:len(song)-2]) || !c.sound && len(song) > 0 {
				t.Errorf("the slate's %d packets of sound did not come", len(song))
			}
			shown(t, s, rt.VideoHashes(t, slate), rt.VideoHashes(t, after))
			decodesAll(t, s)

			s = awaitGoodbye(t, fixed)
			unbroken(t, s)
			inOrder(t, "fixed", s.VideoHashes(), []leg{
				{name: "the first encoder", video: slices.Repeat(rt.VideoHashes(t, before), 20)},
				{name: "the second encoder", video: rt.VideoHashes(t, after), whole: true},
			})
			decodes(t, s.WriteFLV(t))

			parts := takes(t, r)
			if len(parts) != 3 {
				t.Fatalf("recordings %q, want one each before, during and after", parts)
			}
			for _, part := range parts {
				decodes(t, part)
			}
		})
	}
}

// shown checks that the slate was shown, all of it and again, between the two encoders, the second of which lost nothing,
// and that each keyframe is known as one.
func shown(t *testing.T, s rt.Session, slate, after []string) {
	t.Helper()
	got := s.VideoHashes()
	first := slices.Index(got, slate[0])
	if first < 60 || len(got) < first+len(slate) || !slices.Equal(got[first:first+len(slate)], slate) {
		t.Errorf("packet %d of %d is the slate's first, and not all of it follows", first, len(got))
		return
	}
	if !slices.Contains(got[first+1:], slate[0]) {
		t.Error("the slate was shown but once")
	}
	back := slices.Index(got, after[0])
	if back < 0 {
		t.Error("the second encoder is missing")
		return
	}
	sameHashes(t, "the second encoder", got[back:], after)
	keys := keyframes(s)
	for i := range slate {
		if keys[first+i] != (i%(2*gop) == 0) {
			t.Errorf("packet %d of the slate: a keyframe is %t", i, keys[first+i])
		}
	}
	for i := range after {
		if keys[back+i] != (i%gop == 0) {
			t.Errorf("packet %d of the second encoder: a keyframe is %t", i, keys[back+i])
		}
	}
}

// keyframes tells of each video packet whether it came as a keyframe.
func keyframes(s rt.Session) []bool {
	var all []bool
	for _, tag := range s.Tags {
		if tag.Kind == rt.KindVideo && !tag.Init {
			all = append(all, tag.Keyframe)
		}
	}
	return all
}

// decodesAll fails the test unless every picture of a session comes out of a decoder, beyond its changes of header. What
// ffmpeg's parser says there, which keeps to the first header of a file, is not looked at.
func decodesAll(t *testing.T, s rt.Session) {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "fatal", "-xerror", "-nostdin", "-i", s.WriteFLV(t), "-map", "0:v", "-fps_mode", "passthrough",
		"-autoscale", "0", "-f", "framemd5", "-").Output()
	n := 0
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	if want := len(s.VideoHashes()); err != nil || n != want {
		t.Errorf("%d pictures decode, want %d: %v", n, want, err)
	}
}

// A slate that cannot be shown is told before it is needed: by check, and at the start.
func TestBadSlateIsRefused(t *testing.T) {
	t.Parallel()
	picture := placard(t)
	exe, err := os.Readlink("/proc/" + strconv.Itoa(rt.StartRelay(t).Pid()) + "/exe")
	must(t, err)
	cases := map[string]struct {
		content *string
		want    string
	}{
		"missing.png": {nil, "no such file"},
		"empty.png":   {new(string), "cannot be shown"},
		"torn.png":    {ptr(picture[:len(picture)/2]), "cannot be shown"},
		"text.mp4":    {ptr("be right back"), "cannot be shown"},
		"fine.png":    {&picture, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			must(t, os.Mkdir(filepath.Join(dir, "destinations.d"), 0o700))
			must(t, os.WriteFile(filepath.Join(dir, "restreamd.yml"),
				[]byte("rtmp: {listen: \"127.0.0.1:0\"}\nhttp: {listen: \"127.0.0.1:0\"}\nstreams:\n  main: {hold: {show: slate, slate: "+name+"}}\n"), 0o600))
			if c.content != nil {
				must(t, os.WriteFile(filepath.Join(dir, name), []byte(*c.content), 0o600))
			}
			for _, command := range []string{"check", "serve"} {
				if c.want == "" && command == "serve" {
					continue
				}
				ctx, cancel := context.WithTimeout(t.Context(), patient)
				defer cancel()
				cmd := exec.CommandContext(ctx, exe, command, "--config", "restreamd.yml")
				cmd.Dir = dir
				text, _ := cmd.CombinedOutput() // the exit code tells
				out, code := string(text), cmd.ProcessState.ExitCode()
				if c.want == "" && code == 0 {
					continue
				}
				if code != 2 || !strings.Contains(out, c.want) || !strings.Contains(out, "streams.main.hold.slate") || !strings.Contains(out, name) {
					t.Errorf("%s: exit code %d, want 2 and %q:\n%s", command, code, c.want, out)
				}
			}
		})
	}
}

func ptr(s string) *string { return &s }

// A platform that forbids another codec header sees the last picture through a rendition as well.
func TestSlateThroughRenditions(t *testing.T) {
	t.Parallel()
	free, fixed := rt.NewSink(t), rt.NewSink(t)
	r := rt.StartRelay(t, rt.File("brb.png", placard(t)),
		rt.ExtraConfig("encoders: {budget: 8}\nrenditions:\n  small: {height: 144, preset: ultrafast}\n  tiny: {height: 96, preset: ultrafast}"),
		rt.StreamConfig("hold: {show: slate, slate: brb.png}\nrecord: {enabled: false}\nhls: {segment: 1s}"),
		rt.Destination("free", destination(free, "k1")+"rendition: small\n"),
		rt.Destination("fixed", destination(fixed, "k2")+"rendition: tiny\ncontract: {fixed_headers: true}\n"))
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	awaitVideo(t, free, 60)
	awaitVideo(t, fixed, 60)
	awaitSlate(t, r)
	pub.Kill()
	awaitHold(t, r)
	for name, c := range map[string]struct {
		sink *rt.Sink
		fps  float64
	}{"free": {free, 30}, "fixed": {fixed, 2}} {
		rt.Eventually(t, patient, name+" to have three seconds of the hold", func() bool {
			s := c.sink.Sessions()
			return len(s) == 1 && rate(s[0], 3*time.Second) > c.fps*0.7 && rate(s[0], 3*time.Second) < c.fps*1.5
		})
	}
	if _, playlist := r.Get(t, "/hls/main/index.m3u8"); !strings.Contains(string(playlist), "#EXT-X-DISCONTINUITY\n") {
		t.Errorf("the playlist has no discontinuity:\n%s", playlist)
	}
	if code := rt.Publish(t, r.PublishURL(), rt.Media(t)).Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	awaitGoodbye(t, free)
	s := awaitGoodbye(t, fixed)
	oneHeader(t, s)
	if err := s.MonotonicDTS(); err != nil {
		t.Error(err)
	}
}

// rate is the pictures a second in the newest part of a session, by its own clock.
func rate(s rt.Session, part time.Duration) float64 {
	n, newest := 0, uint32(0)
	for _, tag := range slices.Backward(s.Tags) {
		if tag.Kind != rt.KindVideo || tag.Init {
			continue
		}
		newest = max(newest, tag.DTS)
		if newest-tag.DTS > uint32(part.Milliseconds()) {
			break
		}
		n++
	}
	return float64(n) / part.Seconds()
}

// When an encoder comes back with another picture, a platform that forbids another codec header gets a session of its own
// for that, once; the others see it in the one they have.
func TestFixedHeadersRestartOnce(t *testing.T) {
	t.Parallel()
	free, fixed := rt.NewSink(t), rt.NewSink(t)
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {enabled: false}"),
		rt.Destination("free", destination(free, "k1")),
		rt.Destination("fixed", destination(fixed, "k2")+"contract: {fixed_headers: true}\n"))
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	awaitVideo(t, free, 60)
	awaitVideo(t, fixed, 60)
	pub.Kill()
	awaitHold(t, r)
	other := rt.Media(t, rt.Size(320, 180))
	if code := rt.Publish(t, r.PublishURL(), other).Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	if h := headersOf(awaitGoodbye(t, free), rt.KindVideo); len(h) != 2 {
		t.Errorf("%d headers in one session, want 2", len(h))
	}
	sessions := fixed.Wait(t, patient, func(all []rt.Session) bool { return len(all) == 2 && !all[1].Closed.IsZero() })
	for _, s := range sessions {
		oneHeader(t, s)
		if !s.Clean {
			t.Error("a session ended without a goodbye")
		}
	}
	sameHashes(t, "fixed", sessions[1].VideoHashes(), rt.VideoHashes(t, other))
}
