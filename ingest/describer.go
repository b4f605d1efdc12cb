package ingest

import (
	"encoding/binary"

	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

// describer finds out from init packets what a publisher sends. It is for people: what it does not understand stays
// empty and is relayed all the same.
type describer struct{ relay.Media }

// see reads an init packet and reports whether it told anything.
func (d *describer) see(p relay.Packet) bool {
	switch p.Slot {
	case relay.HeaderSlot(relay.Video, 0):
		d.video(flv.Codec(p))
	case relay.HeaderSlot(relay.Audio, 0):
		d.audio(flv.Codec(p))
	case relay.MetadataSlot(relay.Script, 0):
		d.metadata(p.Body)
	default:
		return false
	}
	return true
}

// Names people know of FourCCs (Enhanced RTMP v2).
func codecName(fourCC string) string {
	switch fourCC {
	case "avc1":
		return "H.264"
	case "hvc1":
		return "HEVC"
	case "av01":
		return "AV1"
	case "vp09":
		return "VP9"
	case "vp08":
		return "VP8"
	case "mp4a":
		return "AAC"
	case "Opus":
		return "Opus"
	case "ac-3":
		return "AC-3"
	case "ec-3":
		return "E-AC-3"
	case "fLaC":
		return "FLAC"
	case ".mp3":
		return "MP3"
	}
	return printable(fourCC)
}

func (d *describer) video(fourCC string, config []byte) {
	d.Video = relay.VideoTrack{Codec: codecName(fourCC), FPS: d.Video.FPS}
	switch fourCC {
	case "avc1":
		d.avc(config)
	case "hvc1":
		d.hevc(config)
	}
}

// avc reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1).
func (d *describer) avc(b []byte) {
	if len(b) < 8 {
		return
	}
	d.Video.Profile = map[byte]string{66: "Baseline", 77: "Main", 88: "Extended", 100: "High", 110: "High 10", 122: "High 4:2:2", 244: "High 4:4:4"}[b[1]]
	n := int(binary.BigEndian.Uint16(b[6:]))
	if b[5]&31 == 0 || len(b) < 8+n {
		return
	}
	var sps h264.SPS
	if sps.Unmarshal(b[8:8+n]) != nil {
		return
	}
	d.Video.Width, d.Video.Height = sps.Width(), sps.Height()
	d.declaredFPS(sps.FPS())
}

// hevc reads an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 8.3.3.1) as far as its first SPS.
func (d *describer) hevc(b []byte) {
	const arrays, naluSPS = 22, 33
	if len(b) <= arrays {
		return
	}
	d.Video.Profile = map[byte]string{1: "Main", 2: "Main 10"}[b[1]&31]
	n := int(b[arrays])
	b = b[arrays+1:]
	for ; n > 0 && len(b) >= 3; n-- {
		typ, count := b[0]&63, int(binary.BigEndian.Uint16(b[1:]))
		b = b[3:]
		for ; count > 0 && len(b) >= 2; count-- {
			size := int(binary.BigEndian.Uint16(b))
			if len(b) < 2+size {
				return
			}
			var sps h265.SPS
			if typ == naluSPS && sps.Unmarshal(b[2:2+size]) == nil {
				d.Video.Width, d.Video.Height = sps.Width(), sps.Height()
				d.declaredFPS(sps.FPS())
				return
			}
			b = b[2+size:]
		}
	}
}

func (d *describer) declaredFPS(fps float64) {
	if fps > 0 && fps < 1000 {
		d.Video.FPS = fps
	}
}

func (d *describer) audio(fourCC string, config []byte) {
	d.Audio = relay.AudioTrack{Codec: codecName(fourCC)}
	var asc mpeg4audio.AudioSpecificConfig
	if fourCC == "mp4a" && asc.Unmarshal(config) == nil {
		d.Audio.Rate, d.Audio.Channels = asc.SampleRate, int(asc.ChannelConfig)
	}
}

// metadata reads onMetaData: the encoder's name, and a frame rate where the codec header has none.
func (d *describer) metadata(b []byte) {
	data, err := decodeAMF(b)
	if err != nil || len(data) < 2 {
		return
	}
	var object amf0.Object
	switch o := data[1].(type) {
	case amf0.Object:
		object = o
	case amf0.ECMAArray:
		object = amf0.Object(o)
	}
	if name, ok := object.GetString("encoder"); ok {
		d.Encoder = printable(name)
	}
	if fps, ok := object.Get("framerate"); ok && d.Video.FPS == 0 {
		if f, ok := fps.(float64); ok {
			d.declaredFPS(f)
		}
	}
}
