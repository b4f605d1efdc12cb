// Package ffmpeg describes ffmpeg commands and knows what ffmpeg says: Job becomes an argument list, Progress and
// Classify read its output, Probe learns what the installed one can do.
//
// It decides nothing about streams, runs no job by itself except those of Probe, and starts no goroutine of its own.
// Job.Args is the only place that touches ffmpeg-go, and only to build the argument list: running commands is the
// business of package process.
package ffmpeg

import (
	"time"

	"github.com/restreamd/restreamd/relay/secret"
)

// Job is one ffmpeg command, described. Recipes return it; nothing in it is ever changed afterwards.
type Job struct {
	Input   Input    // what is fed
	Beside  []Input  // further inputs, such as generated silence; selected as 1:a and so on. Default: none
	Outputs []Output // usually one

	// Watch are files of which at least one must change in size or time while media is fed. ffmpeg's own word is not
	// enough: on a full disk its HLS muxer exits with 0. Default: none are watched.
	Watch []string
	// Pace is how often, at least, one of the watched files changes while media is fed: after that time and at the next
	// keyframe. Default 0: as slowly as any file.
	Pace time.Duration
	// DieWithParent is for jobs without a file to finish: push and renditions.
	DieWithParent bool
	// RollOnHeader ends this child at a codec header that changes in mid-stream and starts another, because the
	// container it writes cannot change codecs.
	RollOnHeader bool
	// Dirs are folders that must be there before the job starts. Default: none are made.
	Dirs []string
}

// Input is where the media comes from.
type Input struct {
	URL     string
	Options Options
}

// Output is where the media goes.
type Output struct {
	URL     string
	Options Options
	// Map selects streams of the input, as ffmpeg's -map does. Default: all video and audio, where present. Script
	// data is left out, because most muxers refuse it.
	Map []string
	// Preset are options whose values are secret: they reach ffmpeg through an inherited pipe (-fpre).
	Preset []PresetLine
}

// PresetLine is one secret option of the output's protocol or muxer, such as rtmp_playpath.
type PresetLine struct {
	Option string
	Value  secret.String
}

// Options are ffmpeg's options by name, without the dash. An empty value makes the option a flag.
type Options map[string]string

// FLVInput is the child's stdin, carrying FLV. Its options were measured: the child starts within 0.3 s and keeps the
// first GOP. Plain FLV takes 1 s; -fflags nobuffer or a small -probesize throws the first GOP away.
func FLVInput() Input {
	return Input{URL: "pipe:0", Options: Options{"f": "flv", "fpsprobesize": "0", "analyzeduration": "0"}}
}

// Attempt is what a recipe needs to know of one attempt at an output.
type Attempt struct {
	Stream  string
	Session time.Time // start of the session, UTC
	Part    int       // how many children this session has had at this output before
	Gate    string    // host:port of the egress gate, empty without one
	// What the stream carries at the moment.
	Audio, Video bool
	FPS          float64 // frames a second of the video, 0 where that is unknown
	VideoCodec   string  // FourCC of the video, "" where there is none or it is not known

	// Zero is when the programme's time was 0 by the wall clock, and Begin the programme's time at the first packet the
	// child will be fed. A rendition has its source's: the same moment has the same time everywhere.
	Zero  time.Time
	Begin time.Duration
	// PictureFirst is whether that packet is a picture; else it is sound.
	PictureFirst bool
}

// Input is FLVInput for what the stream carries. Of a single track ffmpeg wants 5 s before it begins, unless it is told to
// look at next to nothing: then it begins within 0.5 s as with two, and no packet is lost (5.1.9).
func (a Attempt) Input() Input {
	in := FLVInput()
	if a.Audio != a.Video {
		in.Options["analyzeduration"] = "1"
	}
	return in
}

// Recipe makes the job for an attempt. It is a pure function: the same attempt gives the same job.
type Recipe interface {
	Job(Attempt) (Job, error)
}
