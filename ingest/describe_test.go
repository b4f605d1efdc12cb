package ingest_test

import (
	"encoding/hex"
	"testing"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// hvcC is what x265 wrote for 320x180 at 25 frames a second, Main, without its SEI.
func hvcC(tb testing.TB) []byte {
	tb.Helper()
	b, err := hex.DecodeString("0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c" +
		"959809a10001002b42010101600000030090000003000003003ca00a080b9f796566924caf016808000003000800000300c840a2000100074401c172b46240")
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// described waits for what the relay says of a publisher's media.
func described(t *testing.T, h *house, want relay.Media) {
	t.Helper()
	var got relay.Media
	relaytest.Eventually(t, soon, "a description", func() bool {
		if p := h.hub.Stream("main").Status().Publisher; p != nil {
			got = p.Media
		}
		return got.Video.Codec == want.Video.Codec && got.Audio.Codec == want.Audio.Codec
	})
	if want.Encoder == "" {
		got.Encoder = ""
	}
	if got != want {
		t.Errorf("described as %+v, want %+v", got, want)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	hevc := relay.VideoTrack{Codec: "HEVC", Profile: "Main", Width: 320, Height: 180, FPS: 25}
	init := func(kind relay.Kind, body string) relay.Packet { return relay.Packet{Kind: kind, Body: []byte(body)} }
	const meta = "\x02\x00\x0aonMetaData\x08\x00\x00\x00\x00\x00\x09framerate\x00\x40\x3e\x00\x00\x00\x00\x00\x00" +
		"\x00\x07encoder\x02\x00\x05o\nb\xffs\x00\x00\x09" // 30 frames a second
	for name, tc := range map[string]struct {
		packets []relay.Packet
		want    relay.Media
	}{
		"H.264 and AAC of ffmpeg": {readFile(t, source(t)), relay.Media{
			Video: relay.VideoTrack{Codec: "H.264", Profile: "High", Width: 640, Height: 360, FPS: 30},
			Audio: relay.AudioTrack{Codec: "AAC", Rate: 48000, Channels: 2},
		}},
		"HEVC, enhanced": {[]relay.Packet{init(relay.Video, "\x90hvc1"+string(hvcC(t)))}, relay.Media{Video: hevc}},
		"HEVC, legacy":   {[]relay.Packet{init(relay.Video, "\x1c\x00\x00\x00\x00"+string(hvcC(t)))}, relay.Media{Video: hevc}},
		"HEVC as a track": {[]relay.Packet{init(relay.Video, "\x96\x00hvc1\x00"+string(hvcC(t)))},
			relay.Media{Video: hevc}},
		"what nobody here knows": {[]relay.Packet{init(relay.Video, "\x90zz\x01\nconfig"), init(relay.Audio, "\x90Opusx")},
			relay.Media{Video: relay.VideoTrack{Codec: "zz"}, Audio: relay.AudioTrack{Codec: "Opus"}}},
		"a broken header": {[]relay.Packet{init(relay.Video, "\x17\x00\x00\x00\x00\x01\x64"), init(relay.Audio, "\xaf\x00")},
			relay.Media{Video: relay.VideoTrack{Codec: "H.264"}, Audio: relay.AudioTrack{Codec: "AAC"}}},
		"metadata fills in": {[]relay.Packet{
			init(relay.Script, meta),
			init(relay.Video, "\x90av01x")},
			relay.Media{Video: relay.VideoTrack{Codec: "AV1", FPS: 30}, Encoder: "obs"}},
		"the header knows better": {[]relay.Packet{
			init(relay.Video, "\x90hvc1"+string(hvcC(t))),
			init(relay.Script, meta),
			init(relay.Audio, "\x90Opusx")},
			relay.Media{Video: hevc, Audio: relay.AudioTrack{Codec: "Opus"}, Encoder: "obs"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serve(t)
			c := publisher(t, h, studioKey)
			c.write(tc.packets...)
			described(t, h, tc.want)
		})
	}
}
