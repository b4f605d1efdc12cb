package egress_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/restreamd/restreamd/relay/egress"
)

const host = "platform.test"

// refusal is a gate that does not open, why, and what a person is told.
type refusal struct {
	gate  egress.Gate
	class egress.Class
	want  []string // all of it
}

// What cannot be opened is classified and explained to a person.
func TestOpenExplains(t *testing.T) {
	ca := newAuthority(t)
	tlsTo := func(p *platform) egress.Gate {
		return egress.Gate{Address: p.ln.Addr().String(), Host: host, TLS: true, RootCAs: ca.pool, Timeout: soon}
	}
	hangsUp := listen(t, nil)
	go func() {
		if c, ok := <-hangsUp.conn; ok {
			_, _ = c.Read(make([]byte, 1))
			_ = c.Close()
		}
	}()
	greets := listen(t, nil)
	go func() { // as a server does that speaks first
		if c, ok := <-greets.conn; ok {
			_, _ = c.Write([]byte("220 hello\r\n"))
			greets.conn <- c
		}
	}()
	silent := tlsTo(listen(t, nil))
	silent.Timeout = 200 * time.Millisecond

	for name, r := range map[string]refusal{
		"plain port that hangs up": {tlsTo(hangsUp), egress.ClassClosed, []string{"right port"}},
		"plain port that greets":   {tlsTo(greets), egress.ClassTLS, []string{"rtmp:// port"}},
		"silence":                  {silent, egress.ClassTimeout, []string{"no answer in 200ms", "firewall"}},
		"packets dropped": {egress.Gate{Address: droppingPort(t), Timeout: 200 * time.Millisecond}, egress.ClassTimeout,
			[]string{"no answer in 200ms", "firewall"}},
		"refused": {egress.Gate{Address: closedPort(t)}, egress.ClassRefused, []string{"nothing listens there"}},
		// TCP has no way to a broadcast address.
		"no route": {egress.Gate{Address: "127.255.255.255:1935"}, egress.ClassUnreachable, []string{"no route"}},
		"no such host": {egress.Gate{Address: "live.platform.invalid:1935", Timeout: 2 * time.Second}, egress.ClassDNS,
			[]string{"check the"}}, // URL, or without a network: network and DNS
	} {
		t.Run(name, func(t *testing.T) { r.check(t) })
	}
}

// A certificate that is not to be trusted is described, and no key has been told to anybody.
func TestOpenDescribesCertificates(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	at := time.Now().UTC()
	past, coming := at.Add(-time.Hour).Format(time.DateOnly), at.Add(time.Hour).Format(time.DateOnly)
	many := func(c *x509.Certificate) {
		c.DNSNames, c.IPAddresses = []string{"a.test", "b.test"}, []net.IP{{192, 0, 2, 1}, {192, 0, 2, 2}}
	}
	forged := func(c *x509.Certificate) {
		c.Subject, c.DNSNames = pkix.Name{CommonName: "a\nb"}, []string{"c\nd"}
	}
	for name, c := range map[string]struct {
		cert *tls.Certificate
		want []string
	}{
		"another host":              {ours.certify(t, "other.test"), []string{"another host", "for other.test,", `issued by "CN=Test CA"`}},
		"unknown signer":            {theirs.certify(t, host), []string{"not signed by an authority", "ca_file", "for platform.test,"}},
		"self-signed":               {selfSigned(t, host), []string{"not signed by an authority", `issued by "CN=Myself"`}},
		"expired":                   {ours.certify(t, host, expired), []string{"has expired", "renew", "to " + past}},
		"early":                     {ours.certify(t, host, early), []string{"not valid yet", "clock", "from " + coming}},
		"for clients":               {ours.certify(t, host, forClients), []string{"not one for servers"}},
		"many hosts":                {ours.certify(t, host, many), []string{"for a.test, b.test, 192.0.2.1 and 1 more,"}},
		"a name to forge logs with": {theirs.certify(t, host, forged), []string{`a\nb`, "c\uFFFDd"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := listen(t, c.cert)
			g := egress.Gate{Address: p.ln.Addr().String(), Host: host, TLS: true, RootCAs: ours.pool, Timeout: soon}
			refusal{g, egress.ClassTLS, c.want}.check(t)
		})
	}
}

