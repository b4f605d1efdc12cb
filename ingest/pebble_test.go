package ingest_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/restreamd/restreamd/relay/relaytest"
)

// certmagicLeaks is what certmagic never ends, or not at once: one limiter a CA, and the keeper of a lock file, which
// looks every 5 s whether the lock is gone.
func certmagicLeaks() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).loop"),
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"),
	}
}

// pebble is a running ACME server that validates what it is asked for by connecting to localhost.
type pebble struct {
	directory string         // URL
	api       *x509.CertPool // who signed its own certificate
	roots     *x509.CertPool // who signs the ones it issues
	stop      func()
}

// startPebble runs a CA that asks challenges on two ports of localhost and issues certificates valid for some seconds.
func startPebble(t *testing.T, httpPort, tlsPort int, validity time.Duration) *pebble {
	t.Helper()
	program, err := exec.LookPath("pebble")
	if err != nil {
		t.Skip("pebble is not installed: scripts/install-test-deps.sh")
	}
	a := newAuthority(t)
	certFile, keyFile := files(t, a.issue(t, time.Hour))
	api, management := relaytest.FreeAddr(t), relaytest.FreeAddr(t)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": api, "managementListenAddress": management, "certificate": certFile, "privateKey": keyFile,
		"httpPort": httpPort, "tlsPort": tlsPort, "certificateValidityPeriod": int(validity.Seconds()),
	}})
	if err != nil {
		t.Fatal(err)
	}
	configFile := filepath.Join(t.TempDir(), "pebble.json")
	write(t, configFile, config)

	var output bytes.Buffer
	child := exec.Command(program, "-config", configFile)
	child.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0")
	child.Stdout, child.Stderr = &output, &output
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	p := &pebble{directory: "https://localhost:" + port(api) + "/dir", api: a.roots, roots: x509.NewCertPool()}
	p.stop = sync.OnceFunc(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
		if t.Failed() {
			t.Logf("pebble: %s", &output)
		}
	})
	t.Cleanup(p.stop)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: a.roots}}}
	relaytest.Eventually(t, soon, "pebble to start", func() bool {
		return p.roots.AppendCertsFromPEM(get(client, "https://localhost:"+port(management)+"/roots/0")) &&
			get(client, p.directory) != nil
	})
	return p
}

func get(client *http.Client, url string) []byte {
	response, err := client.Get(url)
	if err != nil {
		return nil
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	body, _ := io.ReadAll(response.Body)
	return body
}

func port(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

func portNumber(t *testing.T, addr string) int {
	t.Helper()
	n, err := strconv.Atoi(port(addr))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
