package egress

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
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
	// Insecure takes any certificate: whoever is in between gets the key. For private servers, where RootCAs will not do.
	Insecure bool
	RootCAs  *x509.CertPool // default: the system's
	Timeout  time.Duration  // for connecting, TLS included; default 10 s
	// Refuse is asked about the address that was really connected to, before anything is sent. Its error ends the
	// attempt as a loop: a relay that pushes to its own ingest. Default: nobody is refused.
	Refuse func(peer netip.AddrPort) error
}

// Open connects to the platform and opens a loopback port for the child. A failure of the platform's is an *Error;
// others are that ctx was cancelled or that this machine has no port left.
func (g *Gate) Open(ctx context.Context) (*Link, error) {
	limited, cancel := context.WithTimeout(ctx, g.timeout())
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(limited, "tcp", g.Address)
	if err != nil {
		return nil, g.failed(ctx, "connect to", err, ClassUnreachable)
	}
	tcp := conn.(*net.TCPConn)
	link, err := g.link(ctx, limited, tcp)
	if err != nil {
		_ = tcp.Close()
		return nil, err
	}
	return link, nil
}

// link makes a connection one that a child can use.
func (g *Gate) link(ctx, limited context.Context, tcp *net.TCPConn) (*Link, error) {
	if err := g.refuse(tcp); err != nil {
		return nil, g.failed(ctx, "push to", err, ClassLoop)
	}
	meter, err := newMeter(tcp)
	if err != nil {
		return nil, fmt.Errorf("watch the connection to %s: %w", g.Address, err)
	}
	platform := halfCloser(tcp)
	if g.TLS {
		t := tls.Client(meter.under(tcp), &tls.Config{
			ServerName: g.Host, RootCAs: g.RootCAs, MinVersion: tls.VersionTLS12, InsecureSkipVerify: g.Insecure,
		})
		if err := t.HandshakeContext(limited); err != nil {
			return nil, g.failed(ctx, "speak TLS with", err, ClassTLS)
		}
		platform = t
	}
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("open a loopback port for ffmpeg: %w", err)
	}
	return &Link{ln: ln, tcp: tcp, platform: platform, address: g.Address, meter: meter}, nil
}

func (g *Gate) refuse(tcp *net.TCPConn) error {
	if g.Refuse == nil {
		return nil
	}
	peer := tcp.RemoteAddr().(*net.TCPAddr).AddrPort()
	return g.Refuse(netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port()))
}

func (g *Gate) timeout() time.Duration { return cmp.Or(g.Timeout, dialTimeout) }
