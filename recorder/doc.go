// Package recorder records a stream to disk: the recipe of the recording child, the names of takes, the finisher that
// makes ordinary files of what children left, the black box that keeps what happened beside it, the janitor that keeps all
// of it within its room, and the clipper that makes files of the end of a take that is on.
//
// A take is fragmented MP4 while live: whatever dies, all but the last fragment plays. It has several parts where a child
// died, the relay was started again, a segment was full or the codec headers changed. When the session is over the
// finisher writes an ordinary file, of one part or of several that follow each other with the same headers, in the
// container and under the name that are asked for; once that is whole and on disk it takes their place. At no moment is
// there less than everything. What remains to be done is read from the files and their names, so a finisher that was
// killed goes on where it stood. Recovery does the same for folders whose relay is gone.
//
// Files of a session, in Dir/<stream>:
//
//	<start>.mp4, <start>.part2.mp4 …   the take
//	<start>.events.jsonl               the black box: see Entry
//	<start>.md                         what it tells, for people
//	clips/<UTC>.mp4                    clips: nobody removes them
//
// and below Dir, as the template of names says, by default in the take's place:
//
//	<name>.mp4, .mkv or .ts            a finished file
//	<name>.mp4.json                    what it holds: see Sidecar
//
// History tells what became of sessions that are over, from their black boxes.
//
// Finisher.Serve, BlackBox.Serve, Janitor.Serve and History.Serve are one goroutine's each; the finisher has another
// while it hashes a file, whose thread gives way to all others.
package recorder
