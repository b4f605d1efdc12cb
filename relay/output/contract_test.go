package output_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/egress"
	"github.com/restreamd/restreamd/relay/flv"
	"github.com/restreamd/restreamd/relay/hls"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/push"
	"github.com/restreamd/restreamd/relay/relaytest"
	"github.com/restreamd/restreamd/relay/secret"
)

// kind is one kind of output, and how to see what it made.
type kind struct {
	spec output.Spec
	// hashes are those of the video that arrived.
	hashes func(t *testing.T) []string
	// want turns a media file into the hashes expected of it.
	want func(t testing.TB, path string) []string
}

// kinds are all the recipes there are.
var kinds = map[string]func(t *testing.T, s *stage) kind{
	"record": func(t *testing.T, s *stage) kind {
		dir := t.TempDir()
		return kind{s.spec("record", recorder.Recipe{Dir: dir}), func(t *testing.T) []string {
			return relaytest.VideoHashes(t, only(t, dir, "main", "*.mp4"))
		}, relaytest.VideoHashes}
	},
	"hls": func(t *testing.T, s *stage) kind {
		dir := t.TempDir()
		recipe, composer := hls.Recipe{Dir: dir, Segment: time.Second}, &hls.Composer{Dir: dir, Settings: wide}
		return kind{s.spec("hls", recipe), func(t *testing.T) []string {
			if err := composer.End("main", s.finishes()[0].Session); err != nil {
				t.Fatal(err)
			}
			return relaytest.VideoHashesAnnexB(t, only(t, dir, "main", "*", "index.m3u8"))
		}, relaytest.VideoHashesAnnexB}
	},
	"push": func(t *testing.T, s *stage) kind {
		sink := relaytest.NewSink(t)
		host, port, _ := net.SplitHostPort(sink.Addr())
		target := push.Target{Scheme: push.SchemeRTMP, Host: host, App: "live", Key: secret.New("s3cret-key")}
		target.Port, _ = strconv.Atoi(port)
		spec := s.spec("push", push.Recipe{Target: target})
		spec.Gate, spec.Secrets = realGate{&egress.Gate{Address: sink.Addr()}}, target.Secrets()
		return kind{spec, func(t *testing.T) []string {
			all := sink.Wait(t, soon, func(all []relaytest.Session) bool { return len(all) == 1 && all[0].Clean })
			if all[0].Key != "s3cret-key" || all[0].MonotonicDTS() != nil {
				t.Errorf("key %q, %v", all[0].Key, all[0].MonotonicDTS())
			}
			return all[0].VideoHashes()
		}, relaytest.VideoHashes}
	},
}

// wide keeps all of a test's segments in the playlist.
func wide(string) hls.Settings { return hls.Settings{Window: 100} }

// Whatever the kind, a show arrives whole, the child ends by itself, and the session is finished once.
func TestContract(t *testing.T) {
	t.Parallel()
	media := relaytest.Media(t)
	for name, make := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, "ffmpeg").serve()
			k := make(t, s)
			s.Apply([]output.Spec{k.spec})
			pub := playInto(t, s.stream, media, name)
			o := s.awaitState(name, output.Running)
			if o.Failures != 0 || o.Starts != 1 || o.Pid == 0 {
				t.Errorf("on air: %s", text(o))
			}
			pub.Close()
			o = s.awaitState(name, output.Waiting)
			if o.Failures != 0 || o.Starts != 1 || o.Reason != "" || alive(o.Pid) && o.Pid != 0 {
				t.Errorf("after the show: %s", text(o))
			}
			if got, want := k.hashes(t), k.want(t, media); !slices.Equal(got, want) {
				t.Errorf("%d video packets arrived, want the same %d", len(got), len(want))
			}
			if done := s.finishes(); len(done) != 1 || done[0].Part != 0 || !done[0].Audio || !done[0].Video {
				t.Errorf("finished: %+v", done)
			}
		})
	}
}

// A child that is killed in mid-show is followed by another that joins at the newest keyframe.
func TestContractAfterAKill(t *testing.T) {
	t.Parallel()
	media := relaytest.Media(t)
	for name, make := range kinds {
		if name == "push" { // its sink counts sessions; killed destinations are tested through the binary
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, "ffmpeg").serve()
			k := make(t, s)
			s.Apply([]output.Spec{k.spec})
			pub := playInto(t, s.stream, media, name)
			kill(t, s.awaitState(name, output.Running).Pid)
			o := s.await(name, "running again", func(o output.Status) bool { return o.Starts == 2 && o.Pid != 0 })
			if o.Failures != 1 || o.Reason == "" {
				t.Errorf("after the kill: %s", text(o))
			}
			write(t, pub, media)
			s.awaitState(name, output.Running)
			pub.Close()
			s.awaitState(name, output.Waiting)
			if done := s.finishes(); len(done) != 1 || done[0].Part != 1 {
				t.Errorf("finished: %+v", done)
			}
		})
	}
}

// playInto publishes a media file as fast as it goes, to an output that has subscribed and so gets all of it.
func playInto(t *testing.T, stream *relay.Stream, media, name string) *relay.Publication {
	t.Helper()
	relaytest.Eventually(t, soon, "the output to subscribe", func() bool { return stream.Status().Outputs == 1 })
	pub, err := stream.Publish(relay.Publisher{Key: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pub.Close)
	write(t, pub, media)
	return pub
}

func write(t *testing.T, pub *relay.Publication, media string) {
	t.Helper()
	f, err := os.Open(media)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := flv.NewReader(f)
	for {
		p, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = pub.Write(p)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// only returns the one file that matches.
func only(t *testing.T, path ...string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(path...))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v: %v, %v", path, found, err)
	}
	return found[0]
}

// A change of header that no media follows, as some encoders send when they stop, is no reason to start a child: it
// would find nothing to record and fail.
func TestHeaderAtTheEnd(t *testing.T) {
	t.Parallel()
	media := relaytest.Media(t)
	s := open(t, "ffmpeg").serve()
	k := kinds["record"](t, s)
	s.Apply([]output.Spec{k.spec})
	pub := playInto(t, s.stream, media, "record")
	s.awaitState("record", output.Running)
	p, err := flv.Seal(relay.Audio, 9000, []byte{0xaf, 0, 0x11, 0x90}) // AAC-LC, 48 kHz, stereo, said otherwise
	if err == nil {
		err = pub.Write(p)
	}
	if err != nil {
		t.Fatal(err)
	}
	pub.Close()
	relaytest.Eventually(t, patient, "the session to be finished", func() bool { return len(s.finishes()) == 1 })
	if o := s.status("record"); o.Failures != 0 || o.Reason != "" {
		t.Errorf("after the session: %s", text(o))
	}
	if got, want := k.hashes(t), k.want(t, media); !slices.Equal(got, want) {
		t.Errorf("%d video packets arrived, want the same %d", len(got), len(want))
	}
}
