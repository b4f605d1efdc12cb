package ingest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// ACME gets certificates from a certificate authority (CA) and renews them when a third of their life is left. Using it
// agrees to the CA's terms of service.
//
//	Serve ─ one goroutine a domain ─▶ storage ─none─▶ CA ─asks back on HTTP-01 or TLS-ALPN-01─▶ Serve, TLSConfig
//	                                     └─────────▶ memory ◀─ renewals, every Every
type ACME struct {
	// Domains are what encoders connect to: each gets a certificate. Wildcards are not possible with these challenges.
	Domains []string
	// Email is the account's, where the CA may write to. Optional.
	Email string
	// Storage is the folder for account and keys. Losing it costs a new order, which CAs limit.
	Storage string
	// HTTP is the address where the CA's question (HTTP-01) is answered. CAs only ask on port 80: set another address
	// only if that port leads there. It defaults to ":80".
	HTTP string
	// ALPNPort is the port TLSConfig is served on, for TLS-ALPN-01, which CAs only ask on port 443. Set it only if that
	// port leads there, and listen before Serve. It defaults to 0: HTTP-01 only.
	ALPNPort int
	// CA is the URL of the CA's directory. It defaults to Let's Encrypt.
	CA string
	// Roots are trusted for the connection to the CA. They default to the system's; a private CA needs its own.
	Roots *x509.CertPool
	// Every is how often certificates are looked at for renewal. It defaults to 10 min.
	Every time.Duration
	Log   *zap.Logger

	magic atomic.Pointer[certmagic.Config]
	cache atomic.Pointer[certmagic.Cache]
}

// alpnChallenge is the protocol a CA offers to ask on TLS-ALPN-01 (RFC 8737).
const alpnChallenge = "acme-tls/1"

// orderPause lies between orders that failed for good in certmagic's eyes, which retries the others for 30 days. The
// mistake is at our side then (DNS, a firewall), and a person mends it while we run.
const orderPause = time.Hour

// Serve keeps certificates for all domains until ctx is cancelled. An order that fails is logged and tried again; what
// ends Serve is a configuration that cannot work and an HTTP address that cannot be had.
func (a *ACME) Serve(ctx context.Context) error {
	if err := a.check(); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", cmp.Or(a.HTTP, ":80"))
	if err != nil {
		return fmt.Errorf("listen for the CA's HTTP-01 challenge: %w (free the address, or give acme.http one that port 80 leads to)", err)
	}
	issuer := a.setUp(ln.Addr().(*net.TCPAddr))
	defer a.cache.Load().Stop()

	var orders sync.WaitGroup
	defer orders.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, domain := range a.Domains {
		orders.Go(func() { a.keep(ctx, strings.ToLower(domain)) })
	}
	return a.answer(ctx, ln, issuer)
}

// TLSConfig returns the configuration of an RTMPS listener. Until Serve has a certificate its handshakes fail, with an
// error that says so. A client that names no server, as one that connects to an address does, gets the first domain's
// certificate; one that names a server that is not among Domains is refused.
func (a *ACME) TLSConfig() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: a.certificate}
	if a.ALPNPort == 0 {
		return config
	}
	challenge := config.Clone()
	challenge.NextProtos = []string{alpnChallenge}
	// For the CA alone: with NextProtos set, encoders that offer a protocol of their own would be refused.
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if isChallenge(hello) {
			return challenge, nil
		}
		return nil, nil
	}
	return config
}

// NotAfter returns when the first of the certificates expires, zero while one is missing.
func (a *ACME) NotAfter() time.Time {
	cache := a.cache.Load()
	if cache == nil {
		return time.Time{}
	}
	var first time.Time
	for _, domain := range a.Domains {
		found := cache.AllMatchingCertificates(strings.ToLower(domain))
		if len(found) == 0 {
			return time.Time{}
		}
		if end := found[0].Leaf.NotAfter; first.IsZero() || end.Before(first) {
			first = end
		}
	}
	return first
}

func (a *ACME) check() error {
	if len(a.Domains) == 0 {
		return errors.New("acme.domains is empty: name what encoders connect to, such as ingest.example.com")
	}
	if a.Storage == "" {
		return errors.New("acme needs a folder for its account and keys")
	}
	for _, domain := range a.Domains {
		switch {
		case strings.Contains(domain, "*"):
			return fmt.Errorf("acme.domains: %q: wildcards need a DNS challenge, which is not supported: name each server", domain)
		case !isHostName(domain):
			return fmt.Errorf("acme.domains: %q is not a host name: no scheme, no port, and international ones as xn--…", domain)
		}
	}
	return nil
}

