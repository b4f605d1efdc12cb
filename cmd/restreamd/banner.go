package main

import (
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/restreamd/restreamd/relay/config"
)

// banner prints the two lines OBS asks for, of every stream. A key is shown only when it has just been made.
func banner(w io.Writer, cfg *settings, p ports, made bool) {
	say(w, "\nIn OBS, Settings → Stream, Service “Custom…”:\n")
	for _, s := range cfg.Streams {
		if len(cfg.Streams) > 1 {
			say(w, "\n  Stream “%s”\n", s.Name)
		}
		say(w, "  Server      rtmp://%s/%s\n", reachable(p.rtmp.Addr()), s.App)
		if p.rtmps != nil {
			say(w, "         or   rtmps://%s/%s\n", secureAddress(cfg, p.rtmps.Addr()), s.App)
		}
		say(w, "  Stream Key  %s\n", keyHint(cfg, s, made))
	}
	say(w, "\nDashboard     http://%s/\n", reachable(p.http.Addr()))
	say(w, "Player        http://%s/watch/%s\n", reachable(p.http.Addr()), cfg.Streams[0].Name)
	say(w, "Recordings    %s\n", recordings(cfg.Data))
	say(w, "Destinations  %s   (drop a file in, see its README.md)\n\n", cfg.Destinations)
}

// keyHint tells where the key is, or what it is at the one time when nobody can know it yet.
func keyHint(cfg *settings, s config.Stream, made bool) string {
	switch {
	case len(s.Keys) > 1:
		return fmt.Sprintf("one of %s (%s)", names(s.Keys), cfg.file)
	case s.Keys[0].Name != "default":
		return fmt.Sprintf("the one named %q (%s)", s.Keys[0].Name, cfg.file)
	case made:
		return fmt.Sprintf("%s   (shown this once; kept in %s)", s.Keys[0].Secret.Reveal(), firstKey(cfg.Data))
	}
	return "in " + firstKey(cfg.Data)
}

// secureAddress is the RTMPS address with a name the certificate is for, where that is known.
func secureAddress(cfg *settings, a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || len(cfg.RTMPS.ACME.Domains) == 0 {
		return reachable(a)
	}
	return net.JoinHostPort(cfg.RTMPS.ACME.Domains[0], fmt.Sprint(tcp.Port))
}

func names(keys []config.Key) string {
	var all []string
	for _, k := range keys {
		all = append(all, k.Name)
	}
	return strings.Join(all, ", ")
}

// reachable is an address as someone on this machine or, where it listens everywhere, on this network would use it.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String()
	}
	return net.JoinHostPort(ownAddress(), fmt.Sprint(tcp.Port))
}

// ownAddress is this machine's first IPv4 address that others may know, else localhost.
func ownAddress() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "localhost"
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			return n.IP.String()
		}
	}
	return "localhost"
}
