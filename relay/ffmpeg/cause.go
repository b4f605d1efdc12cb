package ffmpeg

import (
	"strings"
	"syscall"

	"github.com/restreamd/restreamd/relay/process"
)

// Cause is what ffmpeg's last words mean for a person.
type Cause string

// The causes. What a job wrote to the network tells less than the egress gate knows; these are for the rest.
const (
	CauseNone        Cause = ""             // it ended in order, or because it was asked to
	CauseRejected    Cause = "rejected"     // the server answered and said no: wrong key, already publishing, no such app
	CauseRefused     Cause = "refused"      // nobody listens there
	CauseUnreachable Cause = "unreachable"  // no such host, no route
	CauseTimeout     Cause = "timeout"      // no answer in time
	CauseClosed      Cause = "closed"       // the peer ended the connection
	CauseDiskFull    Cause = "disk full"    // no space or quota left
	CauseFile        Cause = "file"         // a file cannot be written: exists, no such folder, no permission, read-only
	CauseInput       Cause = "input"        // it found no usable media on its stdin
	CauseUnsupported Cause = "unsupported"  // this ffmpeg lacks an option, codec, muxer or protocol the job needs
	CauseKilled      Cause = "killed"       // a signal that was not ours: out of memory, or somebody's hand
	CauseNotStarted  Cause = "not started"  // the executable could not be run
	CauseOther       Cause = "unclassified" // see the lines
)

// Classify reads the last lines of stderr, oldest first. Exit code 0 proves little (a full disk ends the HLS muxer
// with 0), so the lines are read all the same; words that follow from an earlier cause come later in the order below.
func Classify(lines []string, exit process.Exit) Cause {
	if exit.Pid == 0 && exit.Err != nil && !exit.Asked {
		return CauseNotStarted
	}
	if exit.Asked {
		return CauseNone
	}
	text := strings.Join(lines, "\n")
	for _, sign := range signs() {
		for _, words := range sign.words {
			if strings.Contains(text, words) {
				return sign.cause
			}
		}
	}
	switch {
	case exit.Signal != 0 && !exit.Forced:
		return CauseKilled
	case exit.Code == 0 && exit.Err == nil:
		return CauseNone
	}
	return CauseOther
}

type sign struct {
	cause Cause
	words []string
}

// signs are words of ffmpeg 5.1.9, most telling first: a refused publish is followed by "Operation not permitted" and
// "Broken pipe", which alone would mean less.
func signs() []sign {
	return []sign{
		{CauseRejected, []string{"Server error: "}}, // what follows is the server's own text and may say anything
		{CauseDiskFull, []string{"No space left on device", "Disk quota exceeded"}},
		{CauseRefused, []string{"Connection refused"}},
		{CauseUnreachable, []string{"Failed to resolve hostname", "No route to host", "Network is unreachable"}},
		{CauseTimeout, []string{"Connection timed out", "Operation timed out"}},
		{CauseClosed, []string{
			"Connection reset by peer", "Broken pipe", "Cannot read RTMP handshake response", "End of file",
		}},
		{CauseUnsupported, []string{
			"Unrecognized option", "Option not found", "Unknown encoder", "Protocol not found",
			"is not a suitable output format", "Encoder not found", "Decoder not found", "Muxer not found",
			"codec not currently supported in container", "not compatible with flv", "not supported in FLV",
		}},
		{CauseInput, []string{
			"could not find codec parameters", "pipe:0: Invalid data found", "dimensions not set",
			"does not contain any stream", "matches no streams",
		}},
		{CauseFile, []string{
			"already exists. Exiting.", "No such file or directory", "Permission denied", "Read-only file system",
			"Is a directory", "File name too long",
		}},
		{CauseClosed, []string{": Input/output error"}}, // a server that hangs up before it answers the publish
	}
}

// FileError is the error of the file system that a job which writes files ended with, as its last lines tell. The words
// are libc's: those of a job that writes to the network may mean its peer.
func FileError(lines []string) (err syscall.Errno, found bool) {
	text := strings.Join(lines, "\n")
	for _, err := range []syscall.Errno{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO, syscall.EACCES, syscall.EPERM, syscall.ENOENT, syscall.ENOTDIR, syscall.EISDIR,
	} {
		if strings.Contains(text, words(err)) {
			return err, true
		}
	}
	return 0, false
}

// words are libc's for an error: Go's, but for the capital letter they begin with.
func words(err syscall.Errno) string {
	text := err.Error()
	return ": " + strings.ToUpper(text[:1]) + text[1:]
}
