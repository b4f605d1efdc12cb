package ingest

import "time"

// Limits bounds what peers may cost.
type Limits struct {
	Connections  int           // at once, in all. Default 256
	PerIP        int           // at once, from one address (IPv6: one /64). Default 16
	Unauthorized int           // at once, of those that have not been let in yet. Default 64
	Handshake    time.Duration // from accept to a granted publish. Default 10 s
	Idle         time.Duration // without audio or video. Default 15 s
	Write        time.Duration // until a peer has taken what it is sent. Default 5 s
	Bitrate      int64         // bit/s of one publisher; more is read later. Default 100 Mb/s
}

// DefaultLimits returns the limits of a relay without configuration.
func DefaultLimits() Limits {
	return Limits{
		Connections: 256, PerIP: 16, Unauthorized: 64,
		Handshake: 10 * time.Second, Idle: 15 * time.Second, Write: 5 * time.Second, Bitrate: 100_000_000,
	}
}

const (
	// lingerTimeout is how long a peer may take to close after a goodbye or a refusal.
	lingerTimeout = time.Second
	// handshakeBytes are C0, C1 and C2 (RTMP 1.0 section 5.2).
	handshakeBytes = 1 + 1536 + 1536
	// commandBudget is what a peer may send between handshake and publish. ffmpeg, OBS and GStreamer send 0.3 KiB of
	// commands there (measured); libraries that publish without waiting for replies get their first frames in.
	commandBudget = 16 << 10
	// maxUnfinished bounds what the unfinished messages of a granted publish hold: the largest one and some more. Before
	// the grant it is commandBudget.
	maxUnfinished = 16 << 20
	// maxChunkStreams is what one connection may use; encoders use 4.
	maxChunkStreams = 64
	// Chunk sizes accepted. The smallest is the one connections begin with.
	minChunkSize = 128
	maxChunkSize = 1 << 20
	// maxInitBytes is the largest init packet: outputs keep them for as long as they stand still. Real ones have less
	// than 1 KiB.
	maxInitBytes = 64 << 10
	// minAckWindow keeps a peer from asking for a reply to every few bytes.
	minAckWindow = 64 << 10
	// maxAMFBytes and maxAMFDepth bound every AMF body before gortmplib's decoder, which recurses, sees it.
	maxAMFBytes = 64 << 10
	maxAMFDepth = 32
	// readBuffer is how much one read of the socket takes: 100 ms of 5 Mb/s.
	readBuffer = 64 << 10
)
