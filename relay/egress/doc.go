// Package egress is the gate between a push child and its platform. ffmpeg speaks plain RTMP to a loopback port; the
// gate holds the platform's socket: it dials, it speaks TLS with the certificate and the host name verified (ffmpeg
// by default gives the key to anyone with a self-signed certificate), and it knows how many bytes the platform has
// acknowledged, and since when it owes the next. It changes no byte.
//
// Gate.Open dials before a child is started. Link.Serve carries the bytes; it starts three goroutines and waits for
// them. Link.Delivery tells how far they have come. What goes wrong at the platform's side is an Error with a Class.
//
// Back-pressure: TCP's own flow control reaches from the platform to the child, with a slack of maxSlack bytes between
// them. All a child wrote before it closed, or reset, its socket arrives, if it was no further ahead than that.
//
// Plain connections are copied too, not spliced. A pipe of 1 MiB, the most that an ordinary user may have, would be
// slack without a copy, but it is 256 slots and a short write takes a whole one: of writes of 300 bytes it holds 76 KB,
// of 1400 bytes 344 KB, and the end of a show would be lost again. And it saves nothing that is felt: at 6 Mb/s copying
// takes 0.32 % of a core, splicing 0.28 %, because the wake-ups are what costs; flat out, at some 4 Gb/s, copying takes
// 1.3 ms a megabyte and splicing 0.5.
package egress
