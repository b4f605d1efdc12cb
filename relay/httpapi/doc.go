// Package httpapi is what people and machines see over HTTP: one consistent snapshot of the relay as JSON, as metrics
// and as a page; HLS, HTTP-FLV and their player; health. Reading needs no token and the relay listens on loopback unless
// told otherwise; what changes anything needs the admin token.
//
// Whatever shows a stream stands behind Server.watched: a stream is for everybody, for viewers with a token, or for
// nobody. A token comes as ?token= and goes on in what playlists name, since a query is what every player carries. A
// shared cache keeps nothing of what was fetched with one: a CDN that shall keep it is given a public stream, and checks
// viewers itself.
//
// Peers cost what they are allowed to: connections are counted, and idle ones make room; headers, requests and each
// piece of an answer have their time. On loopback the relay goes by known names only.
//
// It starts no goroutine of its own; net/http has one for each connection. Answers are made when they are asked for.
package httpapi
