package ffmpeg

// Mark is a place in a file that a job writes, between two packets: everything before it stands whole on disk.
type Mark struct {
	Offset       int64 // in bytes
	Audio, Video Tally // before it
}

// Tally counts packets that hold frames.
type Tally struct {
	Packets, Bytes int64 // Bytes are those of the frames, without what a container puts around them
}
