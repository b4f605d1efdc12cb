package ingest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/ingest"
)

func TestCertificateIsServedWithItsChain(t *testing.T) {
	a := newAuthority(t)
	p := a.issue(t, 90*24*time.Hour)
	c := loadPair(t, p)
	addr := echo(t, "127.0.0.1:0", c.TLSConfig())
	conn, err := secure(t, addr, &tls.Config{RootCAs: a.roots, ServerName: tlsHost})
	if err != nil {
		t.Fatalf("a client that trusts the root alone: %v", err)
	}
	if n := len(conn.ConnectionState().PeerCertificates); n != 2 {
		t.Errorf("%d certificates served, want server and intermediate", n)
	}
	speaks(t, conn)
}

func TestOldTLSIsRefused(t *testing.T) {
	a := newAuthority(t)
	addr := echo(t, "127.0.0.1:0", loadPair(t, a.issue(t, time.Hour)).TLSConfig())
	for version, works := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		_, err := secure(t, addr, &tls.Config{RootCAs: a.roots, ServerName: tlsHost, MinVersion: version, MaxVersion: version})
		if (err == nil) != works {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if !works && err != nil && !strings.Contains(err.Error(), "protocol version not supported") {
			t.Errorf("%s: refused with %q", tls.VersionName(version), err)
		}
	}
}

func TestNewFilesAreTakenUpUnderLiveSessions(t *testing.T) {
	a := newAuthority(t)
	first, second := a.issue(t, 90*24*time.Hour), a.issue(t, 80*24*time.Hour)
	dir := t.TempDir()
	// As in Kubernetes: the files are links through ..data, which is swapped by a rename.
	folder := func(name string, p pair) {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "tls.crt"), p.cert)
		write(t, filepath.Join(dir, name, "tls.key"), p.key)
	}
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	folder("v1", first)
	link("v1", "..data")
	link("..data/tls.crt", "tls.crt")
	link("..data/tls.key", "tls.key")

	changed := make(chan time.Time, 8)
	c := load(t, filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	c.Every = 5 * time.Millisecond
	c.Changed = func(notAfter time.Time) { changed <- notAfter }
	c.Report = func(err error) { t.Errorf("reported: %v", err) }
	background(t, c.Serve)

	addr := echo(t, "127.0.0.1:0", c.TLSConfig())
	client := &tls.Config{RootCAs: a.roots, ServerName: tlsHost}
	old, err := secure(t, addr, client)
	if err != nil {
		t.Fatal(err)
	}
	swap := func(to string) {
		link(to, "..new")
		if err := os.Rename(filepath.Join(dir, "..new"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	folder("v2", second)
	swap("v2")
	select {
	case end := <-changed:
		if !end.Equal(c.NotAfter()) || time.Until(end) > 81*24*time.Hour {
			t.Errorf("changed to one until %s, in use is one until %s", end, c.NotAfter())
		}
	case <-time.After(soon):
		t.Fatal("new files were not taken up")
	}
	speaks(t, old)
	if got, err := serialAt(t, addr, client); got != second.serial(t) {
		t.Errorf("a new handshake got certificate %s, %v, want %s", got, err, second.serial(t))
	}
}

// rotation is a Certificate under Serve in a bubble of synctest, where days pass in no time.
type rotation struct {
	*testing.T
	*ingest.Certificate
	a                 *authority
	now               pair
	certFile, keyFile string

	mu       sync.Mutex
	reported []string
	changes  int
}

func rotate(t *testing.T, every time.Duration, test func(r *rotation)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rotation{T: t, a: newAuthority(t)}
		r.now = r.a.issue(t, 90*24*time.Hour)
		r.certFile, r.keyFile = files(t, r.now)
		r.Certificate = load(t, r.certFile, r.keyFile)
		r.Every = every
		r.Report = func(err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.reported = append(r.reported, err.Error())
		}
		r.Changed = func(time.Time) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.changes++
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Serve(ctx) }()
		defer func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("serve: %v", err)
			}
		}()
		test(r)
	})
}

