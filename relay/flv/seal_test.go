package flv_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

// sealCase is one tag body and what the hub must know of it. The fuzz targets begin with the same bodies.
type sealCase struct {
	name   string
	kind   relay.Kind
	body   string
	slot   relay.Slot
	key    bool
	fourCC string // of a codec header
	config string
}

const onMetaData = "\x02\x00\x0aonMetaData\x08\x00\x00\x00\x00\x00\x00\x09"

var sealCases = []sealCase{
	{name: "AVC sequence header", kind: relay.Video, body: "\x17\x00\x00\x00\x00avcC",
		slot: relay.HeaderSlot(relay.Video, 0), fourCC: "avc1", config: "avcC"},
	{name: "AVC keyframe", kind: relay.Video, body: "\x17\x01\x00\x00\x2aNALU", key: true},
	{name: "AVC inter frame", kind: relay.Video, body: "\x27\x01\x00\x00\x00NALU"},
	{name: "AVC end of sequence", kind: relay.Video, body: "\x17\x02\x00\x00\x00"},
	{name: "HEVC header in the old form", kind: relay.Video, body: "\x1c\x00\x00\x00\x00hvcC",
		slot: relay.HeaderSlot(relay.Video, 0), fourCC: "hvc1", config: "hvcC"},
	{name: "HEVC keyframe in the old form", kind: relay.Video, body: "\x1c\x01\x00\x00\x00NALU", key: true},
	{name: "VP6 keyframe", kind: relay.Video, body: "\x14x", key: true},
	{name: "Sorenson inter frame", kind: relay.Video, body: "\x22x"},
	{name: "AAC sequence header", kind: relay.Audio, body: "\xaf\x00\x11\x90",
		slot: relay.HeaderSlot(relay.Audio, 0), fourCC: "mp4a", config: "\x11\x90"},
	{name: "AAC frame", kind: relay.Audio, body: "\xaf\x01raw"},
	{name: "MP3 frame", kind: relay.Audio, body: "\x2f"},

	{name: "HEVC SequenceStart", kind: relay.Video, body: "\x90hvc1hvcC",
		slot: relay.HeaderSlot(relay.Video, 0), fourCC: "hvc1", config: "hvcC"},
	{name: "HEVC CodedFrames, key", kind: relay.Video, body: "\x91hvc1\x00\x00\x21NALU", key: true},
	{name: "HEVC CodedFramesX, key", kind: relay.Video, body: "\x93hvc1NALU", key: true},
	{name: "HEVC CodedFramesX, inter", kind: relay.Video, body: "\xa3hvc1NALU"},
	{name: "HEVC SequenceEnd", kind: relay.Video, body: "\x92hvc1"},
	{name: "AV1 SequenceStart", kind: relay.Video, body: "\x90av01av1C",
		slot: relay.HeaderSlot(relay.Video, 0), fourCC: "av01", config: "av1C"},
	{name: "AV1 MPEG2TSSequenceStart", kind: relay.Video, body: "\x95av01desc",
		slot: relay.HeaderSlot(relay.Video, 0), fourCC: "av01", config: "desc"},
	{name: "colour metadata", kind: relay.Video, body: "\x94hvc1\x02\x00\x09colorInfo",
		slot: relay.MetadataSlot(relay.Video, 0)},
	{name: "metadata as a command frame", kind: relay.Video, body: "\xd4hvc1\x02\x00\x09colorInfo",
		slot: relay.MetadataSlot(relay.Video, 0)},
	{name: "start of seek", kind: relay.Video, body: "\xd0\x00"},
	{name: "Opus SequenceStart", kind: relay.Audio, body: "\x90OpusOpusHead",
		slot: relay.HeaderSlot(relay.Audio, 0), fourCC: "Opus", config: "OpusHead"},
	{name: "Opus CodedFrames", kind: relay.Audio, body: "\x91Opusraw"},
	{name: "Opus MultichannelConfig", kind: relay.Audio, body: "\x94Opus\x01\x02",
		slot: relay.ChannelsSlot(relay.Audio, 0)},

	{name: "second video track's header", kind: relay.Video, body: "\x96\x00avc1\x01avcC",
		slot: relay.HeaderSlot(relay.Video, 1), fourCC: "avc1", config: "avcC"},
	{name: "second video track's keyframe", kind: relay.Video, body: "\x96\x01avc1\x01\x00\x00\x00NALU"},
	{name: "first video track's keyframe", kind: relay.Video, body: "\x96\x01avc1\x00\x00\x00\x00NALU", key: true},
	{name: "third audio track's header", kind: relay.Audio, body: "\x95\x00mp4a\x02\x11\x90",
		slot: relay.HeaderSlot(relay.Audio, 2), fourCC: "mp4a", config: "\x11\x90"},
	{name: "third audio track's channels", kind: relay.Audio, body: "\x95\x04mp4a\x02\x01",
		slot: relay.ChannelsSlot(relay.Audio, 2)},
	{name: "many tracks' headers", kind: relay.Video, body: "\x96\x10avc1\x00\x00\x00\x02c0\x01\x00\x00\x02c1",
		slot: relay.HeaderSlot(relay.Video, 0), fourCC: "avc1", config: "c0"},
	{name: "many codecs' keyframes", kind: relay.Video, body: "\x96\x21avc1\x00\x00\x00\x02k0hvc1\x01\x00\x00\x02k1", key: true},

	{name: "ModEx, keyframe", kind: relay.Video, body: "\x97\x02\x01\x02\x03\x01hvc1\x00\x00\x00NALU", key: true},
	{name: "two ModEx, header", kind: relay.Video, body: "\x97\x00\x01\x07\x00\x01\x00hvc1hvcC",
		slot: relay.HeaderSlot(relay.Video, 0), fourCC: "hvc1", config: "hvcC"},
	{name: "large ModEx, header", kind: relay.Video, body: "\x97\xff\x01\x00" + string(make([]byte, 257)) + "\x00hvc1hvcC",
		slot: relay.HeaderSlot(relay.Video, 0), fourCC: "hvc1", config: "hvcC"},
	{name: "ModEx, second track's header", kind: relay.Video, body: "\x97\x00\x01\x06\x00hvc1\x01hvcC",
		slot: relay.HeaderSlot(relay.Video, 1), fourCC: "hvc1", config: "hvcC"},
	{name: "audio ModEx", kind: relay.Audio, body: "\x97\x00\x01\x01Opusraw"},

	{name: "onMetaData", kind: relay.Script, body: onMetaData, slot: relay.MetadataSlot(relay.Script, 0)},
	{name: "another script", kind: relay.Script, body: "\x02\x00\x0aonTextData"},
	{name: "script that is no AMF", kind: relay.Script, body: "\xff"},
}

