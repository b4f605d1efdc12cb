package hls

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

const (
	playlist = "index.m3u8"
	// stamp names a session's folder and begins the names of its segments.
	stamp = "20060102T150405Z"
)

// Recipe packages a stream into Dir/<stream>/<session>.
type Recipe struct {
	Dir     string
	Segment time.Duration // shortest length of a segment; it ends at the first keyframe after that
	Window  int           // segments in the playlist
}

// Job returns the packaging child's job. MPEG-TS segments play everywhere and need no init segment, so a change of
// codec header costs a discontinuity and nothing else.
//
// append_list puts an EXT-X-DISCONTINUITY before a child's first segment by itself; discont_start would put a second one
// before the first segment of all (ffmpeg 5.1.9).
//
// The first media sequence number is the session's start in seconds: segments are longer than a second on average, so
// numbers do not go back from one session to the next either.
func (r Recipe) Job(a ffmpeg.Attempt) (ffmpeg.Job, error) {
	session := a.Session.UTC().Format(stamp)
	dir := filepath.Join(r.Dir, a.Stream, session)
	index := filepath.Join(dir, playlist)
	return ffmpeg.Job{
		Input: a.Input(),
		Outputs: []ffmpeg.Output{{
			URL: index,
			Options: ffmpeg.Options{
				"c": "copy", "f": "hls",
				"hls_time":             strconv.FormatFloat(r.Segment.Seconds(), 'f', -1, 64),
				"hls_list_size":        strconv.Itoa(r.Window),
				"hls_delete_threshold": "3",
				"hls_flags":            "append_list+delete_segments+program_date_time+independent_segments+temp_file+omit_endlist",
				"hls_segment_filename": filepath.Join(strings.ReplaceAll(dir, "%", "%%"), fmt.Sprintf("%s-%d-%%d.ts", session, a.Part)),
				"start_number":         strconv.FormatInt(a.Session.Unix(), 10),
			},
		}},
		Dirs:         []string{dir},
		Watch:        []string{index},
		RollOnHeader: true,
	}, nil
}
