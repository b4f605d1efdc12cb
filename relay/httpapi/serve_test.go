package httpapi_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A stop waits neither for keep-alive connections nor for requests that never end.
func TestServeStopsSoon(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server(&relayed{})
	hanging := make(chan struct{})
	s.HLS = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(hanging)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()

	idle := dial(t, ln, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	if line, err := bufio.NewReader(idle).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q, %v", line, err)
	}
	dial(t, ln, "") // says nothing at all
	dial(t, ln, "GET /hls/main/index.m3u8 HTTP/1.1\r\nHost: x\r\n\r\n")
	<-hanging

	begun := time.Now()
	cancel()
	select {
	case err := <-served:
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Serve did not stop")
	}
	if took := time.Since(begun); took > 1500*time.Millisecond {
		t.Errorf("the stop took %v, want a second", took)
	}
	if _, err := io.Copy(io.Discard, idle); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the idle connection: %v", err)
	}
	if c, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("it still listens")
	}
}

func TestServeStopsAtOnceWhenIdle(t *testing.T) {
	const tries = 10 // a machine may be busy, but not each time
	shortest := time.Hour
	for range tries {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		begun := time.Now()
		if err := server(&relayed{}).Serve(ctx, ln); err != nil {
			t.Errorf("Serve: %v", err)
		}
		shortest = min(shortest, time.Since(begun))
	}
	if shortest > 500*time.Millisecond {
		t.Errorf("the stop took %v", shortest)
	}
}

// A listener that fails is the end, and said so.
func TestServeFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := server(&relayed{}).Serve(t.Context(), ln); err == nil || !strings.Contains(err.Error(), "serve HTTP") {
		t.Errorf("Serve: %v", err)
	}
}

func dial(t *testing.T, ln net.Listener, request string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	return c
}
