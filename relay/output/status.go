package output

import (
	"time"

	"github.com/restreamd/restreamd/relay"
)

// State is where an output stands.
//
//	waiting ──stream on air──▶ starting ──media arrives at the other end──▶ running
//	   ▲                          ▲ │                                          │
//	   └──session over────────────┼─┴──────────────failed──────────────────────┤
//	                              └── retrying ◀───────────────────────────────┘
type State string

// The states of an output.
const (
	Waiting  State = "waiting"  // the stream is off air
	Starting State = "starting" // a child is being started or has shown nothing yet
	Running  State = "running"  // media arrives
	Retrying State = "retrying" // failed; the next try is at Status.NextTry
	Stopping State = "stopping" // the child gets no more and is finishing
	Off      State = "off"      // it must not run: see Reason
)

// States lists every state.
func States() []State { return []State{Waiting, Starting, Running, Retrying, Stopping, Off} }

// Status is an output's present state.
type Status struct {
	ID
	Target   string      `json:"target"`
	State    State       `json:"state"`
	Since    time.Time   `json:"since"`            // of State
	From     string      `json:"from,omitempty"`   // the stream it feeds on, where that is another
	Class    Class       `json:"class,omitempty"`  // of what is wrong
	Reason   string      `json:"reason,omitempty"` // what is wrong, for people; why the last child failed
	NextTry  *time.Time  `json:"next_try,omitempty"`
	Starts   int         `json:"starts"`   // children started
	Failures int         `json:"failures"` // children that failed, and ways that could not be opened
	Drops    relay.Drops `json:"drops"`
	// Unreadable counts packets left out because this ffmpeg does not know their codec or form.
	Unreadable int64 `json:"unreadable_packets,omitempty"`
	// Delivery is a push's proof, from its first try on.
	Delivery *Delivery `json:"delivery,omitempty"`
	Child
}

// Held is what waits, in bytes.
type Held struct {
	Memory int64 `json:"memory_bytes"`
	Disk   int64 `json:"disk_bytes"`
}

// Child is what an output's present child has done so far. Its last words outlive it, until the next one starts.
type Child struct {
	Pid     int      `json:"pid,omitempty"`
	Fed     int64    `json:"fed_bytes"`          // given to it
	OutTime float64  `json:"out_time,omitempty"` // media written, in seconds
	Lines   []string `json:"lines,omitempty"`    // its newest words
	Held    Held     `json:"held,omitzero"`      // waits for it, of an output that loses nothing
}
