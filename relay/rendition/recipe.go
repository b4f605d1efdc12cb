package rendition

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// Recipe re-encodes a stream as Settings say. It needs ffmpeg 5.1, where -fps_mode came.
type Recipe struct {
	Settings
}

var _ ffmpeg.Recipe = Recipe{}

// Job implements ffmpeg.Recipe.
//
// A running child would live through a change of the codec header, and go on in the size it began with (5.1.9): a
// picture that turns from landscape to portrait comes out squeezed. So there a new child begins, which makes the same
// header again where the size is the same. A copied picture needs none: its own header goes through, and audio is
// resampled to what it was before.
func (r Recipe) Job(a ffmpeg.Attempt) (ffmpeg.Job, error) {
	if err := r.Validate(); err != nil {
		return ffmpeg.Job{}, fmt.Errorf("rendition job: %w", err)
	}
	if !a.Video && !a.Audio {
		return ffmpeg.Job{}, errors.New("rendition job: the stream has neither video nor audio")
	}
	s := r.withDefaults()
	options := ffmpeg.Options{
		"f": "flv", "flvflags": "no_duration_filesize",
		"flush_packets": "1",
	}
	var tracks []string
	if a.Video {
		tracks = append(tracks, "0:v:0")
		maps.Copy(options, s.video(a.FPS))
	}
	if a.Audio {
		tracks = append(tracks, "0:a:0")
		maps.Copy(options, s.audio())
	}
	input := a.Input()
	input.Options["threads"] = "2" // of the decoder: each delays by a frame, and one alone is too slow for 2160p60
	return ffmpeg.Job{
		Input:         input,
		Outputs:       []ffmpeg.Output{{URL: "pipe:1", Options: options, Map: tracks}},
		DieWithParent: true,
		RollOnHeader:  a.Video && !s.CopyVideo,
	}, nil
}

// video are the options of the video track. The frames' own timestamps are kept, in milliseconds as FLV has them: a
// gap stays a gap, where a constant frame rate would fill it with hundreds of frames.
func (s Settings) video(sourceFPS float64) ffmpeg.Options {
	if s.CopyVideo {
		return ffmpeg.Options{"c:v": "copy"}
	}
	family, _ := familyOf(s.Encoder)
	upload, options := ffmpeg.Upload(s.Encoder)
	maps.Copy(options, family.options)
	maps.Copy(options, ffmpeg.Options{
		"c:v": s.Encoder, "profile:v": "high",
		"b:v": bits(s.VideoBitrate), "maxrate": bits(s.VideoBitrate), "bufsize": bits(s.VideoBitrate),
		"force_key_frames": "source", "g": strconv.Itoa(s.keyframeInterval(sourceFPS)),
		"fps_mode": "passthrough", "enc_time_base:v": "1:1000",
		"filter:v": strings.Join(append(s.filters(), upload), ","), "filter_threads": "1",
		"threads:v": strconv.Itoa(s.threads()),
	})
	if s.Preset != "" {
		options["preset"] = s.Preset
	}
	return options
}

func (s Settings) audio() ffmpeg.Options {
	if s.CopyAudio {
		return ffmpeg.Options{"c:a": "copy"}
	}
	return ffmpeg.Options{
		"c:a": "aac", "b:a": bits(s.AudioBitrate),
		"ar": strconv.Itoa(s.AudioRate), "ac": strconv.Itoa(s.Channels),
	}
}

func bits(n int64) string { return strconv.FormatInt(n, 10) }

// filters drop frames first, so that those are not scaled.
func (s Settings) filters() []string {
	var filters []string
	if s.FPS > 0 {
		filters = append(filters, s.dropFrames())
	}
	width, height := "iw", "ih"
	if s.Width > 0 {
		width = fmt.Sprintf("min(iw,%d)", s.Width)
	}
	if s.Height > 0 {
		height = fmt.Sprintf("min(ih,%d)", s.Height)
	}
	return append(filters, fmt.Sprintf(
		"scale=w='%s':h='%s':force_original_aspect_ratio=decrease:force_divisible_by=2", width, height))
}

// dropFrames lets a frame pass when its time has come, register 0, or nearly: a third of a frame's time is left to
// sources with uneven timestamps. Keyframes always pass. ffmpeg's own fps filter drops every second keyframe of a
// source with an odd distance between them, and fills gaps with copies.
func (s Settings) dropFrames() string {
	fps := strconv.FormatFloat(s.FPS, 'f', -1, 64)
	early, step := "1/"+fps+"/3", "1/"+fps
	return fmt.Sprintf("select='if(key+gte(t,ld(0)-%s),1+0*st(0,max(ld(0),t-%s)+%s))'", early, early, step)
}

const (
	// slowestFPS is what a source of unknown frame rate is taken for: with more frames, keyframes come earlier than
	// they must, never later.
	slowestFPS = 24
	// noInterval is in frames, and five minutes long at 30 a second. h264_qsv has 16 bits for it.
	noInterval = 9999
)

// keyframeInterval is GOP in frames, which is how encoders want it.
func (s Settings) keyframeInterval(sourceFPS float64) int {
	if s.GOP == 0 {
		return noInterval
	}
	fps := cmp.Or(sourceFPS, s.FPS, slowestFPS)
	if s.FPS > 0 {
		fps = min(fps, s.FPS)
	}
	return min(max(int(s.GOP.Seconds()*fps), 1), noInterval)
}

// threads keep one rendition from taking every core.
func (s Settings) threads() int {
	if width, height := s.fit(usualWidth, usualHeight); width*height <= 1280*720 {
		return 2
	}
	return 4
}
