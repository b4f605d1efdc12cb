// Package httpflv plays streams over HTTP as FLV, straight from the hub: no child, no file, and the latency of the
// encoder's own. It is for previews, ffplay, mpv, VLC and, in browsers, mpegts.js, which reads it by fetch: a WebSocket
// would carry the same bytes and add nothing.
//
// A viewer joins at the newest keyframe like any output and costs the hub one more subscription: tags are framed anew
// with the viewer's own timestamps, their bodies are the hub's. Whoever does not keep up loses whole GOPs; whoever does
// not read at all is sent away. Who may watch is decided before a request comes here.
//
// It starts no goroutine: net/http's of the connection does everything.
package httpflv
