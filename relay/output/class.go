package output

import (
	"errors"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// Class is the sort of trouble an output is in: it decides how long the next try waits, and what a person should look
// at. The empty class is no trouble.
type Class string

// The classes.
const (
	DNS         Class = "dns"         // the platform's name cannot be looked up
	Refused     Class = "refused"     // nobody listens there
	Unreachable Class = "unreachable" // no route
	Timeout     Class = "timeout"     // no answer in time: to the connection, TLS, handshake or publish
	TLS         Class = "tls"         // the certificate is not to be trusted
	Loop        Class = "loop"        // it leads back to this relay
	Rejected    Class = "rejected"    // the platform answered and said no: wrong key, already publishing
	Busy        Class = "busy"        // it said no to a key that had worked: the last session is not over for it yet
	Closed      Class = "closed"      // it ended a session
	Wedged      Class = "wedged"      // it stopped taking media, or a child stopped writing
	Slow        Class = "slow"        // it takes less than is sent; the output runs
	Disk        Class = "disk"        // no space, or a file cannot be written
	Program     Class = "ffmpeg"      // the child failed for a reason of its own
)

// classed is an error that knows its class, such as the egress gate's.
type classed interface{ Class() string }

// trouble is a failure of a known class.
type trouble struct {
	error
	class Class
}

func (t trouble) Class() string { return string(t.class) }

func (t trouble) Unwrap() error { return t.error }

func classOf(err error) Class {
	var c classed
	if errors.As(err, &c) {
		return Class(c.Class())
	}
	return Program
}

// ofCause is the class of what ffmpeg said.
func ofCause(c ffmpeg.Cause) Class {
	switch c {
	case ffmpeg.CauseRejected:
		return Rejected
	case ffmpeg.CauseRefused, ffmpeg.CauseUnreachable, ffmpeg.CauseClosed:
		return Closed // through the gate these are all the platform's end
	case ffmpeg.CauseTimeout:
		return Timeout
	case ffmpeg.CauseDiskFull, ffmpeg.CauseFile:
		return Disk
	}
	return Program
}

// manners is how an output comes back after a failure of a class: one fast try, then min, twice as long each time up to
// max.
type manners struct{ fast, min, max time.Duration }

// mannersFor says how. Tries that end at the connection cost the platform nothing and may be frequent. A session that
// it ended must not be taken for a duplicate by the next one: back-offs of 1, 2, 4 s gave sessions that died at once
// (field reports). A key that is wrong stays wrong until somebody changes the file, which starts the output anew.
func mannersFor(c Class) manners {
	switch c {
	case DNS, Refused, Unreachable:
		return manners{500 * time.Millisecond, time.Second, 5 * time.Second}
	case Timeout, Wedged:
		// Such a try itself hangs for 10 to 15 s, so a platform sees one every 15 s at most.
		return manners{time.Second, 2 * time.Second, 5 * time.Second}
	case TLS:
		return manners{time.Second, 5 * time.Second, 7 * time.Second}
	case Closed:
		return manners{time.Second, 30 * time.Second, 5 * time.Minute}
	case Busy:
		return manners{2 * time.Second, 10 * time.Second, time.Minute}
	case Disk:
		return manners{500 * time.Millisecond, time.Second, 3 * time.Second} // a look at it costs nothing while it is full
	case Rejected, Loop:
		return manners{2 * time.Second, 5 * time.Minute, 5 * time.Minute}
	}
	return manners{500 * time.Millisecond, time.Second, 5 * time.Second}
}
