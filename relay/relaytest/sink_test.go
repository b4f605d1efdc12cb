package relaytest_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/relaytest"
)

const soon = 10 * time.Second

func media(t *testing.T) string { return relaytest.Media(t, relaytest.Duration(2*time.Second)) }

func publishing(sessions []relaytest.Session) bool {
	return len(sessions) > 0 && len(sessions[len(sessions)-1].VideoHashes()) > 0
}

func closed(sessions []relaytest.Session) bool {
	return len(sessions) > 0 && !sessions[len(sessions)-1].Closed.IsZero()
}

func TestSinkRecordsWhatWasSent(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]relaytest.SinkOption{"rtmp": nil, "rtmps": {relaytest.TLS()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := media(t)
			sink := relaytest.NewSink(t, opts...)
			publisher := relaytest.Publish(t, sink.URL()+"/some-Key_1?backup=1&x=y", file)
			if code := publisher.Wait(); code != 0 {
				t.Fatalf("publisher exited with %d:\n%s", code, publisher.Log())
			}
			session := sink.Wait(t, soon, closed)[0]
			if session.App != "live" || session.Key != "some-Key_1?backup=1&x=y" {
				t.Errorf("app %q key %q", session.App, session.Key)
			}
			if !slices.Equal(session.VideoHashes(), relaytest.VideoHashes(t, file)) {
				t.Error("video hashes differ from the file's")
			}
			if !slices.Equal(session.AudioHashes(), relaytest.AudioHashes(t, file)) {
				t.Error("audio hashes differ from the file's")
			}
			if err := session.MonotonicDTS(); err != nil {
				t.Error(err)
			}
			if delay, ok := session.FirstKeyframe(); !ok || delay > 5*time.Second {
				t.Errorf("first keyframe after %v, %t", delay, ok)
			}
			if !session.Clean {
				t.Error("ffmpeg's goodbye was not seen")
			}
			if session.FirstMedia.Before(session.Connected) || session.Closed.Before(session.FirstMedia) {
				t.Errorf("times out of order: %v %v %v", session.Connected, session.FirstMedia, session.Closed)
			}
		})
	}
}

func TestSinkOverTLSIsVouchedForByItsAuthorityOnly(t *testing.T) {
	t.Parallel()
	sink := relaytest.NewSink(t, relaytest.TLS("live.example.com"))
	pem, err := os.ReadFile(sink.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	pool := sink.CertPool().Clone()
	if pool.AppendCertsFromPEM(pem); !pool.Equal(sink.CertPool()) {
		t.Error("CAFile and CertPool hold different certificates")
	}
	dial := func(config *tls.Config) error {
		conn, err := tls.Dial("tcp", sink.Addr(), config)
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := dial(&tls.Config{RootCAs: sink.CertPool(), ServerName: "live.example.com"}); err != nil {
		t.Errorf("right name, right authority: %v", err)
	}
	if err := dial(&tls.Config{RootCAs: sink.CertPool(), ServerName: "other.example.com"}); err == nil {
		t.Error("the wrong name was vouched for")
	}
	if err := dial(&tls.Config{ServerName: "live.example.com"}); err == nil {
		t.Error("the system vouched for a sink")
	}
	sessions := sink.Wait(t, soon, func(s []relaytest.Session) bool { return len(s) == 3 })
	if sessions[1].SNI != "other.example.com" {
		t.Errorf("SNI %q", sessions[1].SNI)
	}
}

func TestSinkRefusesKey(t *testing.T) {
	t.Parallel()
	sink := relaytest.NewSink(t)
	sink.RefuseKey()
	publisher := relaytest.Publish(t, sink.URL()+"/wrong", media(t))
	if code := publisher.Wait(); code == 0 {
		t.Error("ffmpeg did not mind")
	}
	if !strings.Contains(publisher.Log(), "Stream key not accepted") {
		t.Errorf("ffmpeg was not told why:\n%s", publisher.Log())
	}
	session := sink.Wait(t, soon, closed)[0]
	if session.Key != "wrong" || len(session.Tags) != 0 {
		t.Errorf("key %q, %d tags", session.Key, len(session.Tags))
	}

	sink.Accept()
	relaytest.Publish(t, sink.URL()+"/right", media(t))
	sink.Wait(t, soon, publishing)
}

func TestSinkResets(t *testing.T) {
	t.Parallel()
	for name, reset := range map[string]func(*relaytest.Sink){
		"now":   func(s *relaytest.Sink) { s.Reset() },
		"later": func(*relaytest.Sink) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := relaytest.NewSink(t)
			if name == "later" {
				sink.ResetAfter(300 * time.Millisecond)
			}
			publisher := relaytest.Publish(t, sink.URL()+"/key", media(t), relaytest.Loop())
			sink.Wait(t, soon, publishing)
			reset(sink)
			publisher.Wait()
			if !strings.Contains(publisher.Log(), "Connection reset by peer") &&
				!strings.Contains(publisher.Log(), "Broken pipe") {
				t.Errorf("ffmpeg felt no reset:\n%s", publisher.Log())
			}
			if session := sink.Wait(t, soon, closed)[0]; session.Clean {
				t.Error("a reset session counts as clean")
			}
		})
	}
}

func TestSinkAcknowledges(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opts  []relaytest.SinkOption
		acked bool
	}{
		"by default not": {nil, false},
		"when asked to":  {[]relaytest.SinkOption{relaytest.AckEvery(10_000)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := relaytest.NewSink(t, tc.opts...)
			publisher := relaytest.Publish(t, sink.URL()+"/key", media(t), relaytest.InputArgs("-loglevel", "trace"))
			publisher.Wait()
			if got := strings.Contains(publisher.Log(), "received bytes read report"); got != tc.acked {
				t.Errorf("ffmpeg read an acknowledgement: %t, want %t", got, tc.acked)
			}
		})
	}
}

