package config

import (
	"crypto/x509"
	"encoding/pem"
	"time"
)

// Wire is how the platform is reached.
type Wire struct {
	CAs      []byte        // PEM: the roots that the platform's certificate is checked with; default nil: the system's
	Insecure bool          // the certificate is not checked, and anyone may get the key; default false
	Delay    time.Duration // how far the push is behind the stream; default 0
}

// Roots returns CAs as TLS wants them; nil for the system's.
func (w Wire) Roots() *x509.CertPool {
	if len(w.CAs) == 0 {
		return nil
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.CAs)
	return roots
}

func (w *Wire) read(s *section) {
	var path string
	w.CAs = s.file("ca_file", &path)
	if len(w.CAs) > 0 && !holdsCertificates(w.CAs) {
		s.fail("ca_file", "holds no certificate that can be read",
			"write PEM into it: -----BEGIN CERTIFICATE----- and so on, the authority's, not the server's key")
	}
	s.flag("insecure", &w.Insecure)
	if w.Insecure && s.has("ca_file") {
		s.fail("insecure", "ca_file is set as well", "keep ca_file: with it the certificate can be checked")
	}
	s.duration("delay", &w.Delay, 0, 5*time.Minute)
}

// checkTLS reports settings that mean something with TLS only.
func (w *Wire) checkTLS(s *section, tls bool) {
	for _, key := range []string{"ca_file", "insecure"} {
		if s.has(key) && !tls {
			s.fail(key, "rtmp:// has no certificate to check", "begin the url with rtmps://, or remove the line")
		}
	}
	if w.Insecure {
		s.doc.note("INSECURE: the platform's certificate is not checked, so whoever answers in its place gets the stream key; " +
			"for a server of your own set ca_file instead")
	}
}

// holdsCertificates reports whether data holds certificates and none that is damaged.
func holdsCertificates(data []byte) bool {
	found := false
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return found
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return false
		}
		found = true
	}
}
