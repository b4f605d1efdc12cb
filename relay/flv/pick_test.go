package flv_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// pickCase is one tag and what a listener to one of its tracks gets: want is "" for nothing.
type pickCase struct {
	name  string
	body  string
	track uint8
	want  string
}

// Bodies after the tables "ExAudioTagHeader" and "ExAudioTagBody" of Enhanced RTMP v2.
var pickCases = []pickCase{
	{"legacy AAC is track 0", "\xaf\x01raw", 0, "\xaf\x01raw"},
	{"legacy AAC is no other track", "\xaf\x01raw", 1, ""},
	{"legacy AAC header is no other track", "\xaf\x00\x11\x90", 1, ""},
	{"legacy MP3", "\x2fmp3", 0, "\x2fmp3"},
	{"legacy Speex of one byte", "\xb2", 0, "\xb2"},
	{"legacy AAC cut short", "\xaf", 0, ""},
	{"empty", "", 0, ""},
	{"single track", "\x91Opusraw", 0, "\x91Opusraw"},
	{"single track with a modifier", "\x97\x00\x01\x01Opusraw", 0, "\x97\x00\x01\x01Opusraw"},
	{"single track is no other", "\x91Opusraw", 1, ""},
	{"single track cut short", "\x91Opu", 0, ""},

	{"AAC header", "\x95\x00mp4a\x01\x11\x90", 1, "\xaf\x00\x11\x90"},
	{"AAC frame", "\x95\x01mp4a\x01raw", 1, "\xaf\x01raw"},
	{"AAC frame of track 255", "\x95\x01mp4a\xffraw", 255, "\xaf\x01raw"},
	{"AAC frame of track 0", "\x95\x01mp4a\x00raw", 0, "\xaf\x01raw"},
	{"AAC frame of another track", "\x95\x01mp4a\x02raw", 1, ""},
	{"AAC end", "\x95\x02mp4a\x01", 1, ""},
	{"AAC channels", "\x95\x04mp4a\x01\x01\x02\x00\x00\x00\x03", 1, ""},
	{"AAC header without a configuration", "\x95\x00mp4a\x01", 1, ""},
	{"AAC frame of nothing", "\x95\x01mp4a\x01", 1, ""},
	{"MP3 header", "\x95\x00.mp3\x01?", 1, ""},
	{"MP3 frame", "\x95\x01.mp3\x01raw", 1, "\x2fraw"},
	{"Opus header", "\x95\x00Opus\x01OpusHead", 1, "\x90OpusOpusHead"},
	{"Opus frame", "\x95\x01Opus\x01raw", 1, "\x91Opusraw"},
	{"Opus end", "\x95\x02Opus\x01", 1, "\x92Opus"},
	{"Opus channels", "\x95\x04Opus\x01\x01\x06\x00\x00\x06\x0f", 1, "\x94Opus\x01\x06\x00\x00\x06\x0f"},
	{"reserved type", "\x95\x03Opus\x01raw", 1, ""},
	{"multitrack in multitrack", "\x95\x05mp4a\x01raw", 1, ""},
	{"modifier in multitrack", "\x95\x07Opus\x01\x00\x00\x01", 1, ""},

	{"first of many tracks", "\x95\x11mp4a\x00\x00\x00\x02r0\x01\x00\x00\x03r11", 0, "\xaf\x01r0"},
	{"second of many tracks", "\x95\x11mp4a\x00\x00\x00\x02r0\x01\x00\x00\x03r11", 1, "\xaf\x01r11"},
	{"none of many tracks", "\x95\x11mp4a\x00\x00\x00\x02r0\x01\x00\x00\x03r11", 2, ""},
	{"header of many tracks", "\x95\x10mp4a\x00\x00\x00\x02\x11\x90\x02\x00\x00\x02\x12\x10", 2, "\xaf\x00\x12\x10"},
	{"first of many codecs", "\x95\x21mp4a\x00\x00\x00\x02r0Opus\x01\x00\x00\x02r1", 0, "\xaf\x01r0"},
	{"second of many codecs", "\x95\x21mp4a\x00\x00\x00\x02r0Opus\x01\x00\x00\x02r1", 1, "\x91Opusr1"},
	{"wanted track longer than its tag", "\x95\x11mp4a\x00\x00\x00\x02r0\x01\x00\x00\x09r1", 1, ""},
	{"track before a bad one", "\x95\x11mp4a\x00\x00\x00\x02r0\x01\x00\x00\x09r1", 0, "\xaf\x01r0"},
	{"track of no size", "\x95\x11mp4a\x00\x00\x00\x02r0\x01\x00", 1, ""},
	{"second codec cut short", "\x95\x21mp4a\x00\x00\x00\x02r0Opu", 1, ""},
	{"multitrack cut short", "\x95", 0, ""},
	{"multitrack without a FourCC", "\x95\x01mp4", 0, ""},
	{"multitrack without a track", "\x95\x01mp4a", 0, ""},
	{"multitrack behind a modifier", "\x97\x02\x00\x00\x01\x05\x01mp4a\x01raw", 1, "\xaf\x01raw"},
	{"modifier for ever", "\x97" + string(bytes.Repeat([]byte("\x00\x01\x07"), 9)) + "mp4araw", 0, ""},
}

