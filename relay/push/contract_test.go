package push_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/restreamd/restreamd/relay/push"
)

func TestContractIsRead(t *testing.T) {
	var got push.Contract
	err := yaml.Unmarshal([]byte(`
video_codecs: [H.264, HEVC]
max_video_bitrate: 2.5Mbps
gop: 2s
max_gop: 4500ms
max_width: 1920
max_height: 1080
max_fps: 59.94
ladder:
  - {height: 720, fps: 30, min: 1500kbps, max: 4000k}
audio_required: true
audio_codecs: [AAC]
max_audio_bitrate: 160kbps
audio_rates: [44100]
max_channels: 2
fixed_headers: true
session: 8h
weak: [max_gop]
`), &got)
	want := push.Contract{
		VideoCodecs: []string{"H.264", "HEVC"}, MaxVideoBitrate: 2_500_000, GOP: 2 * time.Second, MaxGOP: 4500 * time.Millisecond,
		MaxWidth: 1920, MaxHeight: 1080, MaxFPS: 59.94,
		Ladder:        []push.Rung{{Height: 720, FPS: 30, Min: 1_500_000, Max: 4_000_000}},
		AudioRequired: true, AudioCodecs: []string{"AAC"}, MaxAudioBitrate: 160_000, AudioRates: []int{44100}, MaxChannels: 2,
		FixedHeaders: true, Session: 8 * time.Hour, Weak: []string{"max_gop"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	// A setting that is not tested here is one that nobody can set.
	for v, i := reflect.ValueOf(got), 0; i < v.NumField(); i++ {
		if v.Type().Field(i).IsExported() && v.Field(i).IsZero() {
			t.Errorf("%s was not set", v.Type().Field(i).Name)
		}
	}
}

func TestContractExplainsMistakes(t *testing.T) {
	for _, c := range []struct {
		text, want string
		line       int
	}{
		{"gop: 2s\nmax_gob: 4s", `contract: unknown setting "max_gob" (did you mean max_gop?)`, 2},
		{"gop: 2s\nsession: 1h\ngop: 3s", "contract.gop: given twice (keep one of the two)", 3},
		{"gop: 2s\nmax_video_bitrate: 6000", "contract.max_video_bitrate: not understood (write it as in 6000kbps)", 2},
		{"max_video_bitrate: -6000kbps", "contract.max_video_bitrate: not understood (write it as in 6000kbps)", 1},
		{"gop: two", "contract.gop: not understood (write it as in 2s)", 1},
		{"gop: -2s", "contract.gop: out of range (write 100ms to 60s)", 1},
		{"max_fps: .nan", "contract.max_fps: out of range (write 1 or more)", 1},
		{"max_width: 0", "contract.max_width: out of range (write 16 to 8192)", 1},
		{"audio_rates: [48000, 0]", "contract.audio_rates: out of range (write 8000 to 96000)", 1},
		{"video_codecs: H.264", "contract.video_codecs: not understood (write it as in [one, another])", 1},
		{"ladder:\n- height: 720\n  speed: 3", `contract.ladder: unknown setting (known are fps, height, max, min)`, 3},
		{"ladder: [3]", "contract.ladder: not a list of settings (write one setting a line; known are fps, height, max, min)", 1},
		{"weak: [gob]", `contract.weak: unknown setting "gob" (did you mean gop?)`, 1},
		{"weak: [live_s3cret]", `contract.weak: unknown setting (known are audio_codecs, `, 1},
		{"live_s3cret: 1", `contract: unknown setting (known are audio_codecs, `, 1},
		{"gop: 2s\nmax_gop: 61s", "contract.max_gop: out of range (write 100ms to 60s)", 2},
		{"gop: 99ms", "contract.gop: out of range (write 100ms to 60s)", 1},
		{"max_fps: 0.5", "contract.max_fps: out of range (write 1 or more)", 1},
		{"max_fps: .inf", "contract.max_fps: out of range (write 1 or more)", 1},
		{"max_width: 15", "contract.max_width: out of range (write 16 to 8192)", 1},
		{"max_height: 8193", "contract.max_height: out of range (write 16 to 8192)", 1},
		{"max_video_bitrate: 9kbps", "contract.max_video_bitrate: out of range (write 10kbps or more)", 1},
		{"max_audio_bitrate: 7kbps", "contract.max_audio_bitrate: out of range (write 8kbps or more)", 1},
		{"audio_rates: [48000, 96001]", "contract.audio_rates: out of range (write 8000 to 96000)", 1},
		{"max_channels: 9", "contract.max_channels: out of range (write 1 to 8)", 1},
		{"session: 1ms", "contract.session: out of range (write 1s or more)", 1},
		{"ladder:\n- {height: 720}\n- height: 1", "contract.ladder.height: out of range (write 16 to 8192)", 3},
		{"ladder: [{fps: 0}]", "contract.ladder.fps: out of range (write 1 or more)", 1},
		{"ladder: [{max: 1kbps}]", "contract.ladder.max: out of range (write 10kbps or more)", 1},
		{"ladder: [{min: 1kbps}]", "contract.ladder.min: out of range (write 10kbps or more)", 1},
		{`video_codecs: [H.264, "\e[2J"]`, "contract.video_codecs: not the name of a codec (write it as in H.264 or AAC)", 1},
		{`audio_codecs: [""]`, "contract.audio_codecs: not the name of a codec (write it as in H.264 or AAC)", 1},
		{"video_codecs: [" + strings.Repeat("a", 33) + "]", "contract.video_codecs: not the name of a codec (write it as in H.264 or AAC)", 1},
		{"audio_codecs: [" + strings.Repeat("a,", 101) + "]", "contract.audio_codecs: a list of 101, at most 100 are read", 1},
		{"[gop, 2s]", "contract: not a list of settings (write one setting a line; known are audio_codecs, ", 1},
	} {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(c.text), &node); err != nil {
			t.Fatal(err)
		}
		err := node.Content[0].Decode(new(push.Contract))
		var mistake *push.Error
		if !errors.As(err, &mistake) || !strings.HasPrefix(err.Error(), c.want) || mistake.Line != c.line {
			t.Errorf("%q:\n got %+v\nwant %s, line %d", c.text, err, c.want, c.line)
		}
		if strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("%q: the error shows what may be a key: %v", c.text, err)
		}
	}
}

