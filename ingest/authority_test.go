package ingest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/restreamd/restreamd/ingest"
)

const tlsHost = "ingest.example.com"

// authority signs certificates for tlsHost through an intermediate.
type authority struct {
	roots             *x509.CertPool
	intermediate      *x509.Certificate
	intermediateKey   *ecdsa.PrivateKey
	intermediateBlock []byte
}

// signed returns a certificate and its key. A nil parent signs itself.
func signed(t *testing.T, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if parent == nil {
		parent, signer = template, key
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	ca := func(name string) *x509.Certificate {
		return &x509.Certificate{
			Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		}
	}
	root, rootKey := signed(t, ca("root"), nil, nil)
	a := &authority{roots: x509.NewCertPool()}
	a.roots.AddCert(root)
	a.intermediate, a.intermediateKey = signed(t, ca("intermediate"), root, rootKey)
	a.intermediateBlock = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.intermediate.Raw})
	return a
}

// pair is what stands in the two files.
type pair struct{ cert, key []byte }

// issue makes a chain and its key, valid for the host (or localhost) from an hour ago.
func (a *authority) issue(t *testing.T, valid time.Duration) pair {
	t.Helper()
	leaf, key := signed(t, &x509.Certificate{
		DNSNames: []string{tlsHost, "localhost"}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(valid),
	}, a.intermediate, a.intermediateKey)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})
	return pair{
		cert: append(block, a.intermediateBlock...),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}
}

func (p pair) serial(t *testing.T) string {
	t.Helper()
	block, _ := pem.Decode(p.cert)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return leaf.SerialNumber.String()
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// files writes a pair into a folder of its own.
func files(t *testing.T, p pair) (certFile, keyFile string) {
	t.Helper()
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, certFile, p.cert)
	write(t, keyFile, p.key)
	return certFile, keyFile
}

func load(t *testing.T, certFile, keyFile string) *ingest.Certificate {
	t.Helper()
	c, err := ingest.LoadCertificate(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func loadPair(t *testing.T, p pair) *ingest.Certificate {
	t.Helper()
	certFile, keyFile := files(t, p)
	return load(t, certFile, keyFile)
}

// echo serves what clients send back to them, on addr or a free port of localhost.
func echo(t *testing.T, addr string, config *tls.Config) net.Addr {
	t.Helper()
	ln, err := tls.Listen("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close() //nolint:errcheck // a test's peer
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = ln.Close()
		running.Wait()
	})
	return ln.Addr()
}

// secure connects as an encoder would. Fields of config that are not set get what most tests want.
func secure(t *testing.T, addr net.Addr, config *tls.Config) (*tls.Conn, error) {
	t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: soon}, "tcp", addr.String(), config)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
	}
	return conn, err
}

// serialAt is the serial number of the certificate a new connection gets.
func serialAt(t *testing.T, addr net.Addr, config *tls.Config) (string, error) {
	conn, err := secure(t, addr, config)
	if err != nil {
		return "", err
	}
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
}

func speaks(t *testing.T, conn net.Conn) {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(soon))
	got := make([]byte, 4)
	if _, err := conn.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "ping" {
		t.Fatalf("the session got %q, %v back", got, err)
	}
}

// background runs a Serve until the end of the test, which it must survive.
func background(t *testing.T, serve func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}