func TestSinkStopsAndRestarts(t *testing.T) {
	t.Parallel()
	sink := relaytest.NewSink(t)
	addr := sink.Addr()
	sink.Stop()
	if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial a stopped sink: %v", err)
	}
	if err := sink.Restart(); err != nil {
		t.Fatal(err)
	}
	if sink.Addr() != addr {
		t.Errorf("moved from %s to %s", addr, sink.Addr())
	}
	relaytest.Publish(t, sink.URL()+"/key", media(t))
	sink.Wait(t, soon, publishing)
}

func TestWedgedSinkAcceptsAndBlocks(t *testing.T) {
	t.Parallel()
	sink := relaytest.NewSink(t)
	sink.Wedge()
	conn, err := net.Dial("tcp", sink.Addr())
	if err != nil {
		t.Fatalf("a wedged sink still accepts: %v", err)
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	sent, err := io.Copy(conn, io.LimitReader(zeros{}, 64<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the write did not block: %v", err)
	}
	t.Logf("blocked after %d bytes", sent)
	if sent > 512<<10 {
		t.Errorf("blocked only after %d bytes", sent)
	}
}

func TestWedgedSinkReadsNothingUntilUnwedged(t *testing.T) {
	t.Parallel()
	sink := relaytest.NewSink(t)
	relaytest.Publish(t, sink.URL()+"/key", media(t), relaytest.Loop())
	sink.Wait(t, soon, publishing)
	sink.Wedge()

	// What was already in the reader's buffer still comes.
	count := func() int { return len(sink.Sessions()[0].Tags) }
	last, since := count(), time.Now()
	relaytest.Eventually(t, soon, "the wedge to bite", func() bool {
		if now := count(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > time.Second
	})
	sink.Unwedge()
	relaytest.Eventually(t, soon, "the sink to read on", func() bool { return count() > last+30 })
}

func TestWedgedSinkCloses(t *testing.T) {
	t.Parallel()
	sink := relaytest.NewSink(t)
	sink.Wedge()
	dial(t, sink)
	sink.Close()
	if !closed(sink.Sessions()) {
		t.Error("the session is still open")
	}
}

func TestResetIsNotAClose(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end  func(*relaytest.Sink)
		want error
	}{
		"reset": {(*relaytest.Sink).Reset, syscall.ECONNRESET},
		"stop":  {(*relaytest.Sink).Stop, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := relaytest.NewSink(t)
			conn := dial(t, sink)
			tc.end(sink)
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, tc.want) {
				t.Errorf("read says %v, want %v", err, tc.want)
			}
		})
	}
}

// dial returns a connection the sink knows about, on which nothing was sent.
func dial(t *testing.T, sink *relaytest.Sink) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", sink.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	sink.Wait(t, soon, func(s []relaytest.Session) bool { return len(s) == 1 })
	return conn
}

func TestPublisherLeavesInEveryWay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		leave func(*relaytest.Publisher)
		clean bool
	}{
		"stop": {func(p *relaytest.Publisher) { p.Stop() }, true},
		"kill": {func(p *relaytest.Publisher) { p.Kill() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := relaytest.NewSink(t)
			publisher := relaytest.Publish(t, sink.URL()+"/key", media(t), relaytest.Loop())
			sink.Wait(t, soon, publishing)
			tc.leave(publisher)
			if session := sink.Wait(t, soon, closed)[0]; session.Clean != tc.clean {
				t.Errorf("clean %t, want %t", session.Clean, tc.clean)
			}
		})
	}
}

func TestFrozenPublisherStaysConnected(t *testing.T) {
	t.Parallel()
	sink := relaytest.NewSink(t)
	publisher := relaytest.Publish(t, sink.URL()+"/key", media(t), relaytest.Loop())
	sink.Wait(t, soon, publishing)
	publisher.Freeze()
	relaytest.Eventually(t, soon, "ffmpeg to stand still", func() bool {
		for _, p := range relaytest.Children(os.Getpid()) {
			if p.Pid == publisher.Pid() {
				return p.State == "T"
			}
		}
		return false
	})
	if closed(sink.Sessions()) {
		t.Error("a frozen publisher was disconnected")
	}
	frozen := len(sink.Sessions()[0].Tags)
	publisher.Thaw()
	sink.Wait(t, soon, func(s []relaytest.Session) bool { return len(s[0].Tags) > frozen+30 })
}

func TestSinkTakesGStreamer(t *testing.T) {
	t.Parallel()
	for _, element := range []string{"rtmpsink", "rtmp2sink"} {
		t.Run(element, func(t *testing.T) {
			t.Parallel()
			sink := relaytest.NewSink(t)
			out, err := exec.Command("gst-launch-1.0", "-q", "videotestsrc", "num-buffers=60", "!", "x264enc",
				"tune=zerolatency", "!", "flvmux", "streamable=true", "!", element, "location="+sink.URL()+"/key").CombinedOutput()
			if err != nil {
				t.Fatalf("%v (scripts/install-test-deps.sh installs GStreamer)\n%s", err, out)
			}
			session := sink.Wait(t, soon, closed)[0]
			if session.Key != "key" || len(session.VideoHashes()) != 60 {
				t.Errorf("key %q, %d packets of 60", session.Key, len(session.VideoHashes()))
			}
		})
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
