package push_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/push"
	"github.com/restreamd/restreamd/relay/relaytest"
	"github.com/restreamd/restreamd/relay/secret"
)

var update = flag.Bool("update", false, "write the golden files anew")

func recipe(t *testing.T, platform, url, key string) push.Recipe {
	t.Helper()
	target, _, err := push.Parse(platform, url, secret.New(key))
	if err != nil {
		t.Fatal(err)
	}
	return push.Recipe{Target: target}
}

func TestRecipeArguments(t *testing.T) {
	attempt := ffmpeg.Attempt{Stream: "main", Gate: "127.0.0.1:19350", Audio: true, Video: true}
	silent := attempt
	silent.Audio = false
	audio := attempt
	audio.Video = false
	nothing := silent
	nothing.Video = false

	for _, c := range []struct {
		golden  string
		silence bool
		attempt ffmpeg.Attempt
	}{
		{"push.golden", false, attempt},
		{"onetrack.golden", false, silent}, // nobody asked for silence
		{"push.golden", true, attempt},     // there is no need for silence
		{"onetrack.golden", true, audio},
		{"push.golden", true, nothing},
		{"silence.golden", true, silent},
	} {
		r := recipe(t, "youtube", "", "s3cret")
		r.Silence = c.silence
		job, err := r.Job(c.attempt)
		if err != nil {
			t.Fatal(err)
		}
		if !job.DieWithParent {
			t.Errorf("job: %+v", job)
		}
		args, err := job.Args()
		if err != nil {
			t.Fatal(err)
		}
		compare(t, filepath.Join("testdata", c.golden), strings.Join(args, "\n")+"\n")
	}
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the arguments changed; run with -update if that is meant\n got %s\nwant %s", got, want)
	}
}

func TestRecipeNeedsAGateAndATarget(t *testing.T) {
	if _, err := recipe(t, "twitch", "", "k").Job(ffmpeg.Attempt{}); err == nil {
		t.Error("a job without a gate")
	}
	job, err := push.Recipe{}.Job(ffmpeg.Attempt{Gate: "127.0.0.1:1"})
	if err == nil {
		_, err = job.Secrets()
	}
	if err == nil {
		t.Error("a job without a target")
	}
}

// A real ffmpeg must tell the platform the app, URL and key to the letter, and nobody else.
func TestPlatformHearsTheTargetToTheLetter(t *testing.T) {
	sink := relaytest.NewSink(t)
	media := relaytest.Media(t, relaytest.Duration(2*time.Second))

	for _, c := range []struct{ name, url, key, app, tcURL string }{
		{"a query in the app", "rtmps://b.rtmps.youtube.com:443/live2?backup=1", "s3cret-key",
			"live2?backup=1", "rtmps://b.rtmps.youtube.com:443/live2?backup=1"},
		{"a query in the key", "rtmp://live.twitch.tv/app", "s3cret?bandwidthtest=true",
			"app", "rtmp://live.twitch.tv:1935/app"},
		{"two levels and two parameters", "rtmp://[2001:db8::1]/live/room", "s3cret?x=y&z",
			"live/room", "rtmp://[2001:db8::1]:1935/live/room"},
		{"what means something to shells, URLs and option files", "rtmp://host/app", `#s3cret =a b;c'd"e\f%20$g,h:i|j[0]@/+k`,
			"app", "rtmp://host:1935/app"},
		{"as long as allowed", "rtmps://" + strings.Repeat("h", 253) + ":65535/" + strings.Repeat("a", 512), strings.Repeat("s3cret.k", 64),
			strings.Repeat("a", 512), "rtmps://" + strings.Repeat("h", 253) + ":65535/" + strings.Repeat("a", 512)},
	} {
		job, err := recipe(t, "", c.url, c.key).Job(ffmpeg.Attempt{Gate: sink.Addr()})
		if err != nil {
			t.Fatal(err)
		}
		said := run(t, job, media)
		if strings.Contains(said, "s3cret") || strings.Contains(said, c.tcURL) {
			t.Errorf("%s: arguments or output show what they must not: %s", c.name, said)
		}

		isSession := func(s relaytest.Session) bool { return s.Key == c.key && s.Clean }
		relaytest.Eventually(t, 5*time.Second, c.name+" arrives", func() bool { return slices.ContainsFunc(sink.Sessions(), isSession) })
		session := sink.Sessions()[slices.IndexFunc(sink.Sessions(), isSession)]
		if session.App != c.app || session.TCURL != c.tcURL {
			t.Errorf("%s: connect asked for app %q of %q", c.name, session.App, session.TCURL)
		}
		if want := relaytest.VideoHashes(t, media); !slices.Equal(session.VideoHashes(), want) {
			t.Errorf("%s: %d video packets arrived changed or incomplete, want %d", c.name, len(session.VideoHashes()), len(want))
		}
	}
}

