package httpflv_test

import (
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// BenchmarkViewers prints what a hundred viewers of a 4 Mb/s stream cost, in CPU time a viewer and second of stream, and
// in memory that is made anew for each tag and viewer. It takes about 4 s of real time.
func BenchmarkViewers(b *testing.B) {
	const viewers, fps, seconds = 100, 30, 4
	s := newStage(b, 0)
	p := s.publish(b, "main")
	frame := strings.Repeat("x", 4_000_000/8/fps)
	write(b, p, relay.Audio, 0, audio("a"))
	write(b, p, relay.Video, 0, video(frame, true))
	addr := strings.TrimPrefix(strings.TrimSuffix(s.url, "/flv/"), "http://")
	for range viewers {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /flv/main.flv HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			b.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, c) }()
	}
	b.ReportAllocs()
	for b.Loop() {
		before := cpu(b)
		tick := time.NewTicker(time.Second / fps)
		for n := range fps * seconds {
			<-tick.C
			write(b, p, relay.Video, uint32(n*1000/fps), video(frame, n%fps == 0))
		}
		tick.Stop()
		b.ReportMetric(100*(cpu(b)-before).Seconds()/viewers/seconds, "%core/viewer")
	}
	b.ReportMetric(0, "ns/op")
	s.hub.Stream("main").Disconnect()
}

// cpu is what this process has used, the reading side of the viewers included.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
