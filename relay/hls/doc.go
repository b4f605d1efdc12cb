// Package hls packages a stream for browsers and players: the recipes of the packaging children, the composer that makes
// playlists of what they write, the HTTP handler that serves it, and the janitor of old files.
//
// Each session has a folder, Dir/<stream>/<session>, with segments whose names never return, so that they can be cached
// for ever (RFC 8216 section 6.2.1). Children write segments and a small playlist each; what players read is written
// here alone, whole or not at all.
//
// Composer.Serve and Janitor.Serve are one goroutine's each; Composer.End may be called by any other. The handler starts
// none.
package hls
