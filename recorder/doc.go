// Package recorder records a stream to disk: the recipe of the recording child, the names of takes, and the finisher
// that turns what a child left into an ordinary MP4 file.
//
// A take is fragmented while live: whatever dies, all but the last fragment plays. When the session is over the
// finisher writes a copy with its index in front beside it and, once that is whole and on disk, renames it over the
// first. At no moment is there less than one whole file. Nothing else is kept about a take: that it is unfinished is
// read from the file itself, so a finisher that was killed goes on where it stood.
//
// Finisher.Serve is one goroutine's; it starts none.
package recorder
