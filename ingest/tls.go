package ingest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// expiryWarning is how long before its end a certificate is worth a person's attention. ACME clients renew 30 days
// before: at 14 something is wrong, and there is time to mend it.
const expiryWarning = 14 * 24 * time.Hour

// Certificate is what RTMPS shows to encoders: a PEM file with the chain, the server's certificate first, and one with
// its key. Renewed files are taken up by Serve without a restart; sessions that run keep the one they began with.
type Certificate struct {
	// Every is how often Serve looks at the files. It defaults to 2 s: two stats, and cheaper to trust than the events of
	// every file system a certificate may be mounted from.
	Every time.Duration
	// Report is told what a person should mend, once for as long as it stays the same: new files that cannot be used
	// (the old pair stays), or a certificate close to its end (a new text each day). Optional.
	Report func(error)
	// Changed is told that a new pair is served from now on. Optional.
	Changed func(notAfter time.Time)

	certFile, keyFile string
	pair              atomic.Pointer[tls.Certificate]
	served            fileStamp // of pair; Serve's alone
}

// LoadCertificate reads a pair that works now: one that matches and has not expired.
func LoadCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile}
	stamp, err := stampOf(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	if _, err := c.load(stamp); err != nil {
		return nil, err
	}
	return c, nil
}

// TLSConfig returns the configuration of a listener that shows the newest pair.
func (c *Certificate) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil },
	}
}

// NotAfter returns when the pair in use expires.
func (c *Certificate) NotAfter() time.Time { return c.pair.Load().Leaf.NotAfter }

// Warning returns an error that says what to do if the pair in use has expired at now or does so within 14 days.
func (c *Certificate) Warning(now time.Time) error {
	end := c.NotAfter()
	left := end.Sub(now)
	const hint = "renew it; new files are taken up without a restart"
	switch {
	case left <= 0:
		return fmt.Errorf("certificate %s expired on %s, encoders refuse it: %s", c.certFile, day(end), hint)
	case left < expiryWarning:
		return fmt.Errorf("certificate %s expires on %s, in %d days: %s", c.certFile, day(end), left/(24*time.Hour), hint)
	}
	return nil
}

// Serve takes up new files until ctx is cancelled.
func (c *Certificate) Serve(ctx context.Context) error {
	before, told := c.served, ""
	for pause(ctx, cmp.Or(c.Every, 2*time.Second)) {
		now, err := stampOf(c.certFile, c.keyFile)
		settled := now.same(before)
		before = now
		if err == nil && !now.same(c.served) {
			err = c.replace(now)
		}
		if err != nil && !settled {
			continue // most likely being written: two files cannot change at once
		}
		if err == nil {
			err = c.Warning(time.Now())
		}
		told = c.tell(err, told)
	}
	return nil
}

// tell reports a problem unless it was the last one told, which it returns.
func (c *Certificate) tell(problem error, told string) string {
	if problem == nil {
		return ""
	}
	if problem.Error() != told && c.Report != nil {
		c.Report(problem)
	}
	return problem.Error()
}

func (c *Certificate) replace(stamp fileStamp) error {
	old, err := c.load(stamp)
	if err != nil {
		return fmt.Errorf("new certificate not taken up, the old one stays until %s: %w", day(c.NotAfter()), err)
	}
	same := slices.EqualFunc(old.Certificate, c.pair.Load().Certificate, bytes.Equal)
	if !same && c.Changed != nil {
		c.Changed(c.NotAfter())
	}
	return nil
}

// load reads the files and returns the pair that was served until now. The stamp must be older than what is read: a
// write in between is then seen at the next look.
func (c *Certificate) load(stamp fileStamp) (old *tls.Certificate, err error) {
	pair, err := readPair(c.certFile, c.keyFile, time.Now())
	if err != nil {
		return nil, err
	}
	c.served = stamp
	return c.pair.Swap(pair), nil
}

func readPair(certFile, keyFile string, now time.Time) (*tls.Certificate, error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate's key: %w", err)
	}
	if err := checkPEM(certFile, cert, keyFile, key); err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	switch {
	case err != nil && keyOfLater(cert, key):
		return nil, fmt.Errorf("certificate %s: the server's own certificate must be the first of the chain: reorder the file", certFile)
	case err != nil:
		return nil, fmt.Errorf("certificate %s with key %s: %w: install the two files that were issued together", certFile, keyFile, err)
	case now.After(pair.Leaf.NotAfter):
		return nil, fmt.Errorf("certificate %s expired on %s: renew it", certFile, day(pair.Leaf.NotAfter))
	case now.Before(pair.Leaf.NotBefore):
		return nil, fmt.Errorf("certificate %s is not valid before %s: check this machine's clock", certFile, day(pair.Leaf.NotBefore))
	}
	return &pair, nil
}

// checkPEM explains what crypto/tls would only call a failure to find PEM data.
func checkPEM(certFile string, cert []byte, keyFile string, key []byte) error {
	switch certs, keys := blocks(cert), blocks(key); {
	case !slices.ContainsFunc(certs, isCertificate) && slices.ContainsFunc(certs, isKey):
		return fmt.Errorf("certificate %s holds a private key: are cert and key swapped?", certFile)
	case !slices.ContainsFunc(certs, isCertificate):
		return fmt.Errorf("certificate %s is not PEM, or cut off: it must hold BEGIN CERTIFICATE (convert DER with: openssl x509 -inform der)", certFile)
	case !slices.ContainsFunc(keys, isKey):
		return fmt.Errorf("key %s is not PEM, or cut off: it must hold BEGIN PRIVATE KEY (convert DER with: openssl pkey -inform der)", keyFile)
	case slices.ContainsFunc(keys, isEncrypted):
		return fmt.Errorf("key %s is encrypted: take the passphrase off with: openssl pkey", keyFile)
	}
	return nil
}

func blocks(data []byte) []*pem.Block {
	var all []*pem.Block
	for b, rest := pem.Decode(data); b != nil; b, rest = pem.Decode(rest) {
		all = append(all, b)
	}
	return all
}

func isCertificate(b *pem.Block) bool { return b.Type == "CERTIFICATE" }
func isKey(b *pem.Block) bool         { return strings.HasSuffix(b.Type, "PRIVATE KEY") }

func isEncrypted(b *pem.Block) bool {
	return b.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED")
}

// keyOfLater reports whether key belongs to a certificate of the chain that is not the first.
func keyOfLater(cert, key []byte) bool {
	return slices.ContainsFunc(blocks(cert), func(b *pem.Block) bool {
		_, err := tls.X509KeyPair(pem.EncodeToMemory(b), key)
		return err == nil
	})
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// fileStamp tells one state of the two files from another, links followed: Kubernetes swaps a link above them.
type fileStamp struct{ cert, key os.FileInfo }

func stampOf(certFile, keyFile string) (fileStamp, error) {
	cert, certErr := os.Stat(certFile)
	key, keyErr := os.Stat(keyFile)
	if err := errors.Join(certErr, keyErr); err != nil {
		return fileStamp{}, fmt.Errorf("look at certificate and key: %w", err)
	}
	return fileStamp{cert, key}, nil
}

func (s fileStamp) same(t fileStamp) bool { return sameFile(s.cert, t.cert) && sameFile(s.key, t.key) }

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
