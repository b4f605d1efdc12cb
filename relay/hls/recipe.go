package hls

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// Kinds of segments: Recipe.Type.
const (
	Auto = "auto" // TS, or FMP4 where the codec needs it
	TS   = "ts"   // MPEG-TS: plays everywhere, H.264 only
	FMP4 = "fmp4" // fragmented MP4: the one way to browsers for HEVC and AV1
)

// partWindow is how many segments a child lists. The composer looks several times a second; what it misses while the
// machine stands still for that many segments is not listed.
const partWindow = 30

// Recipe packages a stream into Dir/<stream>/<session>.
type Recipe struct {
	Dir     string
	Segment time.Duration // shortest length of a segment; it ends at the first keyframe after that
	Type    string        // Auto, TS or FMP4; default Auto
}

// Job returns the packaging child's job: segments, and a small playlist of its own that the composer reads.
//
// The segments' timestamps are the programme's time, not the child's: a rendition's packager, or the next child of this
// one, gives the same moment the same timestamp (RFC 8216 section 6.2.4). Their numbers are the microseconds at which
// the child began, counted up, so that no name returns, whoever else packaged this session.
//
// ffmpeg's own append_list, which would have one playlist for all children, writes no EXT-X-DISCONTINUITY-SEQUENCE and
// lists fMP4 under the newest child's init segment alone (5.1.9).
func (r Recipe) Job(a ffmpeg.Attempt) (ffmpeg.Job, error) {
	session := a.Session.UTC().Format(stamp)
	dir := filepath.Join(r.Dir, a.Stream, session)
	begin := a.Zero.Add(a.Begin).UnixMilli()
	index := filepath.Join(dir, partsDir, fmt.Sprintf("%d-%d.m3u8", begin, a.Part))
	prefix := fmt.Sprintf("%s-%d", session, begin)
	options := ffmpeg.Options{
		"c": "copy", "f": "hls",
		"hls_time":                decimal(r.Segment),
		"hls_list_size":           strconv.Itoa(partWindow),
		"hls_flags":               "temp_file+omit_endlist",
		"hls_start_number_source": "epoch_us",
		"output_ts_offset":        decimal(a.Begin),
	}
	ending := ".ts"
	if !r.fragments(a.VideoCodec) {
		// Else the packet counters that begin anew count as a packet lost, and ffmpeg -xerror takes the playlist for broken.
		options["hls_segment_options"] = "mpegts_flags=+initial_discontinuity"
	} else {
		ending = ".m4s"
		options["hls_segment_type"] = "fmp4"
		if a.VideoCodec == "hvc1" {
			options["tag:v"] = "hvc1" // ffmpeg's own choice, hev1, does not play on Apple's devices
		}
		options["hls_fmp4_init_filename"] = fmt.Sprintf("../%s-%d-init.mp4", prefix, a.Part) // from the playlist's folder
	}
	options["hls_segment_filename"] = filepath.Join(strings.ReplaceAll(dir, "%", "%%"), prefix+"-%d"+ending)
	return ffmpeg.Job{
		Input:        a.Input(),
		Outputs:      []ffmpeg.Output{{URL: index, Options: options}},
		Dirs:         []string{filepath.Dir(index)},
		Watch:        []string{index},
		Pace:         r.Segment,
		RollOnHeader: true,
	}, nil
}

func (r Recipe) fragments(codec string) bool {
	switch r.Type {
	case TS:
		return false
	case FMP4:
		return true
	}
	return codec != "" && codec != "avc1"
}

// decimal is how ffmpeg reads a time, in seconds.
func decimal(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
