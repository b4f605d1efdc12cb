// Package recorder records a stream to disk: the recipe of the recording child, the names of takes, the finisher that
// makes ordinary MP4 files of what children left, the black box that keeps what happened beside it, the janitor that keeps
// all of it within its room, and the clipper that makes files of the end of a take that is on.
//
// A take is fragmented while live: whatever dies, all but the last fragment plays. It has several parts where a child
// died, the relay was started again or the codec headers changed. When the session is over the finisher writes an
// ordinary file with the index in front, of one part or of several that follow each other with the same headers; once
// that is whole and on disk it takes their place. At no moment is there less than everything. What remains to be done is
// read from the files and their names, so a finisher that was killed goes on where it stood.
//
// Files of a session, in Dir/<stream>:
//
//	<start>.mp4, <start>.part2.mp4 …   the take
//	<start>.events.jsonl               the black box: see Entry
//	<start>.md                         what it tells, for people
//	clips/<UTC>.mp4                    clips: nobody removes them
//
// Finisher.Serve, BlackBox.Serve and Janitor.Serve are one goroutine's each; they start none.
package recorder
