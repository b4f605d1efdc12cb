// Package ingest is the front door: it accepts RTMP publishers, finds out who they are, and writes what they send,
// sealed, to a stream of the hub.
//
// It is built on gortmplib's handshake, amf0 and message packages and keeps every message's body as it came: codecs,
// captions and metadata nobody here knows pass through. A message that cannot be read is skipped and counted; it never
// ends a show. Chunks are put together here (chunkReader), where their memory can be bounded.
//
// Server.Serve starts one goroutine for each connection, which reads, writes its replies and feeds the hub, and one more
// for each publisher, which closes the connection of one that was replaced. It waits for all of them. Nothing is queued
// here. What a peer may cost, before it proved who it is and after, stands in limits.go.
package ingest
