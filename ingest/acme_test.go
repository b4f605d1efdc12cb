package ingest_test

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// aLot is for what a CA does in a second on an idle machine.
const aLot = 60 * time.Second

// noLeaks checks, once everything else of the test is cleaned up, that nothing it started is left.
func noLeaks(t *testing.T) {
	options := append(certmagicLeaks(), goleak.IgnoreCurrent())
	t.Cleanup(func() { goleak.VerifyNone(t, options...) })
}

func newACME(t *testing.T, ca *pebble, http string) (*ingest.ACME, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	return &ingest.ACME{
		Domains: []string{"LocalHost"}, Email: "ops@example.com", Storage: t.TempDir(), HTTP: http,
		CA: ca.directory, Roots: ca.api, Every: 100 * time.Millisecond, Log: zap.New(core),
	}, logs
}

// issued waits until a handshake gets a certificate other than the one given, and returns its serial number.
func issued(t *testing.T, addr net.Addr, client *tls.Config, but string) (serial string) {
	t.Helper()
	relaytest.Eventually(t, aLot, "a certificate", func() bool {
		got, err := serialAt(t, addr, client)
		serial = got
		return err == nil && got != but
	})
	return serial
}

func TestACMEObtainsAndRenews(t *testing.T) {
	noLeaks(t)
	http := relaytest.FreeAddr(t)
	ca := startPebble(t, portNumber(t, http), 1, 12*time.Second)
	a, logs := newACME(t, ca, http)
	addr := echo(t, "127.0.0.1:0", a.TLSConfig())
	client := &tls.Config{RootCAs: ca.roots, ServerName: "localhost"}
	if _, err := secure(t, addr, client); err == nil || !a.NotAfter().IsZero() {
		t.Errorf("a handshake before the first certificate: %v, which ends %s", err, a.NotAfter())
	}

	stop := background(t, a.Serve)
	first := issued(t, addr, client, "")
	session, err := secure(t, addr, client)
	if err != nil {
		t.Fatal(err)
	}
	if state := session.ConnectionState(); len(state.PeerCertificates) < 2 || !a.NotAfter().Equal(state.PeerCertificates[0].NotAfter) {
		t.Errorf("%d certificates served, NotAfter %s", len(state.PeerCertificates), a.NotAfter())
	}
	if second := issued(t, addr, client, first); second == first {
		t.Error("not renewed")
	}
	speaks(t, session)
	lines := logs.FilterMessage("certificate obtained").All()
	if len(lines) < 2 || lines[0].ContextMap()["renewal"] != false || lines[1].ContextMap()["renewal"] != true {
		t.Errorf("log of what was obtained: %v", lines)
	}
	stop()
}

func TestACMEServesWhoIsMeant(t *testing.T) {
	noLeaks(t)
	http := relaytest.FreeAddr(t)
	ca := startPebble(t, portNumber(t, http), 1, time.Hour)
	a, logs := newACME(t, ca, http)
	background(t, a.Serve)
	addr := echo(t, "127.0.0.1:0", a.TLSConfig())
	serial := issued(t, addr, &tls.Config{RootCAs: ca.roots, ServerName: "localhost"}, "")

	// An address is not a server name: nothing is sent, and the certificate cannot match.
	got, err := serialAt(t, addr, &tls.Config{InsecureSkipVerify: true, ServerName: "127.0.0.1"})
	if got != serial {
		t.Errorf("a client without SNI got %q, %v, want %s", got, err, serial)
	}
	got, err = serialAt(t, addr, &tls.Config{RootCAs: ca.roots, ServerName: "localhost", NextProtos: []string{"rtmp"}})
	if got != serial {
		t.Errorf("a client with a protocol of its own got %q, %v, want %s", got, err, serial)
	}
	if _, err := secure(t, addr, &tls.Config{InsecureSkipVerify: true, ServerName: "else.example.com"}); err == nil {
		t.Error("a name that is not among the domains was served")
	}
	if _, err := secure(t, addr, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{"acme-tls/1"}}); err == nil {
		t.Error("TLS-ALPN-01 was answered though it is off")
	}
	if _, err := secure(t, addr, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost",
		MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 was served")
	}
	if logs.Len() != logs.FilterMessage("certificate obtained").Len() {
		t.Errorf("strangers wrote to our log: %v", logs.All())
	}
}

func TestACMEAnswersOnTheRTMPSPort(t *testing.T) {
	noLeaks(t)
	ingestAddr := relaytest.FreeAddr(t)
	ca := startPebble(t, portNumber(t, relaytest.FreeAddr(t)), portNumber(t, ingestAddr), time.Hour) // port 80 leads nowhere
	a, _ := newACME(t, ca, relaytest.FreeAddr(t))
	a.ALPNPort = portNumber(t, ingestAddr)
	client := &tls.Config{RootCAs: ca.roots, ServerName: "localhost", NextProtos: []string{"rtmp"}}
	addr := echo(t, ingestAddr, a.TLSConfig())
	background(t, a.Serve)
	issued(t, addr, client, "")
}

