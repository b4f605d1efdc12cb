package push_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/push"
)

// fine is a stream that every platform but the upright one takes as it is.
func fine() push.Measure {
	return push.Measure{
		HasVideo: true, VideoCodec: "H.264", VideoProfile: "High", Width: 1280, Height: 720, FPS: 30,
		GOP: 2 * time.Second, VideoBitrate: 4_000_000,
		HasAudio: true, AudioCodec: "AAC", AudioRate: 48000, Channels: 2, AudioBitrate: 128_000,
		On: time.Hour,
	}
}

// with is fine but for what change does.
func with(change func(*push.Measure)) push.Measure {
	m := fine()
	change(&m)
	return m
}

func picture(width, height int, fps float64, bitrate int64) push.Measure {
	return with(func(m *push.Measure) { m.Width, m.Height, m.FPS, m.VideoBitrate = width, height, fps, bitrate })
}

func TestAdviceFollowedHasNoFindings(t *testing.T) {
	for _, p := range push.Platforms() {
		if p.Name != "instagram" {
			check(t, p.Name, "a stream that suits all", fine())
		}
		check(t, p.Name, "nothing known", push.Measure{HasVideo: true, HasAudio: true})
		check(t, p.Name, "nothing yet", push.Measure{})
	}
	obs := picture(1920, 1080, 59.94, 6_100_000)
	obs.GOP, obs.AudioBitrate, obs.On = 2100*time.Millisecond, 328_000, 40*time.Hour
	check(t, "twitch", "as twitch says, measured", obs)
	check(t, "youtube", "as youtube says", picture(1920, 1080, 60, 12_000_000))
	check(t, "youtube", "as youtube says, a bit less", picture(3840, 2160, 60, 31_000_000))
	check(t, "youtube", "as youtube allows", picture(3840, 2160, 60, 55_000_000))
	hevc := picture(2560, 1440, 60, 9_000_000)
	hevc.VideoCodec = "HEVC"
	check(t, "youtube", "HEVC, which needs less than the ladder says", hevc)
	check(t, "facebook", "720p30, the upper end", picture(1280, 720, 30, 4_400_000))
	check(t, "facebook", "upright", picture(1080, 1920, 60, 9_000_000))
	check(t, "facebook", "small", picture(640, 360, 30, 800_000))
	upright := picture(720, 1280, 29.97, 4_000_000)
	upright.AudioRate = 44100
	check(t, "instagram", "as instagram says", upright)
	check(t, "kick", "as kick says", picture(1920, 1080, 60, 8_000_000))
}

func TestExamine(t *testing.T) {
	obsDefault := picture(1280, 720, 30, 2_500_000)
	obsDefault.GOP = 8300 * time.Millisecond
	codec := func(name string) push.Measure { return with(func(m *push.Measure) { m.VideoCodec = name }) }
	gop := func(d time.Duration) push.Measure { return with(func(m *push.Measure) { m.GOP = d }) }
	silent := with(func(m *push.Measure) {
		m.HasAudio, m.AudioCodec, m.AudioRate, m.Channels, m.AudioBitrate = false, "", 0, 0, 0
	})
	on := func(d time.Duration) push.Measure { return with(func(m *push.Measure) { m.On = d }) }

	// An exclamation mark is a finding that breaks the contract.
	for _, c := range []struct {
		platform, name string
		measure        push.Measure
		want           []string
	}{
		{"twitch", "OBS as it comes", obsDefault, []string{"gop_too_long!"}},
		{"youtube", "OBS as it comes", obsDefault, []string{"gop_too_long!", "video_bitrate_low"}},
		{"facebook", "OBS as it comes", obsDefault, []string{"gop_too_long!"}},
		{"twitch", "3 s of GOP", gop(3 * time.Second), []string{"gop_too_long"}},
		{"twitch", "4.4 s of GOP", gop(4400 * time.Millisecond), []string{"gop_too_long"}},
		{"twitch", "4.6 s of GOP", gop(4600 * time.Millisecond), []string{"gop_too_long!"}},
		{"x", "3 s of GOP", gop(3 * time.Second), nil},
		{"twitch", "8 Mb/s", picture(1920, 1080, 60, 8_000_000), []string{"video_bitrate_high!"}},
		{"kick", "10 Mb/s, from memory", picture(1920, 1080, 60, 10_000_000), []string{"video_bitrate_high"}},
		{"twitch", "HEVC", codec("HEVC"), []string{"video_codec!"}},
		{"youtube", "HEVC", codec("HEVC"), nil},
		{"youtube", "VP9", codec("VP9"), []string{"video_codec!"}},
		{"kick", "HEVC, of which nobody knows", codec("HEVC"), nil},
		{"youtube", "no audio", silent, []string{"no_audio!"}},
		{"twitch", "no audio", silent, nil},
		{"facebook", "720p30 at 5 Mb/s", picture(1280, 720, 30, 5_000_000), []string{"video_bitrate_high!"}},
		{"facebook", "720p60 at 5 Mb/s", picture(1280, 720, 60, 5_000_000), nil},
		{"facebook", "1080p60 at 3 Mb/s", picture(1920, 1080, 60, 3_000_000), []string{"video_bitrate_low"}},
		{"facebook", "more than any rung", picture(2560, 1440, 60, 12_000_000), []string{"video_bitrate_high!"}},
		{"youtube", "more than advised", picture(1280, 720, 60, 10_000_000), []string{"video_bitrate_high"}},
		{"youtube", "more than allowed, advice or not", picture(1280, 720, 60, 60_000_000), []string{"video_bitrate_high!"}},
		{"instagram", "OBS as it comes", obsDefault, []string{"not_upright", "audio_rate!"}},
		{"instagram", "too large and fast", picture(1080, 1920, 60, 4_000_000), []string{"size_too_large!", "fps_too_high!", "audio_rate!"}},
		{"x", "120 fps", picture(1280, 720, 120, 4_000_000), []string{"fps_too_high!"}},
		{"facebook", "5.1", with(func(m *push.Measure) { m.Channels = 6 }), []string{"audio_channels!"}},
		{"twitch", "Opus", with(func(m *push.Measure) { m.AudioCodec = "Opus" }), []string{"audio_codec!"}},
		{"twitch", "32 kHz", with(func(m *push.Measure) { m.AudioRate = 32000 }), []string{"audio_rate!"}},
		{"youtube", "320 kb/s", with(func(m *push.Measure) { m.AudioBitrate = 320_000 }), []string{"audio_bitrate_high!"}},
		{"x", "160 kb/s", with(func(m *push.Measure) { m.AudioBitrate = 160_000 }), []string{"audio_bitrate_high"}},
		{"youtube", "11 h 29", on(11*time.Hour + 29*time.Minute), nil},
		{"youtube", "11 h 31", on(11*time.Hour + 31*time.Minute), []string{"session_long"}},
	} {
		check(t, c.platform, c.name, c.measure, c.want...)
	}
}

