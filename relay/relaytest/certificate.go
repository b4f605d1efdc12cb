package relaytest

import (
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
)

// Certificate is a server certificate in files, for a relay's rtmps section.
type Certificate struct {
	CertFile, KeyFile string
	Pool              *x509.CertPool // alone vouches for it
	Serial            *big.Int
}

// PutCertificate makes a certificate for 127.0.0.1, of an authority of its own, and writes cert.pem and cert.key into
// dir, one after the other, in place of what is there: a renewal.
func PutCertificate(t testing.TB, dir string) Certificate {
	t.Helper()
	a, err := newAuthority(issue{hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(a.file); err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(a.leaf.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(a.leaf.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	c := Certificate{
		CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "cert.key"),
		Pool: a.pool, Serial: leaf.SerialNumber,
	}
	for path, block := range map[string]*pem.Block{
		c.CertFile: {Type: "CERTIFICATE", Bytes: leaf.Raw},
		c.KeyFile:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := putFile(path, string(pem.EncodeToMemory(block))); err != nil {
			t.Fatal(err)
		}
	}
	return c
}