func isHostName(s string) bool {
	odd := func(r rune) bool {
		return r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	return s != "" && !strings.ContainsFunc(s, odd) && !strings.HasPrefix(s, ".") && !strings.HasSuffix(s, ".")
}

// setUp makes certmagic's parts. None of them is one of its globals.
func (a *ACME) setUp(http01 *net.TCPAddr) *certmagic.ACMEIssuer {
	quiet := a.Log.Named("acme").WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return calm{c} }))
	var magic *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return magic, nil },
		RenewCheckInterval: a.Every,
		Logger:             quiet,
	})
	magic = certmagic.New(cache, certmagic.Config{
		DefaultServerName: a.Domains[0],
		Storage:           &certmagic.FileStorage{Path: a.Storage},
		OnEvent:           a.event,
		Logger:            quiet,
	})
	issuer := certmagic.NewACMEIssuer(magic, certmagic.ACMEIssuer{
		CA:                      cmp.Or(a.CA, certmagic.LetsEncryptProductionCA),
		TrustedRoots:            a.Roots,
		Email:                   a.Email,
		Agreed:                  true,
		ListenHost:              host(http01),
		AltHTTPPort:             http01.Port,
		AltTLSALPNPort:          a.ALPNPort,
		DisableTLSALPNChallenge: a.ALPNPort == 0,
		Logger:                  zap.NewNop(), // says again what an order's error says
	})
	magic.Issuers = []certmagic.Issuer{issuer}
	a.cache.Store(cache)
	a.magic.Store(magic)
	return issuer
}

// host returns the address that certmagic, finding it taken, leaves to us.
func host(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return ""
	}
	return a.IP.String()
}

// answer serves the HTTP-01 challenge. Everything else on port 80 is not found.
func (a *ACME) answer(ctx context.Context, ln net.Listener, issuer *certmagic.ACMEIssuer) error {
	server := &http.Server{
		Handler:        issuer.HTTPChallengeHandler(http.NotFoundHandler()),
		ReadTimeout:    10 * time.Second,
		WriteTimeout:   10 * time.Second,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       log.New(io.Discard, "", 0), // what strangers get wrong on port 80 is not news
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(ln); ctx.Err() == nil {
		return fmt.Errorf("answer HTTP-01 challenges: %w", err)
	}
	return nil
}

// keep gets a domain's certificate into memory, from where certmagic renews it.
func (a *ACME) keep(ctx context.Context, domain string) {
	for {
		err := a.obtain(ctx, domain)
		if err == nil || ctx.Err() != nil {
			return
		}
		a.Log.Error("no certificate: encoders cannot connect over RTMPS", zap.String("domain", domain), zap.Error(err),
			zap.Duration("retry_in", orderPause))
		if !pause(ctx, orderPause) {
			return
		}
	}
}

func (a *ACME) obtain(ctx context.Context, domain string) error {
	magic := a.magic.Load()
	_, err := magic.CacheManagedCertificate(ctx, domain)
	switch {
	case err == nil: // it may have run out while the relay was off: do not wait for the first look
		return a.cache.Load().RenewManagedCertificates(ctx)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("load certificate from %s: %w (delete it there to get a new one)", a.Storage, err)
	}
	// Async is about retries and prompts, not about waiting: this returns with the certificate.
	if err := magic.ObtainCertAsync(ctx, domain); err != nil {
		return orderError(domain, err)
	}
	if _, err := magic.CacheManagedCertificate(ctx, domain); err != nil {
		return fmt.Errorf("load new certificate: %w", err)
	}
	return nil
}

func orderError(domain any, why error) error {
	return fmt.Errorf("order certificate: %w (the CA must reach this machine as %v on port 80: check DNS, firewall and acme.http)", why, domain)
}

// event logs what became of an order: one line each.
func (a *ACME) event(ctx context.Context, event string, data map[string]any) error {
	if ctx.Err() != nil {
		return nil // given up because the relay stops
	}
	log := a.Log.With(zap.Any("domain", data["identifier"]), zap.Any("renewal", data["renewal"]))
	switch event {
	case "cert_obtained":
		log.Info("certificate obtained")
	case "cert_failed":
		why, _ := data["error"].(error)
		log.Error("no certificate from the CA, trying again later", zap.Error(orderError(data["identifier"], why)))
	}
	return nil
}

// calm lets through what is wrong with certmagic's storage and maintenance. What it does well is not news, and what it
// tells of orders, in several lines, is told by event in one.
type calm struct{ zapcore.Core }

func (c calm) With(fields []zapcore.Field) zapcore.Core { return calm{c.Core.With(fields)} }

func (c calm) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Level < zap.WarnLevel || strings.HasSuffix(e.LoggerName, ".obtain") || strings.HasSuffix(e.LoggerName, ".renew") {
		return checked
	}
	return c.Core.Check(e, checked)
}

// certificate answers a handshake. Its errors are logged by the listener's server, as the reason a connection ended.
func (a *ACME) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := hello.ServerName
	if name != "" && !slices.ContainsFunc(a.Domains, func(d string) bool { return strings.EqualFold(d, name) }) {
		return nil, fmt.Errorf("encoder asked for %q, which is not in acme.domains", name)
	}
	if isChallenge(hello) && a.ALPNPort == 0 {
		return nil, errors.New("a CA asked on TLS-ALPN-01, which is off here")
	}
	magic := a.magic.Load()
	if magic == nil {
		return nil, a.missing(name, errors.New("not started"))
	}
	pair, err := magic.GetCertificate(hello)
	if err != nil && !isChallenge(hello) {
		return nil, a.missing(name, err)
	}
	return pair, err
}

func (a *ACME) missing(name string, why error) error {
	return fmt.Errorf("no certificate for %s yet, the CA has not issued one: %w",
		cmp.Or(name, a.Domains[0]), why)
}

func isChallenge(hello *tls.ClientHelloInfo) bool {
	return slices.Equal(hello.SupportedProtos, []string{alpnChallenge})
}
