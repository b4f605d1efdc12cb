package output

import (
	"context"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/secret"
)

// ID names one output of one stream.
type ID struct {
	Stream string `json:"stream"`
	Kind   string `json:"kind"` // "record", "hls", "push"
	Name   string `json:"name"` // the destination's name; for the others the same as Kind
}

// Spec is one wanted output.
type Spec struct {
	ID ID
	// Fingerprint changes when, and only when, the output must be started anew to be what is wanted.
	Fingerprint string
	// Target is where the media goes, for people: a URL without its key, a folder.
	Target  string
	Recipe  Recipe
	Gate    Gate            // nil: the child writes files
	Secrets []secret.String // never shown in the child's lines
	// Lossless outputs may hold back far more before they lose anything: the recorder.
	Lossless bool
	// Finished is called when a session this output took part in is over for it and its last child is gone. It must
	// not take long.
	Finished func(ffmpeg.Attempt)
}

func (s Spec) queue() int {
	if s.Lossless {
		return maxQueueLossless
	}
	return maxQueue
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

// Source is the stream an output feeds on.
type Source interface {
	Subscribe(limit int) *relay.Subscription
	Session() (start time.Time, ok bool)
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
	// Progress is the number of bytes the platform has taken so far.
	Progress() int64
}
