// Package egress is the gate between a push child and its platform. ffmpeg speaks plain RTMP to a loopback port; the
// gate holds the platform's socket: it dials, it speaks TLS with the certificate and the host name verified (ffmpeg
// by default gives the key to anyone with a self-signed certificate), and it knows how many bytes the platform has
// acknowledged. It changes no byte.
//
// Gate.Open dials before a child is started. Link.Serve carries the bytes; it starts one goroutine and waits for it.
// Nothing is queued here: TCP's own flow control reaches from the platform to the child.
package egress
