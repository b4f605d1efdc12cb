// Package ingest is the front door: it accepts RTMP publishers, finds out who they are, and writes what they send,
// sealed, to a stream of the hub.
//
// It is built on gortmplib's handshake, rawmessage, amf0 and message packages and keeps every message's body as it
// came: codecs, captions and metadata nobody here knows pass through. A message that cannot be read is skipped and
// counted; it never ends a show.
//
// Server.Serve starts one goroutine for each connection and waits for all of them. A session is one goroutine that
// reads, writes its replies and feeds the hub; nothing is queued here. What a peer may cost before it proved who it
// is stands in limits.go.
package ingest
