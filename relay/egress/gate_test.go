package egress_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/egress"
)

// What cannot be opened is explained to a person, and no key has been told to anybody.
func TestOpenExplains(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	const host = "platform.test"
	tlsTo := func(p *platform) egress.Gate {
		return egress.Gate{Address: p.ln.Addr().String(), Host: host, TLS: true, RootCAs: ours.pool, Timeout: soon}
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

	for name, c := range map[string]struct {
		gate egress.Gate
		want []string
	}{
		"another host":             {tlsTo(listen(t, ours.certify(t, "other.test", false))), []string{"another host"}},
		"unknown signer":           {tlsTo(listen(t, theirs.certify(t, host, false))), []string{"not signed by an authority"}},
		"expired":                  {tlsTo(listen(t, ours.certify(t, host, true))), []string{"expired", "clock"}},
		"plain port that hangs up": {tlsTo(hangsUp), []string{"right port"}},
		"plain port that greets":   {tlsTo(greets), []string{"rtmp:// port"}},
		"silence":                  {silent, []string{"no answer in 200ms", "firewall"}},
		"refused":                  {egress.Gate{Address: closedPort(t)}, []string{"nothing listens there"}},
		"no such host": {egress.Gate{Address: "live.platform.invalid:1935", Timeout: 2 * time.Second},
			[]string{"the host does not exist", "could not be looked up"}}, // the latter without a network
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			_, err := c.gate.Open(t.Context())
			if err == nil {
				t.Fatal("opened")
			}
			if !containsAny(err.Error(), c.want) || !strings.Contains(err.Error(), c.gate.Address) {
				t.Errorf("error %q, want the address and any of %q", err, c.want)
			}
			if took := time.Since(begun); took > 4*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestOpenVerifiesTheHost(t *testing.T) {
	ca := newAuthority(t)
	p := listen(t, ca.certify(t, "platform.test", false))
	r := open(t, t.Context(), egress.Gate{Address: p.ln.Addr().String(), Host: "platform.test", TLS: true, RootCAs: ca.pool})
	write(t, r.child, []byte("hello"))
	if got := read(t, p.peer(t), 5); string(got) != "hello" {
		t.Errorf("the platform read %q", got)
	}
}

func TestOpenCanBeCancelled(t *testing.T) {
	p := listen(t, nil) // says nothing, so the TLS handshake waits
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := (&egress.Gate{Address: p.ln.Addr().String(), Host: "h", TLS: true}).Open(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 2*time.Second {
		t.Errorf("after %v: %v", time.Since(begun), err)
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

func containsAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