// pass lets time go by, and the looks in it happen.
func (r *rotation) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rotation) wants(p pair, changes int, reports ...string) {
	r.Helper()
	got, err := r.TLSConfig().GetCertificate(nil)
	if err != nil || got.Leaf.SerialNumber.String() != p.serial(r.T) {
		r.Errorf("served is certificate %v, %v, want %s", got.Leaf.SerialNumber, err, p.serial(r.T))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changes != changes {
		r.Errorf("%d changes, want %d", r.changes, changes)
	}
	if len(r.reported) != len(reports) {
		r.Fatalf("reported %q, want %d of them", r.reported, len(reports))
	}
	for i, words := range reports {
		if !strings.Contains(r.reported[i], words) {
			r.Errorf("report %q does not say %q", r.reported[i], words)
		}
	}
}

func TestBrokenNewFilesKeepTheOldPair(t *testing.T) {
	rotate(t, 0, func(r *rotation) {
		other, next := r.a.issue(r.T, time.Hour), r.a.issue(r.T, 60*24*time.Hour)
		write(r.T, r.certFile, next.cert[:100])
		r.pass(time.Minute)
		r.wants(r.now, 0, "cut off")

		write(r.T, r.certFile, next.cert)
		write(r.T, r.keyFile, other.key)
		r.pass(time.Minute)
		r.wants(r.now, 0, "cut off", "private key does not match public key")

		if err := os.Remove(r.keyFile); err != nil {
			r.Fatal(err)
		}
		r.pass(time.Minute)
		r.wants(r.now, 0, "cut off", "does not match", r.keyFile+": no such file")

		write(r.T, r.keyFile, next.key)
		r.pass(3 * time.Second)
		r.wants(next, 1, "cut off", "does not match", "no such file")

		// The same mistake, made again later, is news again.
		if err := os.Remove(r.keyFile); err != nil {
			r.Fatal(err)
		}
		r.pass(time.Minute)
		r.wants(next, 1, "cut off", "does not match", "no such file", "no such file")
	})
}

func TestFilesBeingWrittenAreNoNews(t *testing.T) {
	rotate(t, 0, func(r *rotation) {
		next := r.a.issue(r.T, 60*24*time.Hour)
		for n := 100; n < len(next.cert); n += 300 {
			write(r.T, r.certFile, next.cert[:n])
			r.pass(2 * time.Second)
		}
		write(r.T, r.certFile, next.cert)
		r.pass(2 * time.Second)
		r.wants(r.now, 0)
		write(r.T, r.keyFile, next.key)
		r.pass(2 * time.Second)
		r.wants(next, 1)
		write(r.T, r.keyFile, next.key) // touched, and no change
		r.pass(time.Minute)
		r.wants(next, 1)
	})
}

func TestExpiryIsReportedDaily(t *testing.T) {
	rotate(t, time.Hour, func(r *rotation) {
		r.pass(76*24*time.Hour - time.Minute)
		r.wants(r.now, 0)
		r.pass(2*24*time.Hour + 3*time.Hour)
		r.wants(r.now, 0, "in 13 days", "in 12 days", "in 11 days")
		next := r.a.issue(r.T, 90*24*time.Hour)
		write(r.T, r.certFile, next.cert)
		write(r.T, r.keyFile, next.key)
		r.pass(7 * 24 * time.Hour)
		r.wants(next, 1, "13 days", "12 days", "11 days")
	})
}

func TestWarning(t *testing.T) {
	a := newAuthority(t)
	c := loadPair(t, a.issue(t, 30*24*time.Hour))
	end := c.NotAfter()
	for left, want := range map[time.Duration]string{
		30 * 24 * time.Hour:           "",
		14 * 24 * time.Hour:           "",
		14*24*time.Hour - time.Second: "expires on " + end.UTC().Format(time.DateOnly) + ", in 13 days",
		time.Minute:                   "in 0 days",
		-time.Minute:                  "expired on",
	} {
		err := c.Warning(end.Add(-left))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s before its end: %v, want %q", left, err, want)
		}
	}
}

func TestLoadCertificateSaysWhatIsWrong(t *testing.T) {
	a := newAuthority(t)
	good, other, old := a.issue(t, time.Hour), a.issue(t, time.Hour), a.issue(t, -time.Minute)
	leaf, _ := pem.Decode(good.cert)
	future, futureKey := signed(t, &x509.Certificate{NotBefore: time.Now().Add(time.Hour), NotAfter: time.Now().Add(2 * time.Hour)}, nil, nil)
	futureDER, err := x509.MarshalECPrivateKey(futureKey)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for name, c := range map[string]struct {
		pair
		want string
	}{
		"DER":         {pair{leaf.Bytes, good.key}, "cert.pem is not PEM"},
		"empty":       {pair{nil, good.key}, "cert.pem is not PEM, or cut off"},
		"swapped":     {pair{good.key, good.cert}, "cert.pem holds a private key: are cert and key swapped?"},
		"no key":      {pair{good.cert, good.cert}, "key.pem is not PEM, or cut off"},
		"encrypted":   {pair{good.cert, block("ENCRYPTED PRIVATE KEY", []byte("x"))}, "key.pem is encrypted: take the passphrase off"},
		"mismatch":    {pair{good.cert, other.key}, "key.pem: tls: private key does not match public key: install the two files"},
		"wrong order": {pair{append(a.intermediateBlock[:len(a.intermediateBlock):len(a.intermediateBlock)], block("CERTIFICATE", leaf.Bytes)...), good.key}, "cert.pem: the server's own certificate must be the first"},
		"garbage":     {pair{block("CERTIFICATE", []byte("garbage")), good.key}, "cert.pem with key"},
		"expired":     {old, "cert.pem expired on"},
		"future":      {pair{block("CERTIFICATE", future.Raw), block("EC PRIVATE KEY", futureDER)}, "check this machine's clock"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ingest.LoadCertificate(files(t, c.pair))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := ingest.LoadCertificate("missing.pem", "absent.key"); err == nil ||
		!strings.Contains(err.Error(), "missing.pem") || !strings.Contains(err.Error(), "absent.key") {
		t.Errorf("missing files: %v", err)
	}
	certFile, keyFile := files(t, pair{append(good.key[:len(good.key):len(good.key)], good.cert...), good.key})
	if _, err := ingest.LoadCertificate(certFile, keyFile); err != nil {
		t.Errorf("a file with key and chain: %v", err)
	}
}
