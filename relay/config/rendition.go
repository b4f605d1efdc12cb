package config

import (
	"regexp"
	"slices"
	"time"
)

// Rendition is a transcoded form of a stream, made only while a destination or a playlist asks for it.
type Rendition struct {
	Name         string
	Width        int           // pixels, even, at most; default 0: what the height makes of it
	Height       int           // pixels, even, at most; default 0: what the width makes of it
	FPS          float64       // at most; default 0: as the source
	VideoBitrate int64         // bit/s; default 0: what suits the size
	AudioBitrate int64         // bit/s; default 128kbps
	Encoder      string        // default "libx264"
	Preset       string        // the encoder's word for speed; default "": what suits a live stream
	GOP          time.Duration // longest time between keyframes; default 0: the source's keyframes alone
}

// Encoders bounds what renditions may cost.
type Encoders struct {
	Budget float64 // CPU cores all of them may use; default 0: a share of the machine, which the caller knows
}

func (e *Encoders) read(s *section) {
	s.number("budget", &e.Budget, 0.1, 1024)
	s.close()
}

// readRenditions reads the mapping of names to renditions.
func readRenditions(all *section) []Rendition {
	var renditions []Rendition
	for _, e := range all.entries {
		if !validName.MatchString(e.key) {
			all.doc.fail(e.line, all.field, "not a name of a rendition", nameHint)
			continue
		}
		renditions = append(renditions, readRendition(e.key, all.section(e.key)))
	}
	return renditions
}

// presetWord is what every encoder's presets look like: veryfast, p4.
var presetWord = regexp.MustCompile(`^[a-z0-9]{1,16}$`)

func readRendition(name string, s *section) Rendition {
	r := Rendition{Name: name, AudioBitrate: 128 * kbps, Encoder: "libx264"}
	s.evenCount("width", &r.Width, 64, 7680)
	s.evenCount("height", &r.Height, 64, 4320)
	s.number("fps", &r.FPS, 1, 120)
	s.bitrate("video_bitrate", &r.VideoBitrate, 100*kbps, 100*mbps)
	s.bitrate("audio_bitrate", &r.AudioBitrate, 16*kbps, 512*kbps)
	s.choice("encoder", &r.Encoder, "libx264", "h264_nvenc", "h264_vaapi", "h264_qsv", "h264_videotoolbox")
	s.text("preset", &r.Preset)
	if r.Preset != "" && !presetWord.MatchString(r.Preset) {
		s.fail("preset", "not a preset", "write the encoder's own word, as in veryfast for libx264 or p4 for h264_nvenc")
	}
	s.duration("gop", &r.GOP, 250*time.Millisecond, 20*time.Second)
	s.close()
	if !s.broken && len(s.entries) == 0 {
		s.doc.fail(s.line, s.field, "says nothing", "set height or video_bitrate at least")
	}
	return r
}

// readRenditionNames reads the list of a stream's renditions for browsers.
func readRenditionNames(s *section, renditions []string) []string {
	var names []string
	for _, node := range s.list("renditions", "write renditions: [720p], or remove the line") {
		name, problem := scalarText(node)
		hint := nameHint
		if problem == "" {
			problem, hint = checkRendition(name, renditions)
		}
		if problem != "" {
			s.doc.fail(node.Line, s.path("renditions"), problem, hint)
			continue
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