func TestOverride(t *testing.T) {
	kick := contract(t, "kick")
	got := kick.Override(push.Contract{MaxVideoBitrate: 5_000_000, AudioRequired: true})
	if got.MaxVideoBitrate != 5_000_000 || !got.AudioRequired || got.GOP != 2*time.Second {
		t.Errorf("overridden: %+v", got)
	}
	// What a person sets is meant, and is still told in the platform's name.
	findings := got.Examine(push.Measure{HasVideo: true, VideoBitrate: 7_000_000})
	if len(findings) != 2 || !findings[0].Breaks || !strings.Contains(findings[0].Text, "kick takes at most 5000 kb/s") {
		t.Errorf("findings: %+v", findings)
	}
	if again := got.Override(push.Contract{MaxVideoBitrate: 4_000_000, Weak: []string{"max_video_bitrate"}}); len(again.Weak) != 1 {
		t.Errorf("a limit that was said to be weak is not: %q", again.Weak)
	}
	if again := kick.Override(got); !reflect.DeepEqual(again, got) {
		t.Errorf("twice is not once: %+v", again)
	}
	if kick := contract(t, "kick"); kick.MaxVideoBitrate != 8_000_000 || len(kick.Weak) != 1 {
		t.Errorf("the platform itself was changed: %+v", kick)
	}
	if got := kick.Override(push.Contract{}); !reflect.DeepEqual(got, kick) {
		t.Errorf("nothing changed something: %+v", got)
	}
}

func contract(t *testing.T, platform string) push.Contract {
	t.Helper()
	p, found := push.Lookup(platform)
	if !found {
		t.Fatalf("no platform %s", platform)
	}
	return p.Contract
}
