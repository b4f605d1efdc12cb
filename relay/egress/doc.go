// Package egress is the gate between a push child and its platform. ffmpeg speaks plain RTMP to a loopback port; the
// gate holds the platform's socket: it dials, it speaks TLS with the certificate and the host name verified (ffmpeg
// by default gives the key to anyone with a self-signed certificate), and it knows how many bytes the platform has
// acknowledged. It changes no byte.
//
// Gate.Open dials before a child is started. Link.Serve carries the bytes; it starts two goroutines and waits for them.
//
// Back-pressure: TCP's own flow control reaches from the platform to the child, with a slack of maxSlack bytes between
// them. All a child wrote before it closed, or reset, its socket arrives, if it was no further ahead than that.
package egress
