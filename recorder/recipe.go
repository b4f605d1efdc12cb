package recorder

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// Recipe records a stream into Dir/<stream>/<UTC start>.mp4, every packet as it came.
type Recipe struct {
	Dir string // of all recordings
}

// Job returns the recording child's job. It looks which names are taken, nothing more.
//
// A fragment is cut at each keyframe and after 2 s: that is what a crash can cost. The index is written with the first
// fragment (delay_moov) rather than before it: it then knows where each track begins, and audio and video stay together
// (with empty_moov a track with B-frames was 44 ms off, ffmpeg 5.1.9).
func (r Recipe) Job(a ffmpeg.Attempt) (ffmpeg.Job, error) {
	name, err := freeName(r.Dir, a.Stream, a.Session)
	if err != nil {
		return ffmpeg.Job{}, err
	}
	return ffmpeg.Job{
		Input: a.Input(),
		Outputs: []ffmpeg.Output{{
			URL: name,
			Options: ffmpeg.Options{
				"c": "copy", "f": "mp4",
				"movflags":      "+frag_keyframe+delay_moov+default_base_moof",
				"frag_duration": "2000000",
				"flush_packets": "1",
				"n":             "",
				"metadata":      "comment=" + describe(a.Session, a.Start),
				// A part may begin between two keyframes, where they are far apart: it goes on where the last one was torn.
				"copyinkf": "",
			},
		}},
		Dirs:         []string{filepath.Dir(name)},
		Watch:        []string{name},
		RollOnHeader: true,
	}, nil
}

// Files beside the one that is being made.
const (
	listMark     = ".list"     // which parts are joined
	chaptersMark = ".chapters" // its chapters
)

// finish is the job that makes an ordinary file of a fragmented one. chapters is a file of them, or empty.
func finish(from, to, chapters string) ffmpeg.Job {
	// A packet that is torn off at the end is left out: it could not be decoded.
	return remux(ffmpeg.Input{URL: from, Options: ffmpeg.Options{"fflags": "+discardcorrupt"}}, to, chapters)
}

// join is the job that makes one ordinary file of the parts that a list names. Their codec headers are the same: without
// auto_convert off, ffmpeg would write them into the pictures as well.
func join(list, to, chapters string) ffmpeg.Job {
	return remux(ffmpeg.Input{URL: list, Options: ffmpeg.Options{
		"f": "concat", "safe": "0", "auto_convert": "0", "fflags": "+discardcorrupt",
	}}, to, chapters)
}

func remux(from ffmpeg.Input, to, chapters string) ffmpeg.Job {
	out := ffmpeg.Output{
		URL:     to,
		Options: ffmpeg.Options{"c": "copy", "f": "mp4", "movflags": "+faststart", "y": ""},
	}
	job := ffmpeg.Job{Input: from, DieWithParent: true}
	if chapters != "" {
		job.Beside = []ffmpeg.Input{{URL: chapters, Options: ffmpeg.Options{"f": "ffmetadata"}}}
		out.Map = []string{"0:v?", "0:a?", "1:d?"} // it has no media; an input of which nothing is selected is left out
		out.Options["map_chapters"] = "1"
	}
	job.Outputs = []ffmpeg.Output{out}
	return job
}

// partList names the parts to be joined in ffmpeg's own form, the concat demuxer's. How long each is must be said: of
// a fragmented file ffmpeg knows only when it has read it, and begins the next too early.
func partList(base string, parts []*part) string {
	var b strings.Builder
	b.WriteString("ffconcat version 1.0\n")
	for _, p := range parts {
		// With its protocol a name is taken as it stands; without, a relative one would be looked for beside the list.
		name := strings.ReplaceAll(partName(base, p.number), "'", `'\''`)
		fmt.Fprintf(&b, "file 'file:%s'\nduration %.6f\n", name, p.lasts.Seconds())
	}
	return b.String()
}
