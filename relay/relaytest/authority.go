package relaytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// authority is a certificate authority nobody trusts yet, and one server certificate signed by it.
type authority struct {
	pool *x509.CertPool
	file string // the authority's certificate as PEM
	leaf tls.Certificate
}

// issue is what a server certificate says.
type issue struct {
	hosts      []string // names or IP addresses; default 127.0.0.1 and localhost
	expired    bool     // an hour ago
	selfSigned bool     // not by the authority
}

// newAuthority makes an authority and a server certificate.
func newAuthority(i issue) (*authority, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make authority key: %w", err)
	}
	ca := certificate("relaytest authority")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, fmt.Errorf("make authority certificate: %w", err)
	}

	leaf, err := i.leaf(ca, caKey)
	if err != nil {
		return nil, err
	}

	caPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	a := &authority{pool: x509.NewCertPool(), leaf: leaf}
	a.pool.AppendCertsFromPEM(caPEM)
	a.file, err = writeTemp("relaytest-ca-*.pem", caPEM)
	return a, err
}

// leaf makes the server certificate, signed by an authority unless it signs itself.
func (i issue) leaf(ca *x509.Certificate, caKey *ecdsa.PrivateKey) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make server key: %w", err)
	}
	server := certificate("relaytest sink")
	server.KeyUsage, server.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if i.expired {
		server.NotBefore, server.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-time.Hour)
	}
	hosts := i.hosts
	if len(hosts) == 0 {
		hosts = []string{"127.0.0.1", "localhost"}
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			server.IPAddresses = append(server.IPAddresses, ip)
		} else {
			server.DNSNames = append(server.DNSNames, host)
		}
	}
	if i.selfSigned {
		ca, caKey = server, key
	}
	der, err := x509.CreateCertificate(rand.Reader, server, ca, key.Public(), caKey)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make server certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
}

func writeTemp(pattern string, data []byte) (string, error) {
	file, err := os.CreateTemp("", pattern)
	if err != nil {
		return "", fmt.Errorf("create temporary file: %w", err)
	}
	_, err = file.Write(data)
	if err := file.Close(); err != nil {
		return "", fmt.Errorf("write temporary file: %w", err)
	}
	return file.Name(), err
}
