package main_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

const manyLimits = "limits: {connections: 5000, per_ip: 5000, unauthorized: 5000, handshake: 5m}"

// crowd opens connections from many addresses of this machine and says nothing more than greeting on each. They stay
// open on this side until the test ends, or hang up is called.
func crowd(t *testing.T, r *rt.Relay, size int, greeting string) (hangUp func()) {
	t.Helper()
	var all []net.Conn
	hangUp = func() {
		for _, c := range all {
			_ = c.Close()
		}
	}
	t.Cleanup(hangUp)
	for i := range size {
		from := &net.TCPAddr{IP: net.IPv4(127, 0, 1+byte(i/200), 1+byte(i%200))}
		c, err := (&net.Dialer{LocalAddr: from, Timeout: soon}).Dial("tcp", r.RTMP)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		all = append(all, c)
		if _, err := c.Write([]byte(greeting)); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Logf("connection %d was closed already: %v", i, err)
		}
	}
	return hangUp
}

// residentMiB is how much memory a process has in use.
func residentMiB(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}

// 2,000 connections that come to nothing cost the show nothing, and nobody new their place: whether they are all let
// stand there, or there is little room before the door.
func TestCrowdAtTheDoor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		limits, greeting string
		open             int // at least
	}{
		"silent, all let stand": {manyLimits, "", 2000},
		"begun, all let stand":  {manyLimits, "\x03", 2000},
		"begun, default limits": {"", "\x03", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			media := rt.Media(t)
			sink := rt.NewSink(t)
			r := rt.StartRelay(t, rt.Shipped(), rt.ExtraConfig(tc.limits), rt.StreamConfig("record: {enabled: false}"),
				rt.Stream("aux", "keys: [{name: aux, key: aux-4711}]\n"+quiet),
				rt.Destination("sink", destination(sink, "k")+"streams: [main]\n"))
			pub := rt.Publish(t, r.PublishURL(), media)
			awaitVideo(t, sink, 30)
			crowd(t, r, 2000, tc.greeting)
			rt.Eventually(t, soon, "the crowd to stand there", func() bool { return snapshot(t, r).Ingest.Open > tc.open })

			begun := time.Now()
			e := dial(t, streamURL(r, "aux-4711"))
			if err := e.Send(rt.KindAudio, 0, []byte{0xaf, 0, 0x11, 0x90}); err != nil {
				t.Fatal(err)
			}
			rt.Eventually(t, soon, "the newcomer to be on air", func() bool {
				for _, s := range snapshot(t, r).Streams {
					if s.Name == "aux" && s.Publisher != nil && s.Publisher.Bytes > 0 {
						return true
					}
				}
				return false
			})
			took, used := time.Since(begun), residentMiB(t, r.Pid())
			t.Logf("newcomer on air after %v, %d connections open, %d MiB resident", took.Round(time.Millisecond), snapshot(t, r).Ingest.Open, used)
			if took > 2*time.Second {
				t.Errorf("a newcomer was on air after %v, want 2 s at most", took)
			}
			if used > 256 {
				t.Errorf("%d MiB resident, want 256 at most", used)
			}
			if code := pub.Wait(); code != 0 {
				t.Errorf("the encoder ended with %d", code)
			}
			sameHashes(t, "delivered", awaitGoodbye(t, sink).VideoHashes(), rt.VideoHashes(t, media))
		})
	}
}

// Out of file descriptors the relay takes nobody new, goes on with who is there, and recovers by itself.
func TestOutOfFileDescriptors(t *testing.T) {
	t.Parallel()
	media := rt.Media(t)
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.Under("prlimit", "--nofile=64:64"), rt.ExtraConfig(manyLimits),
		rt.StreamConfig("hls: {enabled: false}"), rt.Stream("aux", "keys: [{name: aux, key: aux-4711}]\n"+quiet),
		rt.Destination("sink", destination(sink, "k")+"streams: [main]\n"))
	pub := rt.Publish(t, r.PublishURL(), media)
	awaitVideo(t, sink, 30)
	hangUp := crowd(t, r, 100, "")
	awaitLog(t, r, "accept failed, trying again", "too many open files")
	seen := len(sink.Sessions()[0].VideoHashes())
	awaitVideo(t, sink, seen+60) // two seconds without a free descriptor
	if n := len(logLines(r, "accept failed")); n > 10 {
		t.Errorf("%d lines of failed accepts in two seconds: one for each spell is enough", n)
	}
	hangUp()
	begun := time.Now()
	dial(t, streamURL(r, "aux-4711"))
	t.Logf("a newcomer was let in %v after descriptors were free again", time.Since(begun).Round(time.Millisecond))
	if code := pub.Wait(); code != 0 {
		t.Errorf("the encoder ended with %d", code)
	}
	want := rt.VideoHashes(t, media)
	sameHashes(t, "delivered", awaitGoodbye(t, sink).VideoHashes(), want)
	sameHashes(t, "recorded", rt.VideoHashes(t, awaitFinished(t, r)), want)
}
