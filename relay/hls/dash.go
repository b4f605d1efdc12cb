package hls

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

const manifest = "manifest.mpd"

var dashPattern = regexp.MustCompile(`^((\d{8}T\d{6}Z)-dash-\d{1,16}-)\d{1,3}-(init|\d{1,9})\.m4s$`)

// DASHRecipe packages a stream into the same folder for players that know DASH alone. ffmpeg writes the manifest; it is of
// one child: after another took over, a player loads it again from its beginning.
type DASHRecipe struct {
	Dir     string
	Segment time.Duration // shortest length of a segment
	Window  int           // segments in the manifest
	// Clock is where players ask for the time, as seen from the manifest. Default: they ask whom they like; dash.js asks
	// time.akamai.com, which learns of every viewer.
	Clock string
}

// Job returns the packaging child's job. Segments that left the manifest stay as long again.
func (r DASHRecipe) Job(a ffmpeg.Attempt) (ffmpeg.Job, error) {
	session := a.Session.UTC().Format(stamp)
	dir := filepath.Join(r.Dir, a.Stream, session)
	index := filepath.Join(dir, manifest)
	prefix := fmt.Sprintf("%s-dash-%d-$RepresentationID$-", session, a.Zero.Add(a.Begin).UnixMilli()+int64(a.Part))
	options := ffmpeg.Options{
		"c": "copy", "f": "dash", "seg_duration": decimal(r.Segment),
		"window_size": strconv.Itoa(r.Window), "extra_window_size": strconv.Itoa(r.Window),
		"init_seg_name": prefix + "init.m4s", "media_seg_name": prefix + "$Number$.m4s",
	}
	if r.Clock != "" {
		options["utc_timing_url"] = r.Clock
	}
	return ffmpeg.Job{
		Input:        a.Input(),
		Outputs:      []ffmpeg.Output{{URL: index, Options: options}},
		Dirs:         []string{dir},
		Watch:        []string{index},
		Pace:         r.Segment,
		RollOnHeader: true,
	}, nil
}

// dashFile is the session of a DASH segment's name and what all segments of its child begin with; "" for other names.
func dashFile(name string) (session, child string) {
	m := dashPattern.FindStringSubmatch(strings.TrimSuffix(name, ".tmp"))
	if m == nil {
		return "", ""
	}
	return m[2], m[1]
}
