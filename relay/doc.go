// Package relay is the hub: it takes sealed packets from one publisher of a stream and hands the same pointers to
// every output. It knows init packets (metadata, codec headers), keyframes and decoding time, nothing else: it never
// decodes and never switches on a codec.
//
// It starts no goroutine. The publisher's goroutine writes (Publication.Write), each output's goroutine reads
// (Subscription.Read), and neither waits for the other.
//
// Lock order: Stream.mu, then Subscription.mu. Nothing is called back while either is held but
// what observes events, which must not call back itself.
//
// Back-pressure: there is none towards the publisher. A Subscription is bounded in bytes; when it is full it loses
// whole GOPs, counts them, and resumes at a keyframe. The GOP cache is bounded by MaxGOPBytes and MaxGOPPackets; a
// stream whose GOP does not fit is still relayed, but an output that joins waits for its next keyframe.
package relay
