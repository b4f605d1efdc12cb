package egress

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
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
	Timeout time.Duration  // for connecting, TLS included; default 10 s
}

// Open connects to the platform and opens a loopback port for the child. The errors are for people.
func (g *Gate) Open(ctx context.Context) (*Link, error) {
	ctx, cancel := context.WithTimeout(ctx, g.timeout())
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

func (g *Gate) timeout() time.Duration { return cmp.Or(g.Timeout, dialTimeout) }

// explain says what went wrong and what to do.
func (g *Gate) explain(doing string, err error) error {
	hint := networkHint(err)
	if hint == "" {
		hint = certificateHint(err)
	}
	if hint == "" && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)) {
		hint = fmt.Sprintf("no answer in %s: check the network, a firewall may be in between", g.timeout())
	}
	if hint == "" {
		return fmt.Errorf("%s %s: %w", doing, g.Address, err)
	}
	return fmt.Errorf("%s %s: %s: %w", doing, g.Address, hint, err)
}

func networkHint(err error) string {
	var dns *net.DNSError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host does not exist: check the URL"
	case errors.As(err, &dns):
		return "the name could not be looked up: check the network and DNS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: check host and port"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route leads there: check the network"
	case errors.As(err, &record):
		return "it does not speak TLS there: is it an rtmp:// port?"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "it hung up: is it the right port?"
	}
	return ""
}

func certificateHint(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return "its certificate is not signed by an authority this machine trusts"
	case errors.As(err, &name):
		return "its certificate is for another host: check the host in the URL"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has expired or is not valid yet: check this machine's clock"
	}
	return ""
}
