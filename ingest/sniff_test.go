package ingest_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay"
)

// sniff sends the first bytes of a connection to a server and returns when the connection is over.
func sniff(t *testing.T, config *tls.Config, input []byte) {
	t.Helper()
	s := &ingest.Server{
		Hub: relay.NewHub("main"), Limits: ingest.DefaultLimits, Log: zap.NewNop(), Auth: ingest.NewKeyring(nil),
	}
	near, far := net.Pipe()
	done := make(chan error)
	go func() { done <- s.ServeTLS(t.Context(), &pipeListener{far}, config) }()
	go func() {
		_, _ = near.Write(input)
		_ = near.Close()
	}()
	_, _ = io.Copy(io.Discard, near)
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("serve: %v", err)
	}
	c := s.Counts()
	var attempts int64
	for _, n := range c.Attempts {
		attempts += n
	}
	if attempts != 1 || c.Open != 0 {
		t.Errorf("%d attempts counted and %d connections left, want one and none: %v", attempts, c.Open, c.Attempts)
	}
}

// FuzzSniff sends bytes from the very first on, to the RTMP port and to the RTMPS port: each connection ends, is counted
// once, and costs little.
func FuzzSniff(f *testing.F) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{selfSigned(f)}}
	f.Add([]byte{})
	f.Add([]byte{3})
	f.Add([]byte{6})
	f.Add(append([]byte{3}, make([]byte, 2*1536)...))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"))
	f.Add(clientHello(f))
	f.Fuzz(func(t *testing.T, input []byte) {
		for name, config := range map[string]*tls.Config{"RTMP": nil, "RTMPS": config} {
			used := allocated(func() { sniff(t, config, input) })
			if limit := uint64(64*len(input) + 1<<20); used > limit {
				t.Errorf("%s: %d bytes of input allocated %d, at most %d", name, len(input), used, limit)
			}
		}
	})
}

// clientHello is the first thing a TLS client says.
func clientHello(f *testing.F) []byte {
	f.Helper()
	near, far := net.Pipe()
	go func() {
		_ = tls.Client(near, &tls.Config{ServerName: tlsHost}).Handshake()
		_ = near.Close()
	}()
	hello := make([]byte, 4096)
	n, err := far.Read(hello)
	if err != nil {
		f.Fatal(err)
	}
	_ = far.Close()
	return hello[:n]
}

func selfSigned(f *testing.F) tls.Certificate {
	f.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	self := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{tlsHost}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, self, self, public, private)
	if err != nil {
		f.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}
