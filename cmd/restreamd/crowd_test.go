package main_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// ask opens a connection for HTTP and asks for a path on it.
func ask(t *testing.T, r *rt.Relay, path string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", r.HTTP, patient)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return c
}

// 2,000 viewers that are idle and 200 that do not read what they asked for cost the push nothing: every packet arrives,
// and no later than without them. Who comes new is served all the same.
func TestCrowdOfViewers(t *testing.T) {
	t.Parallel()
	media := rt.Media(t, rt.Duration(16*time.Second))
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.Shipped(), rt.Destination("sink", destination(sink, "k")),
		rt.StreamConfig("record: {enabled: false}\nhls: {segment: 1s}\n"))
	encoder := dial(t, r.PublishURL())
	done := make(chan []rt.Sent, 1)
	go func() { done <- encoder.SendFile(t, read(t, media), 0) }()
	awaitVideo(t, sink, gop)
	for range 2000 {
		if resp, err := http.ReadResponse(bufio.NewReader(ask(t, r, "/healthz")), nil); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("one of the crowd was not served: %v", err)
		}
	}
	for i := range 200 {
		ask(t, r, []string{"/flv/main.flv", "/hls/main/index.m3u8"}[i%2])
	}
	crowded := time.Now()
	took := firstFrame(t, flvURL(r, "main"))
	used := residentMiB(t, r.Pid())

	sent := <-done
	if code := encoder.Goodbye(); code != nil {
		t.Errorf("goodbye: %v", code)
	}
	encoder.Close()
	session := awaitGoodbye(t, sink)
	sameHashes(t, "delivered", session.VideoHashes(), rt.VideoHashes(t, media))
	came := map[string]time.Time{}
	for _, tag := range session.Tags {
		came[tag.Hash] = tag.At
	}
	var before, during []time.Duration
	for _, s := range sent {
		switch late := came[s.Hash].Sub(s.At); {
		case s.Kind != rt.KindVideo || s.Init || s.Timestamp < 1000:
		case s.At.After(crowded):
			during = append(during, late)
		default:
			before = append(before, late)
		}
	}
	if len(during) < gop {
		t.Fatalf("the show was over before the crowd stood: %d packets after", len(during))
	}
	slices.Sort(before)
	slices.Sort(during)
	t.Logf("push delay p95: %v before and while the crowd came, %v with it; a newcomer's first frame after %v; %d MiB resident",
		quantile(before, 0.95), quantile(during, 0.95), took, used)
	if p95 := quantile(during, 0.95); p95 > 3*time.Second {
		t.Errorf("with the crowd packets were %v late", p95)
	}
	if used > 256 {
		t.Errorf("%d MiB resident, want 256 at most", used)
	}
}
