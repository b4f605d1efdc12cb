package ingest_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay/relaytest"
)

func TestFFmpegPublishesOverTLS(t *testing.T) {
	t.Parallel()
	var server *ingest.Server
	h := serve(t, func(s *ingest.Server) { server = s })
	v := h.watch(t, "main")
	p := relaytest.Publish(t, h.alsoTLS(t, server)+"/live/"+studioKey, source(t))
	if code := p.Wait(); code != 0 {
		t.Errorf("ffmpeg ended with %d:\n%s", code, p.Log())
	}
	wantHashes(t, v, source(t))
	if version := h.logged(t, "publisher accepted", "")["tls"]; version != "TLS 1.3" && version != "TLS 1.2" {
		t.Errorf("logged TLS version %v", version)
	}
	if version, ok := h.logged(t, "publisher gone", "")["tls"]; !ok {
		t.Errorf("logged TLS version %v at the end", version)
	}
}

// What does not belong on a port is named by its first byte, in the words a person needs, and counted.
func TestTheWrongPort(t *testing.T) {
	t.Parallel()
	hello := "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"
	for name, tc := range map[string]struct {
		secure            bool
		input, code, says string
	}{
		"RTMP on the RTMPS port":  {true, "\x03", "rtmp_on_tls", "the encoder used rtmp:// on the RTMPS port"},
		"RTMPE on the RTMPS port": {true, "\x06", "rtmp_on_tls", "the encoder used rtmp:// on the RTMPS port"},
		"HTTP on the RTMPS port":  {true, "GET / HTTP/1.1\r\n\r\n", "not_rtmp", "not RTMP"},
		"TLS on the RTMP port":    {false, hello, "tls_on_rtmp", "the encoder used rtmps:// on the RTMP port"},
		"RTMPE on the RTMP port":  {false, "\x06", "rtmpe", "use rtmp://"},
		"HTTP on the RTMP port":   {false, "GET / HTTP/1.1\r\n\r\n", "not_rtmp", "not RTMP"},
		"rubbish in TLS":          {true, hello, "tls", "the TLS handshake failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var server *ingest.Server
			h := serve(t, func(s *ingest.Server) { server = s })
			addr := h.addr
			if tc.secure {
				addr = strings.TrimPrefix(h.alsoTLS(t, server), "rtmps://")
			}
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, tc.input)
			_ = conn.SetReadDeadline(time.Now().Add(soon))
			_, _ = io.Copy(io.Discard, conn)
			fields := h.logged(t, "connection ended before a publish", conn.LocalAddr().String())
			if reason, _ := fields["reason"].(string); fields["code"] != tc.code || !strings.Contains(reason, tc.says) {
				t.Errorf("logged %v, want %s: %s", fields, tc.code, tc.says)
			}
			if n := server.Counts().Attempts[tc.code]; n != 1 {
				t.Errorf("counted %d", n)
			}
		})
	}
}

func TestServerRefusesOldTLS(t *testing.T) {
	t.Parallel()
	var server *ingest.Server
	h := serve(t, func(s *ingest.Server) { server = s })
	addr := strings.TrimPrefix(h.alsoTLS(t, server), "rtmps://")
	for version, works := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		if (err == nil) != works {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err != nil {
			continue
		}
		c := &client{Conn: conn, t: t}
		c.handshake().connect("live").ask("s3cret-guess")
		if logged := h.logged(t, "publisher refused", c.name())["tls"]; logged != tls.VersionName(version) {
			t.Errorf("logged %v of a peer with %s", logged, tls.VersionName(version))
		}
		c.Close()
	}
	h.wantReason(t, "connection ended before a publish", "", "speak TLS 1.2?")
	if n := server.Counts().Attempts["tls"]; n != 1 {
		t.Errorf("counted %d failed handshakes", n)
	}
}