func TestUprightPicturesAreHeldToTheSizeTurned(t *testing.T) {
	hd := push.Contract{MaxWidth: 1920, MaxHeight: 1080}
	if got := hd.Examine(push.Measure{Width: 1080, Height: 1920}); len(got) > 0 {
		t.Errorf("it fits: %+v", got)
	}
	got := hd.Examine(push.Measure{Width: 1440, Height: 2560})
	if len(got) != 1 || got[0].Text != "the picture is 1440x2560; the platform takes at most 1080x1920" {
		t.Errorf("it is too large: %+v", got)
	}
}

func check(t *testing.T, platform, name string, m push.Measure, want ...string) {
	t.Helper()
	var got []string
	for _, f := range contract(t, platform).Examine(m) {
		code := f.Code
		if f.Breaks {
			code += "!"
		}
		got = append(got, code)
		if f.Text == "" || f.Fix == "" || strings.Contains(f.Text+f.Fix, "%!") {
			t.Errorf("%s, %s: a finding without words: %+v", platform, name, f)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s, %s: got %q, want %q", platform, name, got, want)
	}
}

func TestFindingsSayWhatToChange(t *testing.T) {
	m := picture(1280, 720, 30, 5_012_345)
	m.GOP, m.VideoCodec, m.AudioRate, m.On = 8300*time.Millisecond, "H.264", 48000, 7*time.Hour+45*time.Minute
	m.AudioBitrate, m.Channels = 320_000, 6
	got, err := json.MarshalIndent(contract(t, "facebook").Examine(m), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `[
 {
  "code": "gop_too_long",
  "breaks": true,
  "text": "a keyframe every 8.3 s; facebook wants 2 s, at most 4 s",
  "fix": "Settings, Output, Streaming: Keyframe Interval 2 s"
 },
 {
  "code": "video_bitrate_high",
  "breaks": true,
  "text": "5012 kb/s of video; facebook takes at most 4000 kb/s at 720p30",
  "fix": "Settings, Output, Streaming: Video Bitrate 4000 Kbps"
 },
 {
  "code": "audio_channels",
  "breaks": true,
  "text": "6 channels of audio; facebook takes at most 2",
  "fix": "Settings, Audio: Channels Stereo"
 },
 {
  "code": "audio_bitrate_high",
  "breaks": true,
  "text": "320 kb/s of audio; facebook takes at most 256 kb/s",
  "fix": "Settings, Output: Audio Bitrate 256"
 },
 {
  "code": "session_long",
  "breaks": false,
  "text": "on air for 7 h 45 min; after 8 h facebook ends the show or keeps no recording of it",
  "fix": "stop and start again before then, at a moment of your choice"
 }
]`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
	nameless := push.Contract{MaxFPS: 30}.Examine(push.Measure{FPS: 60})
	if len(nameless) != 1 || nameless[0].Text != "60 frames a second; the platform takes at most 30" {
		t.Errorf("of no platform: %+v", nameless)
	}
}