func TestPick(t *testing.T) {
	for _, tc := range pickCases {
		t.Run(tc.name, func(t *testing.T) {
			sealed, _ := flv.Seal(relay.Audio, 0, []byte(tc.body))
			sealed.Arrived, sealed.DTS, sealed.Keyframe = time.Unix(1, 2), 1<<40, true
			before := sealed
			before.Body = bytes.Clone(sealed.Body)
			p, ok := flv.Pick(&sealed, tc.track)
			if ok != (tc.want != "") || (p != nil) != ok {
				t.Fatalf("picked %+v, %t", p, ok)
			}
			if !bytes.Equal(sealed.Body, before.Body) || sealed.Slot != before.Slot || sealed.DTS != before.DTS {
				t.Errorf("the packet was changed: %+v, was %+v", sealed, before)
			}
			if !ok {
				return
			}
			if string(p.Body) != tc.want {
				t.Errorf("picked %q, want %q", p.Body, tc.want)
			}
			if (p == &sealed) != (tc.want == tc.body) {
				t.Error("copied what could pass, or passed what was unwrapped")
			}
			again, err := flv.Seal(relay.Audio, 0, p.Body)
			if err != nil || p.Slot != again.Slot {
				t.Errorf("slot %#x, sealed again %#x, %v", p.Slot, again.Slot, err)
			}
			if p.Kind != relay.Audio || p.DTS != 1<<40 || !p.Arrived.Equal(time.Unix(1, 2)) || !p.Keyframe {
				t.Errorf("picked %+v", p)
			}
		})
	}
}

func TestPickedInitPacketsAreThoseOfAnOnlyTrack(t *testing.T) {
	for body, want := range map[string]relay.Slot{
		"\x95\x00mp4a\x02\x11\x90":                                     relay.HeaderSlot(relay.Audio, 0),
		"\x95\x00Opus\x02OpusHead":                                     relay.HeaderSlot(relay.Audio, 0),
		"\x95\x04Opus\x02\x00\x02":                                     relay.ChannelsSlot(relay.Audio, 0),
		"\x95\x10mp4a\x01\x00\x00\x02\x11\x90\x02\x00\x00\x02\x12\x10": relay.HeaderSlot(relay.Audio, 0),
		"\x95\x01mp4a\x02raw":                                          0,
	} {
		sealed, err := flv.Seal(relay.Audio, 0, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := flv.Pick(&sealed, 2); !ok || p.Slot != want {
			t.Errorf("%q picked as %+v, want slot %#x", body, p, want)
		}
	}
}

func TestPickLetsOtherKindsPass(t *testing.T) {
	for _, tc := range sealCases {
		if tc.kind == relay.Audio {
			continue
		}
		sealed, err := flv.Seal(tc.kind, 0, []byte(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := flv.Pick(&sealed, 1); !ok || p != &sealed {
			t.Errorf("%s: %+v, %t", tc.name, p, ok)
		}
	}
}

// wrap is a legacy AAC packet as track 1 of a multitrack tag, as OBS sends it.
func wrap(t *testing.T, p relay.Packet) relay.Packet {
	t.Helper()
	body := append([]byte{0x95, p.Body[1], 'm', 'p', '4', 'a', 1}, p.Body[2:]...)
	wrapped, err := flv.Seal(relay.Audio, uint32(p.DTS), body)
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

func TestFFmpegDecodesThePickedTrack(t *testing.T) {
	source := relaytest.Media(t, relaytest.Duration(2*time.Second))
	file, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	packets, _ := readAll(bytes.NewReader(file))
	var both, picked []relay.Packet
	for _, p := range packets {
		if p.Kind == relay.Audio {
			silence := append([]byte{0xAF, p.Body[1]}, "not this track"...)
			both = append(both, relay.Packet{Kind: relay.Audio, DTS: p.DTS, Body: silence}, wrap(t, p))
			continue
		}
		both = append(both, p)
	}
	for i := range both {
		if p, ok := flv.Pick(&both[i], 1); ok {
			picked = append(picked, *p)
		}
	}
	path := filepath.Join(t.TempDir(), "picked.flv")
	if err := os.WriteFile(path, frame(true, true, picked), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ffmpeg", "-hide_banner", "-loglevel", "warning", "-nostdin", "-xerror",
		"-err_detect", "explode", "-i", path, "-map", "0:v", "-map", "0:a", "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("decode: %v\n%s", err, out)
	}
	if want := relaytest.AudioHashes(t, source); len(want) < 90 || !slices.Equal(relaytest.AudioHashes(t, path), want) {
		t.Error("the audio is not that of the source")
	}
	if !slices.Equal(relaytest.VideoHashes(t, path), relaytest.VideoHashes(t, source)) {
		t.Error("the video is not that of the source")
	}
}

func TestPickAllocatesForUnwrappedTagsOnly(t *testing.T) {
	for _, body := range []string{"\xaf\x01raw", "\x91Opusraw", "\x95\x01mp4a\x01raw"} {
		p := &relay.Packet{Kind: relay.Audio, Body: []byte(body)}
		if got := testing.AllocsPerRun(100, func() { flv.Pick(p, 0) }); got != 0 {
			t.Errorf("%q: %v allocations", body, got)
		}
	}
}

func FuzzPick(f *testing.F) {
	for _, tc := range pickCases {
		f.Add([]byte(tc.body), tc.track)
	}
	f.Fuzz(func(t *testing.T, body []byte, track uint8) {
		sealed, sealErr := flv.Seal(relay.Audio, 7, body)
		before := bytes.Clone(body)
		p, ok := flv.Pick(&sealed, track)
		switch {
		case !bytes.Equal(before, body):
			t.Fatal("the body was changed")
		case !ok:
			return
		case sealErr != nil:
			t.Fatalf("picked %q of what Seal refuses: %v", p.Body, sealErr)
		}
		again, err := flv.Seal(relay.Audio, 7, p.Body)
		if err != nil || again.Slot != p.Slot || p.DTS != 7 {
			t.Fatalf("picked %+v, sealed again %+v, %v", p, again, err)
		}
		if once, ok := flv.Pick(p, 0); !ok || once != p {
			t.Fatalf("%q is not the tag of an only track", p.Body)
		}
	})
}
