package config

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// RTMPS is where encoders publish over TLS. Its zero value is off. The certificate is either kept in two files or had
// by ACME, never both.
type RTMPS struct {
	Listen string // host:port; default ":1936" where the section is there; "": off
	Cert   string // PEM file: the certificate, then its chain
	Key    string // PEM file
	ACME   ACME   // zero where Cert and Key are set
}

// ACME is how a certificate is had from an authority such as Let's Encrypt.
type ACME struct {
	Domains []string // the names encoders use; never empty where ACME is used
	Email   string   // where the authority writes to; may be empty
	HTTP    string   // host:port on which the authority's question is answered; default ":80", which it asks for
	CA      string   // the authority's directory, an https URL; default "": Let's Encrypt
	CAFile  string   // PEM file of the roots that CA's own certificate is checked with; default "": the system's
}

func (r *RTMPS) read(s *section) {
	r.Listen = ":1936"
	s.address("listen", &r.Listen)
	s.file("cert", &r.Cert)
	s.file("key", &r.Key)
	s.doc.noteExposed(r.Key)
	acme := s.section("acme")
	switch {
	case s.broken:
	case !s.has("acme") && !s.has("cert") && !s.has("key"):
		s.doc.fail(s.line, s.field, "no certificate", "set cert and key, or acme")
	case s.has("acme") && (s.has("cert") || s.has("key")):
		s.fail("acme", "cert or key is set as well", "keep either acme or the two files")
	case s.has("acme"):
		r.ACME.read(acme)
	case !s.has("key"):
		s.fail("key", "missing", "set the file of the certificate's private key")
	case !s.has("cert"):
		s.fail("cert", "missing", "set the file of the certificate")
	}
	s.close()
}

func (a *ACME) read(s *section) {
	a.HTTP = ":80"
	for _, node := range s.list("domains", domainsHint) {
		a.addDomain(s, node)
	}
	s.text("email", &a.Email)
	if user, host, _ := strings.Cut(a.Email, "@"); a.Email != "" && (user == "" || host == "") {
		s.fail("email", "not a mail address", "write one as in ops@example.com, or remove the line")
	}
	s.address("http", &a.HTTP)
	s.webURL("ca", &a.CA, "https")
	s.file("ca_file", &a.CAFile)
	if !s.broken && !s.has("domains") {
		s.fail("domains", "missing", domainsHint)
	}
	s.close()
}

const domainsHint = "write domains: [ingest.example.com]"

// domainName has no wildcard: ACME gives those to whoever controls the name server only.
var domainName = regexp.MustCompile(`^(?i:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.(?i:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?))*$`)

func (a *ACME) addDomain(s *section, node *yaml.Node) {
	name, problem := scalarText(node)
	if problem != "" || len(name) > 253 || !domainName.MatchString(name) {
		s.doc.fail(node.Line, s.path("domains"), "not the name of a host", "write names such as ingest.example.com, without wildcards")
		return
	}
	a.Domains = append(a.Domains, strings.ToLower(name))
}