func TestSeal(t *testing.T) {
	for _, tc := range sealCases {
		t.Run(tc.name, func(t *testing.T) {
			body := []byte(tc.body)
			p, err := flv.Seal(tc.kind, 0xFFFFFFFF, body)
			if err != nil {
				t.Fatal(err)
			}
			if p.Kind != tc.kind || p.DTS != 0xFFFFFFFF || p.Slot != tc.slot || p.Keyframe != tc.key {
				t.Errorf("sealed as %v at %d, slot %#x, keyframe %t; want slot %#x, keyframe %t",
					p.Kind, p.DTS, p.Slot, p.Keyframe, tc.slot, tc.key)
			}
			if &p.Body[0] != &body[0] || len(p.Body) != len(body) {
				t.Error("the body was copied")
			}
			if fourCC, config := flv.Codec(p); fourCC != tc.fourCC || string(config) != tc.config {
				t.Errorf("codec %q with %q, want %q with %q", fourCC, config, tc.fourCC, tc.config)
			}
		})
	}
}

func TestSealRefusesWhatEndsBeforeItsHeaderDoes(t *testing.T) {
	for name, tc := range map[string]sealCase{
		"empty video":           {kind: relay.Video},
		"empty audio":           {kind: relay.Audio},
		"empty script":          {kind: relay.Script},
		"AVC":                   {kind: relay.Video, body: "\x17\x00\x00\x00"},
		"AAC":                   {kind: relay.Audio, body: "\xaf"},
		"no FourCC":             {kind: relay.Video, body: "\x90"},
		"half a FourCC":         {kind: relay.Audio, body: "\x90Op"},
		"multitrack":            {kind: relay.Video, body: "\x96"},
		"multitrack, no track":  {kind: relay.Audio, body: "\x95\x00mp4a"},
		"many tracks, no size":  {kind: relay.Video, body: "\x96\x10avc1\x00\x00"},
		"many tracks, too long": {kind: relay.Video, body: "\x96\x10avc1\x00\x00\x00\x09c0"},
		"ModEx":                 {kind: relay.Video, body: "\x97"},
		"ModEx, no data":        {kind: relay.Video, body: "\x97\x04\x01"},
		"ModEx, no type":        {kind: relay.Video, body: "\x97\x00\x01"},
		"large ModEx":           {kind: relay.Video, body: "\x97\xff\x01"},
		"ModEx for ever":        {kind: relay.Video, body: "\x97" + string(bytes.Repeat([]byte("\x00\x01\x07"), 9)) + "hvc1"},
		"another kind":          {kind: relay.Kind(4), body: "\x17\x01\x00\x00\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			if p, err := flv.Seal(tc.kind, 0, []byte(tc.body)); !errors.Is(err, flv.ErrMalformed) || p.Slot != 0 || p.Keyframe {
				t.Errorf("sealed as %+v, %v", p, err)
			}
		})
	}
}

func TestSealAllocatesNothing(t *testing.T) {
	for _, tc := range sealCases {
		body := []byte(tc.body)
		if got := testing.AllocsPerRun(100, func() { _, _ = flv.Seal(tc.kind, 0, body) }); got != 0 {
			t.Errorf("%s: %v allocations", tc.name, got)
		}
	}
}

func FuzzSeal(f *testing.F) {
	for _, tc := range sealCases {
		f.Add(uint8(tc.kind), uint32(0), []byte(tc.body))
	}
	f.Fuzz(func(t *testing.T, kind uint8, ts uint32, body []byte) {
		before := bytes.Clone(body)
		p, err := flv.Seal(relay.Kind(kind), ts, body)
		fourCC, config := flv.Codec(p)
		switch {
		case !bytes.Equal(before, p.Body):
			t.Error("the body was changed")
		case p.DTS != int64(ts) || p.Kind != relay.Kind(kind):
			t.Errorf("sealed as %v at %d", p.Kind, p.DTS)
		case p.Keyframe && (p.Slot != 0 || p.Kind != relay.Video):
			t.Errorf("a keyframe of kind %v, slot %#x", p.Kind, p.Slot)
		case err != nil && (p.Slot != 0 || p.Keyframe):
			t.Errorf("malformed, and yet slot %#x, keyframe %t", p.Slot, p.Keyframe)
		case len(config) > len(body):
			t.Errorf("a configuration of %d bytes in %d", len(config), len(body))
		case fourCC == "" && err == nil && p.Slot == relay.HeaderSlot(p.Kind, 0):
			t.Error("a header without a codec")
		}
	})
}
