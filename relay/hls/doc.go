// Package hls packages a stream for browsers and players: the recipe of the packaging child, the HTTP handler that
// serves what it writes, and the janitor of old files.
//
// Each session has a folder, Dir/<stream>/<session>, with a playlist and segments whose names never return, so that
// segments can be cached for ever (RFC 8216 section 6.2.1). ffmpeg writes both; a child that takes over from another
// continues its playlist behind an EXT-X-DISCONTINUITY. The end of the playlist is written here: ffmpeg would end it
// each time a child ends.
//
// Janitor.Serve is one goroutine's; the handler starts none.
package hls
