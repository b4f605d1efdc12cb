package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

const (
	dialTimeout = 10 * time.Second
	// acceptTimeout is how long a child has to connect: ffmpeg does in 0.3 s.
	acceptTimeout = 15 * time.Second
)

// Gate is the way to one platform.
type Gate struct {
	Address string // host:port
	Host    string // for SNI and the certificate
	TLS     bool
	RootCAs *x509.CertPool // default: the system's
}

// Open connects to the platform and opens a loopback port for the child. The errors are for people.
func (g *Gate) Open(ctx context.Context) (*Link, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", g.Address)
	if err != nil {
		return nil, g.explain("connect to", err)
	}
	tcp := conn.(*net.TCPConn)
	platform := halfCloser(tcp)
	if g.TLS {
		t := tls.Client(tcp, &tls.Config{ServerName: g.Host, RootCAs: g.RootCAs, MinVersion: tls.VersionTLS12})
		if err := t.HandshakeContext(ctx); err != nil {
			_ = tcp.Close()
			return nil, g.explain("speak TLS with", err)
		}
		platform = t
	}
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		_ = tcp.Close()
		return nil, fmt.Errorf("open a loopback port for ffmpeg: %w", err)
	}
	return &Link{ln: ln, tcp: tcp, platform: platform, address: g.Address}, nil
}

// explain says what went wrong and what to do.
func (g *Gate) explain(doing string, err error) error {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var record tls.RecordHeaderError
	hint := ""
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		hint = "the host does not exist: check the URL"
	case errors.As(err, &dns):
		hint = "the name could not be looked up: check the network and DNS"
	case errors.Is(err, syscall.ECONNREFUSED):
		hint = "nothing listens there: check host and port"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		hint = fmt.Sprintf("no answer in %s: check the network, a firewall may be in between", dialTimeout)
	case errors.As(err, &unknown):
		hint = "its certificate is not signed by an authority this machine trusts"
	case errors.As(err, &name):
		hint = "its certificate is for another host"
	case errors.As(err, &record):
		hint = "it does not speak TLS there: is it an rtmp:// port?"
	default:
		return fmt.Errorf("%s %s: %w", doing, g.Address, err)
	}
	return fmt.Errorf("%s %s: %s: %w", doing, g.Address, hint, err)
}
