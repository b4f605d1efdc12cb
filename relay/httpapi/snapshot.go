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
	Ingest   Ingest    `json:"ingest"`
	Disk     Disk      `json:"disk"`
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
	Outputs []output.Status `json:"outputs"`
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
