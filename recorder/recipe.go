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
				"metadata":      "comment=" + describe(a),
				// A part may begin between two keyframes, where they are far apart: it goes on where the last one was torn.
				"copyinkf": "",
			},
		}},
		Dirs:         []string{filepath.Dir(name)},
		Watch:        []string{name},
		RollOnHeader: true,
	}, nil
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
