package push

import (
	"net"
	"strconv"
	"strings"

	"github.com/restreamd/restreamd/relay/secret"
)

// The schemes a destination may use.
const (
	SchemeRTMP  = "rtmp"
	SchemeRTMPS = "rtmps"
)

// Target is one platform endpoint and the key that opens it. Parse makes valid ones.
type Target struct {
	Scheme string        // SchemeRTMP or SchemeRTMPS
	Host   string        // a name or an address; IPv6 without brackets
	Port   int           // default 1935, for RTMPS 443
	App    string        // what the connect command asks for; may hold a query: live2?backup=1
	Key    secret.String // what the publish command names; may hold a query: KEY?bandwidthtest=true
}

// TLS reports whether the platform is reached over TLS. The certificate must be valid for Host.
func (t Target) TLS() bool { return t.Scheme == SchemeRTMPS }

// Address is the host:port to dial.
func (t Target) Address() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// TCURL is the URL without the key, as the connect command announces it. The port always stands in it, as with
// every common encoder. A query in the app may hold a token: do not print it, print the Target.
func (t Target) TCURL() string { return t.Scheme + "://" + t.Address() + "/" + t.App }

// String is the URL for people: without the key and without the content of a query.
func (t Target) String() string {
	app, _, found := strings.Cut(t.App, "?")
	if found {
		app += "?" + secret.Mask
	}
	return t.Scheme + "://" + t.Address() + "/" + app
}

// Secrets are the texts a log must not show: the key, and a query in the app.
func (t Target) Secrets() []secret.String {
	secrets := []secret.String{t.Key}
	if _, query, found := strings.Cut(t.App, "?"); found {
		secrets = append(secrets, secret.New(query))
	}
	return secrets
}
