package push

import (
	"net"
	"slices"
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
// every common encoder. What follows the app, a query, may hold a token: do not print it, print the Target.
func (t Target) TCURL() string { return t.Scheme + "://" + t.Address() + "/" + t.App }

// String is the URL for people: without the key and without the content of a query.
func (t Target) String() string {
	app, query := cutQuery(t.App)
	if query != "" {
		app += query[:1] + secret.Mask
	}
	return t.Scheme + "://" + t.Address() + "/" + app
}

// Secrets are the texts a log must not show: the key, with its query and without, the query of the app, and each value
// in either's query, which a platform may name alone.
func (t Target) Secrets() []secret.String {
	bare, ofKey := cutQuery(t.Key.Reveal())
	_, ofApp := cutQuery(t.App)
	secrets := append([]secret.String{t.Key, secret.New(bare)}, queryValues(ofKey)...)
	if ofApp == "" || t.isBackup() {
		return secrets
	}
	return append(append(secrets, secret.New(ofApp[1:])), queryValues(ofApp)...)
}

// isBackup reports whether the query in the app is a platform's own, which everybody knows: its words mean no harm.
func (t Target) isBackup() bool {
	_, query := cutQuery(t.App)
	return slices.ContainsFunc(owners(t.Host), func(p Platform) bool { return query == "?"+p.backupQuery() })
}

// querySigns are what servers take for the end of an app or a key: live?token=1, live;token=1, live#1.
const querySigns = "?;#"

// cutQuery parts an app or a key from what follows it, which begins with its sign; "" when nothing does.
func cutQuery(text string) (bare, query string) {
	if i := strings.IndexAny(text, querySigns); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

func queryValues(query string) []secret.String {
	var values []secret.String
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return strings.ContainsRune(querySigns+"&", r) }) {
		_, value, found := strings.Cut(pair, "=")
		if !found {
			value = pair
		}
		values = append(values, secret.New(value))
	}
	return values
}
