package main

import (
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/restreamd/restreamd/relay/config"
)

// banner prints the two lines OBS asks for. A key is shown only when it has just been made.
func banner(w io.Writer, cfg *config.Config, rtmp, http net.Addr, made bool) {
	fmt.Fprintln(w, "\nIn OBS, Settings → Stream, Service “Custom…”:") //nolint:errcheck // to a terminal
	for _, s := range cfg.Streams {
		key := fmt.Sprintf("one of %s (restreamd.yml)", names(s.Keys))
		if len(s.Keys) == 1 {
			key = fmt.Sprintf("the one named %q (restreamd.yml)", s.Keys[0].Name)
			switch {
			case made:
				key = fmt.Sprintf("%s   (shown this once; kept in %s/stream.key)", s.Keys[0].Secret.Reveal(), cfg.Data)
			case s.Keys[0].Name == "default":
				key = fmt.Sprintf("in %s/stream.key", cfg.Data)
			}
		}
		fmt.Fprintf(w, "  Server      rtmp://%s/%s\n", reachable(rtmp), s.App) //nolint:errcheck // to a terminal
		fmt.Fprintf(w, "  Stream Key  %s\n", key)                              //nolint:errcheck // to a terminal
	}
	fmt.Fprintf(w, "\nDashboard     http://%s/\n", reachable(http))                                //nolint:errcheck // to a terminal
	fmt.Fprintf(w, "Player        http://%s/watch/%s\n", reachable(http), cfg.Streams[0].Name)     //nolint:errcheck // to a terminal
	fmt.Fprintf(w, "Recordings    %s\n", recordings(cfg.Data))                                     //nolint:errcheck // to a terminal
	fmt.Fprintf(w, "Destinations  %s   (drop a file in, see its README.md)\n\n", cfg.Destinations) //nolint:errcheck // to a terminal
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
