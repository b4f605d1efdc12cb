// Package httpapi is what people and machines see over HTTP: one consistent snapshot of the relay as JSON, as metrics
// and as a page; HLS and its player; health. Reading needs no token and the relay listens on loopback unless told
// otherwise; what changes anything needs the admin token.
//
// It starts no goroutine of its own; net/http has one for each connection. Answers are made when they are asked for.
package httpapi
