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
	job, err := recipe(t, "youtube", "", "s3cret").Job(ffmpeg.Attempt{Stream: "main", Gate: "127.0.0.1:19350"})
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
	got := strings.Join(args, "\n") + "\n"
	golden := filepath.Join("testdata", "push.golden")
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

// run feeds media to the job and returns its arguments and everything it wrote.
func run(t *testing.T, job ffmpeg.Job, media string) string {
	t.Helper()
	args, err := job.Args()
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := job.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	input, err := os.Open(media)
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
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
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffmpeg", args...)
	cmd.Stdin, cmd.ExtraFiles = input, []*os.File{progress, keys}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("ffmpeg: %v: %s", err, out)
	}
	return strings.Join(args, " ") + "\n" + string(out)
}
