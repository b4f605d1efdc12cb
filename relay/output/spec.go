package output

import (
	"cmp"
	"context"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/secret"
)

// ID names one output of one stream.
type ID struct {
	Stream string `json:"stream"`
	Kind   string `json:"kind"` // "record", "hls", "push", "rendition"
	Name   string `json:"name"` // the destination's name; for the others the same as Kind
}

// Spec is one wanted output.
type Spec struct {
	ID ID
	// Fingerprint changes when, and only when, the output must be started anew to be what is wanted.
	Fingerprint string
	// From is the stream to feed on. Default: ID.Stream.
	From string
	// Rest is why the output must not run for now. Default: it runs.
	Rest Rest
	// Target is where the media goes, for people: a URL without its key, a folder.
	Target  string
	Recipe  Recipe
	Gate    Gate            // nil: the child writes files
	Secrets []secret.String // never shown in the child's lines
	// Filing is for the recorder. Default: what is lost with a child is lost.
	Filing
	// FixedHeaders outputs are never shown a codec header that is not a publisher's own, and are started anew where that
	// changes. Default: they live through it.
	FixedHeaders bool
	// Delay holds the media back by as much.
	Delay time.Duration
	// AudioTrack is the audio track to take, 0 for the main one.
	AudioTrack uint8
	// Derived is where the media that the child writes to its stdout, as FLV, is published. nil: it writes none.
	Derived Derived
	// Finished is called when a session this output took part in is over for it and its last child is gone. It must
	// not take long.
	Finished func(ffmpeg.Attempt)
}

func (s Spec) queue() int {
	if s.Ledger != nil {
		return maxQueueLossless
	}
	return maxQueue + min(int(s.Delay.Seconds())*delayedSecond, maxQueueLossless)
}

func (s Spec) from() string { return cmp.Or(s.From, s.ID.Stream) }

// Rest is what an output shows that does not run. The zero value is no rest.
type Rest struct {
	State  State // Waiting or Off
	Class  Class
	Reason string
}

// Derived is a stream that one output makes of another. It has one publisher at a time, for a session.
type Derived interface {
	Publish(relay.Publisher) (*relay.Publication, error)
}

// Tool is the ffmpeg that does the work.
type Tool struct {
	Path string
	Env  []string // of every child
	// Reads reports whether it reads an FLV tag of that kind and body.
	Reads func(kind relay.Kind, body []byte) bool
}

// Recipe turns the circumstances of an attempt into an ffmpeg job.
type Recipe interface {
	Job(ffmpeg.Attempt) (ffmpeg.Job, error)
}

// Filing is how an output's files are kept.
type Filing struct {
	// Ledger is for an output that loses nothing, whatever becomes of its children. Default: it may.
	Ledger Ledger
	// Roll is how long a child's file may last: another takes over at the next keyframe. Default: there is no limit.
	Roll time.Duration
}

// Ledger tells what of a child's file is whole, so that the next child goes on exactly there.
type Ledger interface {
	// Marks lists the places behind a mark at which another file may take over, in their order. A file that is not there
	// has none.
	Marks(file string, behind ffmpeg.Mark) ([]ffmpeg.Mark, error)
	// Cut ends a file whose child is gone at a mark. One of which nothing is left goes.
	Cut(file string, at ffmpeg.Mark) error
}

// Source is the stream an output feeds on.
type Source interface {
	Subscribe(limit int) *relay.Subscription
	Session() (start time.Time, ok bool)
	FPS() float64 // frames a second; 0: not known
}

// Gate opens the way to a platform before a child is started for it, so that a platform that cannot be reached costs
// no child and is told apart from one that refuses.
type Gate interface {
	Open(ctx context.Context) (Link, error)
}

// Link is one opened way: the child connects to Addr, the platform is at the other end.
type Link interface {
	// Addr is the loopback host:port the child shall connect to.
	Addr() string
	// Serve carries bytes both ways until the child is done (nil), the platform ends it (why), or ctx is cancelled.
	Serve(ctx context.Context) error
	// Progress tells how far the platform has taken what the child pushed.
	Progress() Progress
}
