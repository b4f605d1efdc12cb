package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/egress"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/push"
)

// gate makes the egress gate the engine's.
type gate struct{ egress.Gate }

// link makes an egress link the engine's.
type link struct{ *egress.Link }

func (l link) Progress() output.Progress { return output.Progress(l.Delivery()) }

func (g gate) Open(ctx context.Context) (output.Link, error) {
	opened, err := g.Gate.Open(ctx)
	if err != nil {
		return nil, err
	}
	return link{opened}, nil
}

func (p planner) gate(t push.Target, w config.Wire) gate {
	return gate{egress.Gate{
		Address: t.Address(), Host: t.Host, TLS: t.TLS(), Insecure: w.Insecure, RootCAs: w.Roots(), Refuse: p.own.refuse,
	}}
}

// ownPorts are what this relay's own ingest listens on.
type ownPorts []uint16

func newOwnPorts(listeners ...net.Listener) ownPorts {
	var d ownPorts
	for _, ln := range listeners {
		if ln == nil {
			continue
		}
		if addr, ok := ln.Addr().(*net.TCPAddr); ok {
			d = append(d, addr.AddrPort().Port())
		}
	}
	return d
}

// refuse keeps a stream from being pushed into this relay's own ingest, by whatever name and address it is reached.
func (d ownPorts) refuse(peer netip.AddrPort) error {
	if !slices.Contains(d, peer.Port()) || !isLocal(peer.Addr()) {
		return nil
	}
	return fmt.Errorf("%s is this relay's own ingest: the stream would feed itself", peer)
}

// isLocal reports whether an address is one of this machine's.
func isLocal(a netip.Addr) bool {
	a = a.Unmap()
	if a.IsLoopback() || a.IsUnspecified() {
		return true
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(all, func(one net.Addr) bool {
		prefix, err := netip.ParsePrefix(one.String())
		return err == nil && prefix.Addr().Unmap() == a
	})
}
