package httpapi

import (
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/output"
)

// Reporter makes snapshots.
type Reporter interface {
	Snapshot() Snapshot
}

// Controller does what the API asks for. Its methods report whether there was anything to do it to.
type Controller interface {
	Retry(output.ID) bool          // try a failed output now instead of at its next try
	Disconnect(stream string) bool // end the publisher of a stream
	// Switch has another publisher feed a stream, at its next keyframe: the one with that key's name, or of that role.
	Switch(stream, to string) error
}

// Snapshot is the relay at one moment.
type Snapshot struct {
	Version  string    `json:"version"`
	FFmpeg   string    `json:"ffmpeg"` // its version
	Now      time.Time `json:"now"`
	Started  time.Time `json:"started"`
	Ready    bool      `json:"ready"` // publishers are accepted
	Streams  []Stream  `json:"streams"`
	Problems []Problem `json:"problems"`
	Alarms   []Alarm   `json:"alarms"` // what a person must look at now, by stream
	Ingest   Ingest    `json:"ingest"`
	Disk     Disk      `json:"disk"`
	Encoders Encoders  `json:"encoders"`
	Uploads  Uploads   `json:"uploads"`
}

// Ingest tells what became of all RTMP connections so far.
type Ingest struct {
	Open     int              `json:"open"`
	Pending  int              `json:"pending"`  // of those open: not yet let in
	Attempts map[string]int64 `json:"attempts"` // by "accepted" or the code of what refused or ended them
	Ends     map[string]int64 `json:"ends"`     // of those accepted, by the code of why
}

// Stream is a stream and its outputs.
type Stream struct {
	relay.StreamStatus
	Playback Playback `json:"playback"` // who may watch it
	Outputs  []Output `json:"outputs"`
}

// Output is an output, and what its platform would say of the stream.
type Output struct {
	output.Status
	Findings []Finding `json:"findings,omitempty"`
}

// Finding is one thing in which a stream is not what a platform wants.
type Finding struct {
	Code   string `json:"code"`
	Breaks bool   `json:"breaks"` // false: advice
	Text   string `json:"text"`   // with numbers
	Fix    string `json:"fix"`    // what to change in the encoder
}

// Encoders is what renditions cost, in CPU cores.
type Encoders struct {
	Budget  float64   `json:"budget"`
	Used    float64   `json:"used"`
	Running []Encoder `json:"running"`
	Refused []Refusal `json:"refused,omitempty"`
}

// Encoder is one rendition that is planned, and whom it is for.
type Encoder struct {
	Name  string   `json:"name"` // of the derived stream: main@720p
	Cores float64  `json:"cores"`
	For   []string `json:"for"`
}

// Refusal is a rendition that the budget has no room for.
type Refusal struct {
	For string `json:"for"`
	Why string `json:"why"`
}

// Problem is a file that is not as it should be.
type Problem struct {
	Destination string `json:"destination"` // "": restreamd.yml, or the folder of destinations
	Error       string `json:"error"`
	Kept        bool   `json:"kept"` // its last good version goes on
}

// Disk is the file system recordings and HLS are written to.
type Disk struct {
	Path  string `json:"path"`
	Free  int64  `json:"free_bytes"` // for this process
	Total int64  `json:"total_bytes"`
}
