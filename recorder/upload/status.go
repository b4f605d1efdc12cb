package upload

import "time"

// State is what becomes of a recording.
type State string

// The states of a recording, in their order.
const (
	Waiting   State = "waiting"
	Uploading State = "uploading"
	Verifying State = "verifying"
	Retrying  State = "retrying" // it failed, and waits for its next try
	Off       State = "off"      // nothing says where it goes
	Done      State = "done"
)

// States lists all there are.
func States() []State { return []State{Waiting, Uploading, Verifying, Retrying, Off, Done} }

// Status is a recording in the queue, or one that left it.
type Status struct {
	Stream  string
	File    string // below the folder of recordings
	Target  string // endpoint, bucket and object; "" before the first try
	State   State
	Since   time.Time
	Sent    int64 // bytes the store has, and those on their way
	Total   int64 // bytes of the file
	Tries   int   // that failed
	Class   Class // of the last failure, as long as it lasts
	Reason  string
	NextTry *time.Time
}

// Totals are sums since Serve began.
type Totals struct {
	Done     int64 // recordings
	Failures int64 // tries
	Sent     int64 // bytes of recordings, those that had to be sent again included
}
