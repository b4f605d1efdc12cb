package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay/config"
)

// certificates is where RTMPS has its certificate from.
type certificates interface {
	Serve(context.Context) error
	TLSConfig() *tls.Config
}

// caPort is where a CA asks on RTMPS itself (TLS-ALPN-01), and nowhere else.
const caPort = 443

// newCertificates opens the certificate files, or prepares to have certificates issued.
func newCertificates(cfg *config.Config, ln net.Listener, log *zap.Logger) (certificates, error) {
	if len(cfg.RTMPS.ACME.Domains) == 0 {
		c, err := ingest.LoadCertificate(cfg.RTMPS.Cert, cfg.RTMPS.Key)
		if err != nil {
			return nil, fmt.Errorf("rtmps: %w", err)
		}
		c.Report = func(err error) { log.Warn("RTMPS certificate", zap.Error(err)) }
		c.Changed = func(end time.Time) { log.Info("new RTMPS certificate in use", zap.Time("expires", end)) }
		return c, nil
	}
	a := cfg.RTMPS.ACME
	acme := &ingest.ACME{
		Domains: a.Domains, Email: a.Email, HTTP: a.HTTP, CA: a.CA,
		Storage: filepath.Join(stateDir(cfg.Data), "acme"), Log: log,
	}
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok && tcp.Port == caPort {
		acme.ALPNPort = caPort
	}
	if a.CAFile != "" {
		roots, err := os.ReadFile(a.CAFile)
		if err != nil {
			return nil, fmt.Errorf("rtmps.acme.ca_file: %w", err)
		}
		acme.Roots = x509.NewCertPool()
		if !acme.Roots.AppendCertsFromPEM(roots) {
			return nil, fmt.Errorf("rtmps.acme.ca_file: no certificate in %s", a.CAFile)
		}
	}
	return acme, nil
}

// warnPlain tells that stream keys travel readably where they can be read.
func (h *house) warnPlain() {
	tcp, ok := h.ports.rtmp.Addr().(*net.TCPAddr)
	if ok && !tcp.IP.IsLoopback() && h.ports.rtmps == nil {
		h.log.Warn("RTMP listens beyond this machine without RTMPS: stream keys can be read on the way; " +
			"set rtmps in restreamd.yml, or rtmp: {listen: \"127.0.0.1:1935\"} if the encoder runs here")
	}
}
