package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/flv"
	"github.com/restreamd/restreamd/relay/hold"
)

const (
	// stillLength is how long a picture lasts before it comes again.
	stillLength = 4 * time.Second
	// longestClip is how much of a clip is shown. All of it is held in memory: 60 MB at most.
	longestClip = 2 * time.Minute
	// slateGOP is the time between a slate's keyframes, in seconds.
	slateGOP = 2
	// slateBitrate is the most a slate takes, in bit/s: less than any platform's limit.
	slateBitrate = "4000000"
	// usualFPS is a slate's frame rate where the publisher does not tell its own.
	usualFPS = 30
)

// shape is what a slate must be like to go in the place of a publisher's media.
type shape struct {
	width, height  int // pixels, even
	fps            float64
	rate, channels int // of a clip's sound; 0: it must have none
}

// shapeOf reports false where a slate would be another codec than the publisher's, which ends a push: H.264 is what
// slates are. Sound of another codec than AAC stays the publisher's own, for the same reason.
func shapeOf(m relay.Media) (s shape, ok bool) {
	if m.Video.Codec != "H.264" || m.Video.Width < 2 || m.Video.Height < 2 {
		return s, false
	}
	s = shape{width: m.Video.Width &^ 1, height: m.Video.Height &^ 1, fps: usualFPS}
	if m.Video.FPS > 0 {
		s.fps = min(max(m.Video.FPS, 1), 120)
	}
	if m.Audio.Codec == "AAC" && m.Audio.Channels > 0 {
		s.rate, s.channels = m.Audio.Rate, m.Audio.Channels
	}
	return s, true
}

// slateJob makes a slate of a picture or a clip: H.264 without B-frames, so that it begins anew without a seam, and for
// a publisher with sound the clip's own, as long as the picture. It is thrifty with the processor: it runs beside a show.
func slateJob(file string, s shape) (ffmpeg.Job, error) {
	still, err := isStill(file)
	if err != nil {
		return ffmpeg.Job{}, fmt.Errorf("%w: put a picture or a clip there, or correct the name", err)
	}
	fps := strconv.FormatFloat(s.fps, 'f', -1, 64)
	size := fmt.Sprintf("%d:%d", s.width, s.height)
	filters := []string{
		"scale=" + size + ":force_original_aspect_ratio=decrease:force_divisible_by=2:out_color_matrix=bt709:out_range=tv",
		"pad=" + size + ":(ow-iw)/2:(oh-ih)/2", "setsar=1", "fps=" + fps, "format=yuv420p",
	}
	length := longestClip
	if still {
		length = stillLength
		filters = slices.Insert(filters, 3, "loop=loop=-1:size=1")
	}
	options := ffmpeg.Options{
		"f": "flv", "flvflags": "no_duration_filesize+no_sequence_end", "y": "",
		"t": strconv.FormatFloat(length.Seconds(), 'f', -1, 64), "filter:v": strings.Join(filters, ","), "filter_threads": "1",
		"c:v": "libx264", "preset": "veryfast", "profile:v": "high", "bf": "0", "threads:v": "1",
		"crf": "23", "maxrate": slateBitrate, "bufsize": slateBitrate,
		"g": strconv.Itoa(int(math.Round(s.fps * slateGOP))), "sc_threshold": "0",
		"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709", "color_range": "tv",
	}
	tracks := []string{"0:v:0"}
	if !still && s.rate > 0 {
		tracks = append(tracks, "0:a:0?")
		options["c:a"], options["b:a"] = "aac", "128000"
		options["ar"], options["ac"] = strconv.Itoa(s.rate), strconv.Itoa(s.channels)
		options["filter:a"], options["shortest"] = "apad", ""
	}
	return ffmpeg.Job{
		Input:         ffmpeg.Input{URL: "file:" + file},
		Outputs:       []ffmpeg.Output{{Options: options, Map: tracks}},
		DieWithParent: true,
	}, nil
}

// isStill tells a picture from a clip.
func isStill(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return strings.HasPrefix(http.DetectContentType(head[:n]), "image/"), nil
}

// readSlate reads what slateJob made.
func readSlate(file string, fps float64) (*hold.Slate, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var s hold.Slate
	var media []relay.Packet
	frames, start := 0, int64(0)
	for tags := flv.NewReader(f); ; {
		p, err := tags.Read()
		switch {
		case errors.Is(err, io.EOF):
			if frames == 0 {
				return nil, errors.New("the slate has no picture")
			}
			s.Length = time.Duration(float64(frames) / fps * float64(time.Second))
			s.Packets = append(s.Packets, within(media, start, s.Length)...)
			return &s, nil
		case err != nil:
			return nil, fmt.Errorf("read slate: %w", err)
		case p.Kind == relay.Script: // the publisher's stays
		case p.Slot != 0:
			s.Packets = append(s.Packets, p)
			s.Sound = s.Sound || p.Kind == relay.Audio
		default:
			if p.Kind == relay.Video {
				if frames++; frames == 1 {
					start = p.DTS
				}
			}
			media = append(media, p)
		}
	}
}

// within has the clock begin at start, and leaves out sound that is before that or after the end.
func within(packets []relay.Packet, start int64, length time.Duration) []relay.Packet {
	for i := range packets {
		packets[i].DTS -= start
	}
	packets = slices.DeleteFunc(packets, func(p relay.Packet) bool { return p.DTS < 0 || p.DTS >= length.Milliseconds() })
	slices.SortStableFunc(packets, func(a, b relay.Packet) int { return int(a.DTS - b.DTS) })
	return packets
}

// checkSlates tries every slate, as far as its first second.
func checkSlates(ctx context.Context, cfg *settings, env []string) error {
	var mistakes []error
	for _, s := range cfg.Streams {
		if s.Hold.Show != config.HoldSlate {
			continue
		}
		if err := checkSlate(ctx, cfg.FFmpeg, env, s.Hold.Slate); err != nil {
			mistakes = append(mistakes, usageError{fmt.Errorf("%s: streams.%s.hold.slate: %w", cfg.file, s.Name, err)})
		}
	}
	return errors.Join(mistakes...)
}

func checkSlate(ctx context.Context, exe string, env []string, file string) error {
	job, err := slateJob(file, shape{width: 640, height: 360, fps: usualFPS})
	if err != nil {
		return err
	}
	out := &job.Outputs[0]
	out.URL, out.Options["f"], out.Options["t"], out.Options["xerror"] = "pipe:1", "null", "1", ""
	if err := runJob(ctx, exe, env, job); err != nil {
		return fmt.Errorf("%s cannot be shown: it must be a whole picture (PNG, JPEG) or clip (MP4): %w", file, err)
	}
	return nil
}
