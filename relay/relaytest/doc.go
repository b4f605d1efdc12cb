// Package relaytest is the test gear of the relay, made of real parts: media from ffmpeg, a publisher that is
// ffmpeg, stand-in platforms that speak RTMP on real sockets, and the relay itself as a separate process.
//
// It never judges what it carries: it records bytes, times and exit codes, and leaves the verdict to the test.
// Everything that can be compared is a hash of payload bytes, so a file, a recording and what a platform received
// have one common measure (see [VideoHashes]).
//
// Goroutines and processes it starts end with the test that asked for them, in the order they were asked for,
// reversed. It is for Linux: processes are looked up in /proc.
package relaytest
