package hls

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"strings"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	mp4codecs "github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	tscodecs "github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"
)

// facts are what a player wants to know of a variant before it loads any of it.
type facts struct {
	video, audio  string // RFC 6381; "": none, or not known
	width, height int
	fps           float64
}

// or keeps what was known where the newer facts could not be learnt.
func (f facts) or(newer facts) facts {
	if newer.codecs() == "" {
		return f
	}
	return newer
}

func (f facts) codecs() string {
	var all []string
	for _, c := range []string{f.video, f.audio} {
		if c != "" {
			all = append(all, c)
		}
	}
	return strings.Join(all, ",")
}

// factsOf looks into a segment: what it says of itself is true for renditions, too, and after a restart. A segment that
// cannot be read says nothing; the multivariant playlist then goes without.
func factsOf(dir string, g segment) facts {
	text, err := os.ReadFile(filepath.Join(dir, g.Name))
	if err != nil {
		return facts{}
	}
	var f facts
	var frames int
	if isFragment(g.Name) {
		start, err := os.ReadFile(filepath.Join(dir, g.Map))
		if err != nil {
			return facts{}
		}
		f, frames = factsOfFragment(start, text)
	} else {
		f, frames = factsOfTS(text)
	}
	if g.Length > 0 {
		f.fps = math.Round(float64(frames)/g.Length*1000) / 1000
	}
	return f
}

func factsOfTS(text []byte) (f facts, frames int) {
	r := &mpegts.Reader{R: bytes.NewReader(text)}
	if r.Initialize() != nil {
		return f, 0
	}
	for _, track := range r.Tracks() {
		switch codec := track.Codec.(type) {
		case *tscodecs.H264:
			r.OnDataH264(track, func(_, _ int64, unit [][]byte) error {
				frames++
				for _, nal := range unit {
					if len(nal) > 4 && h264.NALUType(nal[0]&31) == h264.NALUTypeSPS && f.video == "" {
						f.h264(nal)
					}
				}
				return nil
			})
		case *tscodecs.MPEG4Audio:
			f.audio = aac(codec.Config)
		case *tscodecs.MPEG1Audio:
			f.audio = "mp4a.40.34"
		}
	}
	for {
		err := r.Read()
		if err == io.EOF {
			return f, frames
		}
		if err != nil {
			return f, frames
		}
	}
}

func factsOfFragment(start, text []byte) (f facts, frames int) {
	var head fmp4.Init
	if head.Unmarshal(bytes.NewReader(start)) != nil {
		return f, 0
	}
	pictures := 0 // track
	for _, track := range head.Tracks {
		if track.Codec.IsVideo() {
			pictures = track.ID
		}
		switch codec := track.Codec.(type) {
		case *mp4codecs.H264:
			f.h264(codec.SPS)
		case *mp4codecs.H265:
			f.h265(codec.SPS)
		case *mp4codecs.AV1:
			f.av1(codec.SequenceHeader)
		case *mp4codecs.MPEG4Audio:
			f.audio = aac(codec.Config)
		case *mp4codecs.MPEG1Audio:
			f.audio = "mp4a.40.34"
		case *mp4codecs.Opus:
			f.audio = "opus"
		case *mp4codecs.AC3:
			f.audio = "ac-3"
		case *mp4codecs.EAC3:
			f.audio = "ec-3"
		case *mp4codecs.FLAC:
			f.audio = "fLaC"
		}
	}
	var parts fmp4.Parts
	if parts.Unmarshal(text) != nil {
		return f, 0
	}
	for _, p := range parts {
		for _, track := range p.Tracks {
			if track.ID == pictures {
				frames += len(track.Samples)
			}
		}
	}
	return f, frames
}

// h264 takes profile, constraints and level as the parameter set has them (RFC 6381 section 3.3).
func (f *facts) h264(nal []byte) {
	var sps h264.SPS
	if len(nal) < 4 || sps.Unmarshal(nal) != nil {
		return
	}
	f.video = fmt.Sprintf("avc1.%02X%02X%02X", nal[1], nal[2], nal[3])
	f.width, f.height = sps.Width(), sps.Height()
}

// h265 writes profile space and profile, compatibility flags in reverse, tier and level, constraints (ISO/IEC 14496-15
// annex E.3).
func (f *facts) h265(nal []byte) {
	var sps h265.SPS
	const head = 15 // bytes up to the level: 2 of NAL unit, 1, and 12 of profile, tier and level
	if sps.Unmarshal(nal) != nil || len(nal) < head {
		return
	}
	raw := nal[3:]
	space, tier, profile := raw[0]>>6, raw[0]>>5&1, raw[0]&31
	compatible := uint32(raw[1])<<24 | uint32(raw[2])<<16 | uint32(raw[3])<<8 | uint32(raw[4])
	f.video = fmt.Sprintf("hvc1.%s%d.%X.%c%d", strings.TrimPrefix(string("@ABC"[space]), "@"), profile,
		bits.Reverse32(compatible), "LH"[tier], raw[11])
	constraints := bytes.TrimRight(raw[5:11], "\x00")
	for _, c := range constraints {
		f.video += fmt.Sprintf(".%X", c)
	}
	f.width, f.height = sps.Width(), sps.Height()
}

// av1 writes profile, level, tier and bit depth (AV1 codec ISO media file format binding, section 5).
func (f *facts) av1(header []byte) {
	var seq av1.SequenceHeader
	if seq.Unmarshal(header) != nil || len(seq.SeqLevelIdx) == 0 {
		return
	}
	tier := byte('M')
	if len(seq.SeqTier) > 0 && seq.SeqTier[0] {
		tier = 'H'
	}
	f.video = fmt.Sprintf("av01.%d.%02d%c.%02d", seq.SeqProfile, seq.SeqLevelIdx[0], tier, cmp.Or(seq.ColorConfig.BitDepth, 8))
	f.width, f.height = seq.Width(), seq.Height()
}

func aac(c mpeg4audio.AudioSpecificConfig) string {
	kind := int(c.Type)
	if c.ExtensionType != 0 {
		kind = int(c.ExtensionType)
	}
	return fmt.Sprintf("mp4a.40.%d", cmp.Or(kind, int(mpeg4audio.ObjectTypeAACLC)))
}
