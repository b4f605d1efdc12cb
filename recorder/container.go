package recorder

import (
	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// Container is what a finished recording is in. Live ones are fragmented MP4 whatever it is: of nothing else can be told
// from the disk, to the packet, what is safe.
type Container string

// Containers. MP4 is the default.
const (
	MP4 Container = "mp4" // the index in front: plays while it is being fetched
	MKV Container = "mkv" // takes any codec
	TS  Container = "ts"  // for broadcast gear; holds neither chapters nor dates
)

// extension is what names of finished files end in.
func (c Container) extension() string { return "." + string(c) }

// format is what ffmpeg calls it, reading and writing.
func (c Container) format() string {
	switch c {
	case MKV:
		return "matroska"
	case TS:
		return "mpegts"
	}
	return "mp4"
}

func isContainer(name string) bool {
	switch Container(name) {
	case MP4, MKV, TS:
		return true
	}
	return false
}

// Files beside the one that is being made.
const (
	listMark     = ".list"     // which parts are joined
	chaptersMark = ".chapters" // its chapters, and when it was recorded
)

// finish is the job that makes an ordinary file of a fragmented one. told is a file of what there is to say of it.
func (c Container) finish(from, to, told string) ffmpeg.Job {
	// A packet that is torn off at the end is left out: it could not be decoded.
	return c.remux(ffmpeg.Input{URL: from, Options: ffmpeg.Options{"fflags": "+discardcorrupt"}}, to, told)
}

// join is the job that makes one ordinary file of the parts that a list names. Their codec headers are the same: without
// auto_convert off, ffmpeg would write them into the pictures as well.
func (c Container) join(list, to, told string) ffmpeg.Job {
	return c.remux(ffmpeg.Input{URL: list, Options: ffmpeg.Options{
		"f": "concat", "safe": "0", "auto_convert": "0", "fflags": "+discardcorrupt",
	}}, to, told)
}

func (c Container) remux(from ffmpeg.Input, to, told string) ffmpeg.Job {
	options := ffmpeg.Options{"c": "copy", "f": c.format(), "map_metadata": "1", "map_chapters": "1", "copyinkf": "", "y": ""}
	if c == MP4 {
		options["movflags"] = "+faststart"
	}
	return ffmpeg.Job{
		Input:  from,
		Beside: []ffmpeg.Input{{URL: told, Options: ffmpeg.Options{"f": "ffmetadata"}}},
		Outputs: []ffmpeg.Output{{
			URL: to, Options: options,
			Map: []string{"0:v?", "0:a?", "1:d?"}, // it has no media; an input of which nothing is selected is left out
		}},
		DieWithParent: true,
	}
}

// readBack is the job that tells on its stdout of every packet a file holds. Without copyinkf it would leave out what
// comes before the first keyframe.
func (c Container) readBack(file string) ffmpeg.Job {
	return ffmpeg.Job{
		Input:         ffmpeg.Input{URL: file, Options: ffmpeg.Options{"f": c.format()}},
		Outputs:       []ffmpeg.Output{{URL: "pipe:1", Options: ffmpeg.Options{"c": "copy", "copyinkf": "", "f": "framecrc"}}},
		DieWithParent: true,
	}
}
