package egress_test

import (
	"context"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/egress"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/process"
	"github.com/restreamd/restreamd/relay/push"
	"github.com/restreamd/restreamd/relay/relaytest"
	"github.com/restreamd/restreamd/relay/secret"
)

// A platform that acknowledges costs a bare ffmpeg the end of the show: it closes with replies unread, so its socket
// is reset. Through the gate every packet arrives.
func TestRealPushArrivesWhole(t *testing.T) {
	media := relaytest.Media(t, relaytest.Duration(2*time.Second))
	for name, opts := range map[string][]relaytest.SinkOption{
		"plain": {relaytest.AckEvery(1000)}, "TLS": {relaytest.AckEvery(1000), relaytest.TLS()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := relaytest.NewSink(t, opts...)
			for n := range 2 {
				pushFile(t, sink, media)
				sessions := sink.Wait(t, soon, func(s []relaytest.Session) bool { return len(s) == n+1 && !s[n].Closed.IsZero() })
				s := sessions[n]
				if got, want := s.VideoHashes(), relaytest.VideoHashes(t, media); !slices.Equal(got, want) {
					t.Errorf("try %d: %d video packets arrived, want the same %d", n, len(got), len(want))
				}
				if got, want := s.AudioHashes(), relaytest.AudioHashes(t, media); !slices.Equal(got, want) {
					t.Errorf("try %d: %d audio packets arrived, want the same %d", n, len(got), len(want))
				}
				if !s.Clean {
					t.Errorf("try %d: the goodbye did not arrive", n)
				}
			}
		})
	}
}

func pushFile(t *testing.T, sink *relaytest.Sink, media string) {
	t.Helper()
	host, port, _ := net.SplitHostPort(sink.Addr())
	target := push.Target{Scheme: push.SchemeRTMP, Host: host, App: "live", Key: secret.New("key")}
	target.Port, _ = strconv.Atoi(port)
	gate := egress.Gate{Address: sink.Addr(), Host: host}
	if sink.URL()[:5] == "rtmps" {
		gate.TLS, gate.RootCAs = true, sink.CertPool()
	}
	link, err := gate.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- link.Serve(t.Context()) }()
	job, err := push.Recipe{Target: target}.Job(ffmpeg.Attempt{Stream: "main", Gate: link.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	exit := process.Run(t.Context(), child(t, job, media))
	if exit.Code != 0 {
		t.Errorf("ffmpeg: %v: %q", exit, exit.Lines)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func child(t *testing.T, job ffmpeg.Job, media string) process.Spec {
	t.Helper()
	// Else the end of the show waits in the child's kernel for an acknowledgement (Nagle's algorithm) when the reset
	// comes: of 20 shows 20 lost their goodbye.
	job.Outputs[0].Options["tcp_nodelay"] = "1"
	args, err := job.Args()
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := job.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	return process.Spec{
		Path: "ffmpeg", Args: args, Env: ffmpeg.Env(), Secrets: secrets, DieWithParent: true,
		Feed: func(_ context.Context, stdin *os.File) error {
			f, err := os.Open(media)
			if err != nil {
				return err
			}
			defer f.Close()
			pace := time.NewTicker(100 * time.Millisecond) // as the engine does, in batches
			defer pace.Stop()
			for err == nil {
				<-pace.C
				_, err = io.CopyN(stdin, f, 24<<10)
			}
			<-pace.C // and it looks for more before it ends
			if err == io.EOF {
				return nil
			}
			return err
		},
	}
}
