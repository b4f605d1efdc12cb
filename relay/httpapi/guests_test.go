package httpapi_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

func fetch(t *testing.T, req *http.Request) []byte {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// dialFrom dials out of an address of this machine that is not loopback's usual one.
func dialFrom(t *testing.T, ln net.Listener, ip net.IP) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: ip}}).Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// answered reports whether a request on a connection is answered.
func answered(t *testing.T, c net.Conn) bool {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return false
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.Body.Close() == nil && resp.StatusCode == 200
}

// Where all places are taken one that is idle makes room: a newcomer is always served, and so is whoever is being
// served. Nobody is let in when all are busy. Which was idle for longest is the server's to know: it notes that after its
// answer is read.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server(&relayed{})
	s.Places = func() int { return 4 }
	busy := make(chan struct{})
	s.HLS = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		busy <- struct{}{}
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()
	defer func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()

	var idle []net.Conn
	for range 4 {
		c := dialFrom(t, ln, net.IPv4(127, 0, 0, 1))
		if !answered(t, c) {
			t.Fatal("there is room, and no answer")
		}
		idle = append(idle, c)
	}
	newest := dialFrom(t, ln, net.IPv4(127, 0, 0, 2))
	if !answered(t, newest) {
		t.Error("a newcomer was not served")
	}
	open := 0
	for _, c := range idle {
		if answered(t, c) {
			open++
		}
	}
	if open != 3 {
		t.Errorf("of four idle connections %d are open, want one to have made room", open)
	}

	for n := 0; n < 4; { // four requests that go on: nobody is idle
		c := dialFrom(t, ln, net.IPv4(127, 0, 0, 1))
		gone := make(chan struct{})
		go func() { // the others may yet have to be noted as idle
			defer close(gone)
			_, _ = io.Copy(io.Discard, c)
		}()
		_, _ = io.WriteString(c, "GET /hls/main/index.m3u8 HTTP/1.1\r\nHost: x\r\n\r\n")
		select {
		case <-busy:
			n++
		case <-gone:
		}
	}
	if late := dialFrom(t, ln, net.IPv4(127, 0, 0, 3)); answered(t, late) {
		t.Error("more connections than there are places")
	}
}

// abroad has every peer come from one address that is not this machine's.
type abroad struct{ net.Listener }

func (l abroad) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return foreigner{c}, err
}

type foreigner struct{ net.Conn }

func (foreigner) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 4000}
}

// One address has half of the places, and pays for more by itself.
func TestOneAddressHasHalf(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server(&relayed{})
	s.Places = func() int { return 4 }
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, abroad{ln}) }()
	defer func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	var all []net.Conn
	for range 3 {
		c := dialFrom(t, ln, net.IPv4(127, 0, 0, 1))
		if !answered(t, c) {
			t.Fatal("the newest was not served")
		}
		all = append(all, c)
	}
	// Which of the two others was idle first is known to the server alone: it notes that after its answer is read.
	if answered(t, all[0]) == answered(t, all[1]) {
		t.Error("want one of the first two closed, and not the other")
	}
}