// Whatever a target holds, the argument list is the same: nothing of it stands there. What could end a line of the
// preset, and so begin another option, is refused, even by a target that Parse did not make.
func TestNoFieldCanAddAnOption(t *testing.T) {
	attempt := ffmpeg.Attempt{Gate: "127.0.0.1:19350", Audio: true, Video: true}
	plain, err := recipe(t, "", "rtmp://host/app", "k").Job(attempt)
	if err != nil {
		t.Fatal(err)
	}
	want, err := plain.Args()
	if err != nil {
		t.Fatal(err)
	}
	for _, hostile := range []string{
		"-y", "-f", "--", "a -y b", "x;y|z&", "a=b", "$(id)", "`id`", "'q\"", "file:/etc/passwd", "pipe:1", "|cat", "#c", "%n", `\n`, "é x",
		"a\nrtmp_live=live", "a\r\nb=c", "a\x00b", "\x1b[2J",
	} {
		for name, target := range map[string]push.Target{
			"scheme": {Scheme: hostile, Host: "host", Port: 1935, App: "app", Key: secret.New("k")},
			"host":   {Scheme: "rtmp", Host: hostile, Port: 1935, App: "app", Key: secret.New("k")},
			"app":    {Scheme: "rtmp", Host: "host", Port: 1935, App: hostile, Key: secret.New("k")},
			"key":    {Scheme: "rtmp", Host: "host", Port: 1935, App: "app", Key: secret.New(hostile)},
		} {
			job, err := push.Recipe{Target: target}.Job(attempt)
			if err != nil {
				continue
			}
			args, err := job.Args()
			if strings.ContainsAny(hostile, "\n\r\x00\x1b") {
				if err == nil {
					t.Errorf("%s %q was taken", name, hostile)
				}
				continue
			}
			if err != nil || !slices.Equal(args, want) {
				t.Errorf("%s %q: %q, %v", name, hostile, args, err)
			}
			secrets, err := job.Secrets()
			if err != nil || bytes.Count(bytes.Join(secrets, nil), []byte("\n")) != len(job.Outputs[0].Preset) {
				t.Errorf("%s %q: the preset has another number of lines: %v", name, hostile, err)
			}
		}
	}
}

// A publisher that pauses for a while shows what silence does: it waits where the video waits, holds nothing back, and
// is over when the video is.
func TestSilenceKeepsThePaceOfTheVideo(t *testing.T) {
	sink := relaytest.NewSink(t)
	media := relaytest.Media(t, relaytest.Duration(8*time.Second), relaytest.VideoOnly())
	r := recipe(t, "youtube", "", "s3cret")
	r.Silence = true
	job, err := r.Job(ffmpeg.Attempt{Gate: sink.Addr(), Video: true})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(media)
	if err != nil {
		t.Fatal(err)
	}
	end, packets := videoUntil(file, 2*time.Second)
	stdin, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	var out bytes.Buffer
	cmd := start(t, job, stdin, &out)
	stdin.Close()

	if _, err := feed.Write(file[:end]); err != nil {
		t.Fatal(err)
	}
	sessions := sink.Wait(t, 2*time.Second, func(s []relaytest.Session) bool {
		return len(s) == 1 && len(s[0].VideoHashes()) == packets && len(s[0].AudioHashes()) > 80
	})
	if ahead := lastDTS(sessions[0], relaytest.KindAudio) - lastDTS(sessions[0], relaytest.KindVideo); ahead > 50 {
		t.Errorf("the silence is %d ms ahead of the video", ahead)
	}

	if _, err := feed.Write(file[end:]); err != nil {
		t.Fatal(err)
	}
	feed.Close()
	closed := time.Now()
	if err := cmd.Wait(); err != nil || out.Len() > 0 {
		t.Errorf("ffmpeg: %v: %s", err, &out)
	}
	if took := time.Since(closed); took > time.Second {
		t.Errorf("the child ended %v after its input", took)
	}
	sessions = sink.Wait(t, 5*time.Second, func(s []relaytest.Session) bool { return s[0].Clean })
	if got, want := sessions[0].VideoHashes(), relaytest.VideoHashes(t, media); !slices.Equal(got, want) {
		t.Errorf("%d video packets arrived changed or incomplete, want %d", len(got), len(want))
	}
	if err := sessions[0].MonotonicDTS(); err != nil {
		t.Error(err)
	}
	apart := lastDTS(sessions[0], relaytest.KindAudio) - lastDTS(sessions[0], relaytest.KindVideo)
	if apart < -100 || apart > 100 {
		t.Errorf("the silence ends %d ms from the video's end", apart)
	}
}

// videoUntil is where the FLV file's tag of that time begins, and how many video packets are before it. The file has
// nothing but video.
func videoUntil(file []byte, until time.Duration) (end, packets int) {
	const header, tagHeader, videoTag = 13, 11, 9
	for end = header; end < len(file); {
		tag := file[end:]
		length := int(tag[1])<<16 | int(tag[2])<<8 | int(tag[3])
		dts := time.Duration(int(tag[4])<<16|int(tag[5])<<8|int(tag[6])) * time.Millisecond
		if dts >= until {
			break
		}
		if isMedia := tag[tagHeader+1] == 1; tag[0] == videoTag && isMedia {
			packets++
		}
		end += tagHeader + length + 4
	}
	return end, packets
}

func lastDTS(s relaytest.Session, kind uint8) int {
	last := 0
	for _, tag := range s.Tags {
		if tag.Kind == kind && !tag.Init {
			last = int(tag.DTS)
		}
	}
	return last
}

// run feeds media to the job and returns its arguments and everything it wrote.
func run(t *testing.T, job ffmpeg.Job, media string) string {
	t.Helper()
	input, err := os.Open(media)
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	var out bytes.Buffer
	cmd := start(t, job, input, &out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("ffmpeg: %v: %s", err, &out)
	}
	return strings.Join(cmd.Args, " ") + "\n" + out.String()
}

// start runs the job on input. It is killed after 20 s.
func start(t *testing.T, job ffmpeg.Job, input *os.File, out *bytes.Buffer) *exec.Cmd {
	t.Helper()
	args, err := job.Args()
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := job.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	progress, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer progress.Close()
	keys, keysIn, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	// A pipe holds more than any preset, so this does not wait for ffmpeg.
	if _, err := keysIn.Write(bytes.Join(secrets, nil)); err != nil {
		t.Fatal(err)
	}
	keysIn.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "ffmpeg", args...)
	cmd.Stdin, cmd.ExtraFiles = input, []*os.File{progress, keys}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}
