package output

import "time"

// Progress is what a gate knows of the bytes a child pushed. All of it is 0 until a child has connected.
type Progress struct {
	Begun       bool          // a child has connected
	Sent        int64         // bytes handed to the kernel
	Acked       int64         // bytes the platform's kernel acknowledged
	Queued      int64         // bytes taken from the child and not acknowledged
	QueueAge    time.Duration // how long the oldest of those has waited
	Bitrate     int64         // bit/s acknowledged lately
	RTT         time.Duration
	Retransmits int64 // segments sent again
}

// Grade says how far the proof of delivery goes. No platform tells over RTMP whether anybody can watch: bytes that its
// kernel acknowledged are the strongest proof there is without its own API.
//
//	none ─▶ connecting ──child connected──▶ publishing ──media sent──▶ sent ──media acknowledged──▶ acked
//	                                                                    ▲                            │
//	                                                                    └──the oldest byte is late───┘
type Grade string

// The grades, weakest first.
const (
	None       Grade = "none"       // there is no connection
	Connecting Grade = "connecting" // to the platform, or waiting for the child
	Publishing Grade = "publishing" // handshake and commands
	Sent       Grade = "sent"       // media was handed to the kernel, and the platform's is behind or silent
	Acked      Grade = "acked"      // the platform's kernel acknowledges what it is sent
)

// Grades lists every grade, weakest first.
func Grades() []Grade { return []Grade{None, Connecting, Publishing, Sent, Acked} }

const (
	// chatter is how many bytes are more than talk: an RTMP handshake and its commands take 3.5 KB.
	chatter = 8 << 10
	// late is how old the oldest byte may be that is not acknowledged. Healthy platforms take a round trip; commands
	// and pongs cannot make up for media, because TCP acknowledges in order.
	late = 3 * time.Second
	// tight is the same for a platform that is slow: it takes all, but not in time.
	tight = 1500 * time.Millisecond
)

// Delivery is the proof of delivery of a push.
type Delivery struct {
	Grade Grade     `json:"grade"`
	Since time.Time `json:"since"` // of Grade
	// Proved is when the platform last acknowledged media.
	Proved      *time.Time `json:"proved,omitempty"`
	Sent        int64      `json:"sent_bytes"`
	Acked       int64      `json:"acked_bytes"`
	Queued      int64      `json:"queued_bytes"`
	QueueAge    float64    `json:"queue_age"` // seconds
	Bitrate     int64      `json:"bitrate"`   // bit/s acknowledged
	RTT         float64    `json:"rtt"`       // seconds
	Retransmits int64      `json:"retransmits"`
}

// at returns a delivery of a new connection, or of none, that remembers the last proof.
func (d *Delivery) at(g Grade) *Delivery {
	next := &Delivery{Grade: g, Since: time.Now()}
	if d != nil {
		next.Proved = d.Proved
	}
	return next
}

// update takes the newest progress.
func (d *Delivery) update(p Progress, now time.Time) {
	if p.Acked > max(d.Acked, chatter) {
		d.Proved = &now
	}
	d.Sent, d.Acked, d.Queued, d.Bitrate, d.Retransmits = p.Sent, p.Acked, p.Queued, p.Bitrate, p.Retransmits
	d.QueueAge, d.RTT = p.QueueAge.Seconds(), p.RTT.Seconds()
	if g := grade(p); g != d.Grade {
		d.Grade, d.Since = g, now
	}
}

func grade(p Progress) Grade {
	switch {
	case !p.Begun:
		return Connecting
	case p.Sent <= chatter:
		return Publishing
	case p.Acked <= chatter, p.QueueAge > late:
		return Sent
	}
	return Acked
}