// A private server's certificate is taken from whom the gate is told not to ask for one, and from nobody else.
func TestInsecureTakesAnyCertificate(t *testing.T) {
	cert := selfSigned(t, "other.test")
	refusal{egress.Gate{Address: listen(t, cert).ln.Addr().String(), Host: host, TLS: true}, egress.ClassTLS, nil}.check(t)

	p := listen(t, cert)
	r := open(t, t.Context(), egress.Gate{Address: p.ln.Addr().String(), Host: host, TLS: true, Insecure: true})
	write(t, r.child, []byte("hello"))
	peer := p.peer(t)
	if got := read(t, peer, 5); string(got) != "hello" {
		t.Errorf("the platform read %q", got)
	}
	if name := peer.(*tls.Conn).ConnectionState().ServerName; name != host {
		t.Errorf("the platform was asked for as %q", name)
	}
}

// A relay that would push to itself is told so by the address it reached, before it says anything there.
func TestOpenRefusesLoops(t *testing.T) {
	p := listen(t, nil)
	want := errors.New("this is our own ingest")
	var asked netip.AddrPort
	g := egress.Gate{Address: p.ln.Addr().String(), Host: host, TLS: true, Timeout: soon, Refuse: func(peer netip.AddrPort) error {
		asked = peer
		return want
	}}
	_, err := g.Open(t.Context())
	if !errors.Is(err, want) || classOf(err) != egress.ClassLoop {
		t.Errorf("class %q: %v", classOf(err), err)
	}
	if asked.String() != g.Address {
		t.Errorf("asked about %v, want %v", asked, g.Address)
	}
	if n, err := p.peer(t).Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the ingest read %d bytes, %v, want the end", n, err)
	}
}

func TestOpenRefusesNobodyElse(t *testing.T) {
	p := listen(t, nil)
	g := egress.Gate{Address: p.ln.Addr().String(), Refuse: func(netip.AddrPort) error { return nil }}
	write(t, open(t, t.Context(), g).child, []byte("x"))
	read(t, p.peer(t), 1)
}

func TestOpenVerifiesTheHost(t *testing.T) {
	ca := newAuthority(t)
	p := listen(t, ca.certify(t, host))
	r := open(t, t.Context(), egress.Gate{Address: p.ln.Addr().String(), Host: host, TLS: true, RootCAs: ca.pool})
	write(t, r.child, []byte("hello"))
	if got := read(t, p.peer(t), 5); string(got) != "hello" {
		t.Errorf("the platform read %q", got)
	}
}

func TestOpenCanBeCancelled(t *testing.T) {
	p := listen(t, nil) // says nothing, so the TLS handshake waits
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	begun := time.Now()
	_, err := (&egress.Gate{Address: p.ln.Addr().String(), Host: "h", TLS: true}).Open(ctx)
	if !errors.Is(err, context.Canceled) || time.Since(begun) > 2*time.Second {
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
	if c := classOf(err); c != "" {
		t.Errorf("class %q, but nothing is wrong with the platform", c)
	}
}

func (r refusal) check(t *testing.T) {
	t.Helper()
	begun := time.Now()
	_, err := r.gate.Open(t.Context())
	if classOf(err) != r.class {
		t.Fatalf("class %q, want %q: %v", classOf(err), r.class, err)
	}
	for _, want := range append(r.want, r.gate.Address) {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want %q", err, want)
		}
	}
	if strings.ContainsFunc(err.Error(), unicode.IsControl) {
		t.Errorf("error %q is more than a line", err)
	}
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("took %v", took)
	}
}

// closedPort is an address where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// droppingPort is an address that answers nothing: the queue of those who wait to be accepted is full.
func droppingPort(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
	first, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = first.Close() })
	return address
}
