// Package flv frames packets as FLV (Adobe FLV 10.1, annex E; Enhanced RTMP v2) and back. It is pure: bytes in, bytes
// out, no goroutines.
//
// An RTMP audio, video or data message's body is an FLV tag's body, byte for byte, so nothing here ever copies or
// changes one. Only what the hub must know is read from it: which packets are init packets, and which are keyframes.
package flv
