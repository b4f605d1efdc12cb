package egress

import "time"

// Delivery is how far a child's bytes have come, as the platform's kernel and ours tell. TCP acknowledges in order and
// only what was sent to it, so whatever chatter a platform sends, its acknowledgements move with the media or not at
// all. Over TLS the bytes are the child's, without what TLS adds.
type Delivery struct {
	Begun  bool  // a child has connected; all is zero before
	Sent   int64 // bytes handed to the kernel
	Acked  int64 // bytes the platform's kernel has acknowledged (TCP_INFO, tcpi_bytes_acked; Linux 4.1)
	Queued int64 // bytes taken from the child and not acknowledged yet, wherever they wait

	QueueAge time.Duration // how long the oldest of those has waited, up to 0.1 s too much; 0: none waits
	Bitrate  int64         // bit/s acknowledged over the last 4 s

	RTT         time.Duration // smoothed round trip to the platform's kernel
	Retransmits int64         // segments sent more than once
}