func TestACMEKeepsCertificatesAcrossRestarts(t *testing.T) {
	noLeaks(t)
	http := relaytest.FreeAddr(t)
	ca := startPebble(t, portNumber(t, http), 1, time.Hour)
	before, _ := newACME(t, ca, http)
	client := &tls.Config{RootCAs: ca.roots, ServerName: "localhost"}
	stop := background(t, before.Serve)
	serial := issued(t, echo(t, "127.0.0.1:0", before.TLSConfig()), client, "")
	stop()
	ca.stop()

	after, _ := newACME(t, ca, http)
	after.Storage = before.Storage
	background(t, after.Serve)
	if got := issued(t, echo(t, "127.0.0.1:0", after.TLSConfig()), client, ""); got != serial {
		t.Errorf("after a restart, without a CA: certificate %s, want %s", got, serial)
	}
	err := filepath.WalkDir(before.Storage, func(path string, _ os.DirEntry, err error) error {
		if info, statErr := os.Stat(path); statErr == nil && strings.HasSuffix(path, ".key") && info.Mode().Perm() != 0o600 {
			t.Errorf("%s may be read by others: %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestACMERenewsWhatRanOutWhileOff(t *testing.T) {
	noLeaks(t)
	http := relaytest.FreeAddr(t)
	ca := startPebble(t, portNumber(t, http), 1, 3*time.Second)
	before, _ := newACME(t, ca, http)
	before.Every = 0 // no look at either within this test
	client := &tls.Config{RootCAs: ca.roots, ServerName: "localhost"}
	stop := background(t, before.Serve)
	serial := issued(t, echo(t, "127.0.0.1:0", before.TLSConfig()), client, "")
	stop()
	relaytest.Eventually(t, aLot, "the certificate to expire", func() bool { return time.Now().After(before.NotAfter()) })

	after, _ := newACME(t, ca, http)
	after.Storage, after.Every = before.Storage, 0
	background(t, after.Serve)
	issued(t, echo(t, "127.0.0.1:0", after.TLSConfig()), client, serial)
}

func TestACMEHandshakesThatFailAreLogged(t *testing.T) {
	a := &ingest.ACME{Domains: []string{tlsHost}}
	var server *ingest.Server
	h := serve(t, func(s *ingest.Server) { server = s })
	ln, err := tls.Listen("tcp", "127.0.0.1:0", a.TLSConfig())
	if err != nil {
		t.Fatal(err)
	}
	background(t, func(ctx context.Context) error { return server.Serve(ctx, ln) })
	for name, words := range map[string]string{
		tlsHost:            "no certificate for " + tlsHost + " yet, the CA has not issued one",
		"else.example.com": `encoder asked for "else.example.com", which is not in acme.domains`,
	} {
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := tls.Client(conn, &tls.Config{ServerName: name}).Handshake(); err == nil {
			t.Error("the handshake worked without a certificate")
		}
		h.wantReason(t, "connection ended before a publish", conn.LocalAddr().String(), words)
	}
}

func TestACMEThatCannotWork(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // nothing was accepted
	for want, a := range map[string]*ingest.ACME{
		"acme.domains is empty":              {Storage: "x"},
		"needs a folder":                     {Domains: []string{tlsHost}},
		"wildcards need a DNS challenge":     {Domains: []string{"*.example.com"}, Storage: "x"},
		`"https://x.example" is not a host`:  {Domains: []string{"https://x.example"}, Storage: "x"},
		`"x.example:1936" is not a host`:     {Domains: []string{"x.example:1936"}, Storage: "x"},
		`"x.example." is not a host`:         {Domains: []string{"x.example."}, Storage: "x"},
		`"münchen.example" is not a host`:    {Domains: []string{"münchen.example"}, Storage: "x"},
		"address already in use (free the a": {Domains: []string{tlsHost}, Storage: "x", HTTP: taken.Addr().String(), Log: zap.NewNop()},
	} {
		if err := a.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestACMEReportsAFailedOrderOnce(t *testing.T) {
	noLeaks(t)
	ca := startPebble(t, portNumber(t, relaytest.FreeAddr(t)), 1, time.Hour) // it asks where nobody listens
	a, logs := newACME(t, ca, relaytest.FreeAddr(t))
	stop := background(t, a.Serve)
	relaytest.Eventually(t, aLot, "the failed order in the log", func() bool { return logs.Len() > 0 })
	stop()
	for i, line := range logs.All() {
		fields := line.ContextMap()
		if why, _ := fields["error"].(string); i > 0 || fields["domain"] != "localhost" || fields["renewal"] != false ||
			!strings.Contains(why, "connection refused") || !strings.Contains(why, "check DNS, firewall and acme.http") {
			t.Errorf("logged: %s %v", line.Message, fields)
		}
	}
}
