package egress

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// maxNames is how many of a certificate's hosts are worth telling: those of content networks have a hundred.
const maxNames = 3

// tlsHint says what TLS did not like, of which certificate, and what to do.
func tlsHint(err error) string {
	var record tls.RecordHeaderError
	var op *net.OpError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &record):
		return "it does not speak TLS there: is it an rtmp:// port?"
	case errors.As(err, &unknown):
		return "its certificate is not signed by an authority this machine trusts: for a private server, " +
			"name the authority in ca_file" + describe(unknown.Cert)
	case errors.As(err, &name):
		return "its certificate is for another host: check the host in the URL" + describe(name.Certificate)
	case errors.As(err, &invalid):
		return whyInvalid(invalid, time.Now()) + describe(invalid.Cert)
	case errors.As(err, &op) && op.Op == "remote error":
		return "it refused TLS: check host and port"
	}
	return "no TLS could be agreed on"
}

func whyInvalid(e x509.CertificateInvalidError, now time.Time) string {
	switch {
	case e.Reason == x509.Expired && e.Cert != nil && now.Before(e.Cert.NotBefore):
		return "its certificate is not valid yet: check this machine's clock"
	case e.Reason == x509.Expired:
		return "its certificate has expired: the platform has to renew it, unless this machine's clock is wrong"
	case e.Reason == x509.IncompatibleUsage:
		return "its certificate is not one for servers"
	}
	return "its certificate is not valid"
}

// describe tells which certificate is meant: a chain has several.
func describe(cert *x509.Certificate) string {
	if cert == nil {
		return ""
	}
	names := cert.DNSNames
	for _, ip := range cert.IPAddresses {
		names = append(names[:len(names):len(names)], ip.String())
	}
	more := ""
	if n := len(names) - maxNames; n > 0 {
		names, more = names[:maxNames], fmt.Sprintf(" and %d more", n)
	}
	hosts := "no host"
	if len(names) > 0 {
		hosts = strings.Join(names, ", ") + more
	}
	return fmt.Sprintf(" (certificate %q for %s, issued by %q, valid from %s to %s)", cert.Subject, hosts, cert.Issuer,
		cert.NotBefore.Format(time.DateOnly), cert.NotAfter.Format(time.DateOnly))
}
