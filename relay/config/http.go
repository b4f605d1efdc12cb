package config

import (
	"net"
	"net/url"
	"strings"
)

// HTTP is where the dashboard, playback and the API are served.
type HTTP struct {
	Listen         string // host:port; default "127.0.0.1:8080"
	AdminTokenFile string // the file may not exist yet; default "": none

	// CORS lists the origins whose pages may read streams that want a token, each as https://example.com. Any page may
	// read public streams. Default: none but the relay's own.
	CORS []string

	// Hosts are names by which browsers reach the relay, without a port. Default: any; on loopback none but localhost
	// and addresses, so that a web page cannot reach the relay under a name of its own (DNS rebinding).
	Hosts []string
}

func (h *HTTP) read(s *section) {
	s.address("listen", &h.Listen)
	s.text("admin_token_file", &h.AdminTokenFile)
	h.CORS = s.words("cors", "not an origin", "write a list of origins, as in [https://example.com]", parseOrigin)
	h.Hosts = s.words("hosts", "not a name of a host", "write a list of names without ports, as in [live.example.com]", parseHost)
	s.close()
}

// words takes a list of texts, each in the form that parse gives it.
func (s *section) words(key, problem, hint string, parse func(string) (string, bool)) []string {
	var all []string
	for _, node := range s.list(key, hint) {
		text, why := scalarText(node)
		word, ok := parse(text)
		if why != "" || !ok {
			s.doc.fail(node.Line, s.path(key), problem, hint)
			continue
		}
		all = append(all, word)
	}
	return all
}

// parseOrigin returns an origin as browsers send it: in lower case and without the scheme's own port.
func parseOrigin(text string) (string, bool) {
	u, err := url.Parse(strings.ToLower(text))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.Contains(u.Host, "*") {
		return "", false
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery+u.Fragment != "" {
		return "", false
	}
	host := u.Host
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host, true
}

// parseHost returns the name of a host in lower case.
func parseHost(text string) (string, bool) {
	text = strings.ToLower(text)
	if ip := net.ParseIP(text); ip != nil {
		return text, true
	}
	u, err := url.Parse("http://" + text)
	return text, err == nil && text != "" && u.Host == text && u.Port() == "" && !strings.ContainsAny(text, ":@*")
}
