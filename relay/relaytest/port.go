package relaytest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"testing"
)

// keptPort is a port of 127.0.0.1 that stays free for its owner while nobody listens on it. The kernel gives it to
// nobody who asks for any port, because it is below those; other tests look at 127.0.0.2 first, where it is taken.
type keptPort struct {
	addr string // host:port
	mark net.Listener
}

func keepPort() (*keptPort, error) {
	const lowest, tries = 15_000, 1000
	highest := 32_767
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		_, _ = fmt.Sscan(string(text), &highest)
	}
	for range tries {
		port := strconv.Itoa(lowest + rand.IntN(max(highest-lowest, 10_000)))
		mark, err := net.Listen("tcp", "127.0.0.2:"+port)
		if err != nil {
			continue
		}
		kept := &keptPort{addr: "127.0.0.1:" + port, mark: mark}
		ln, err := net.Listen("tcp", kept.addr)
		if err == nil {
			return kept, ln.Close()
		}
		kept.release()
	}
	return nil, errors.New("no port of 127.0.0.1 is free")
}

func (p *keptPort) release() { _ = p.mark.Close() } // nothing was accepted

// FreeAddr is an address of loopback on which nobody listens until the test ends, unless the test does: for programs
// that must be told a port before somebody has it.
func FreeAddr(t testing.TB) string {
	t.Helper()
	p, err := keepPort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.release)
	return p.addr
}
