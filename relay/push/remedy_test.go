package push_test

import (
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/push"
)

func TestRemedyIsTheLeast(t *testing.T) {
	long := func(bitrate int64) push.Measure {
		m := picture(1920, 1080, 60, bitrate)
		m.GOP = 8300 * time.Millisecond
		return m
	}
	hevc := picture(1920, 1080, 60, 2_000_000)
	hevc.VideoCodec = "HEVC"
	const gop = 2 * time.Second

	for _, c := range []struct {
		platform, name string
		measure        push.Measure
		want           push.Remedy
	}{
		{"twitch", "nothing is broken", fine(), push.Remedy{}},
		{"twitch", "advice is no reason", with(func(m *push.Measure) { m.GOP = 3 * time.Second }), push.Remedy{}},
		{"kick", "a weak limit is no reason", picture(1920, 1080, 60, 10_000_000), push.Remedy{}},
		{"twitch", "GOP", long(4_512_345), push.Remedy{Video: true, VideoBitrate: 4_500_000, GOP: gop}},
		{"twitch", "GOP, the bitrate at the limit", long(6_000_000), push.Remedy{Video: true, VideoBitrate: 5_700_000, GOP: gop}},
		{"twitch", "GOP, no bitrate known yet", long(0), push.Remedy{Video: true, VideoBitrate: 5_700_000, GOP: gop}},
		{"mux", "GOP, nothing known at all", long(0), push.Remedy{Video: true, GOP: gop}},
		{"kick", "GOP, and a weak limit is kept while at it", long(10_000_000), push.Remedy{Video: true, VideoBitrate: 7_600_000, GOP: gop}},
		{"twitch", "bitrate", picture(1920, 1080, 60, 8_000_000), push.Remedy{Video: true, VideoBitrate: 5_700_000, GOP: gop}},
		{"facebook", "bitrate of the rung", picture(1280, 720, 30, 5_000_000), push.Remedy{Video: true, VideoBitrate: 3_800_000, GOP: gop}},
		{"twitch", "HEVC, which needs more in H.264", hevc, push.Remedy{Video: true, VideoBitrate: 3_000_000, GOP: gop}},
		{"instagram", "size, speed and rate", picture(1080, 1920, 60, 9_000_000), push.Remedy{
			Video: true, Width: 720, Height: 1280, FPS: 30, VideoBitrate: 5_700_000,
			Audio: true, AudioRate: 44100, AudioBitrate: 128_000}},
		{"instagram", "50 fps", picture(720, 1280, 50, 4_000_000), push.Remedy{
			Video: true, FPS: 25, VideoBitrate: 4_000_000, Audio: true, AudioRate: 44100, AudioBitrate: 128_000}},
		{"youtube", "audio alone", with(func(m *push.Measure) { m.AudioBitrate = 320_000 }), push.Remedy{Audio: true, AudioBitrate: 160_000}},
		{"twitch", "Opus", with(func(m *push.Measure) { m.AudioCodec, m.AudioBitrate = "Opus", 0 }), push.Remedy{Audio: true, AudioBitrate: 128_000}},
		{"facebook", "5.1", with(func(m *push.Measure) { m.Channels = 6 }), push.Remedy{Audio: true, Channels: 2, AudioBitrate: 128_000}},
		{"youtube", "no audio", with(func(m *push.Measure) { m.HasAudio = false }), push.Remedy{Silence: true}},
	} {
		got := contract(t, c.platform).Remedy(c.measure)
		if got != c.want {
			t.Errorf("%s, %s:\n got %+v\nwant %+v", c.platform, c.name, got, c.want)
		}
		if got.Any() != (c.want != push.Remedy{}) {
			t.Errorf("%s, %s: Any is %v", c.platform, c.name, got.Any())
		}
	}
	only := push.Contract{MaxGOP: time.Second}.Remedy(long(4_000_000))
	if only.GOP != time.Second {
		t.Errorf("a contract without a wish: %+v", only)
	}
	// A panel that shows 144 Hz, and a limit that is not whole.
	for _, c := range []struct{ fps, limit, want float64 }{{144, 60, 48}, {59.94, 29.97, 30}, {60, 29.97, 30}, {120, 60, 60}} {
		if got := (push.Contract{MaxFPS: c.limit}).Remedy(push.Measure{FPS: c.fps}); got.FPS != c.want {
			t.Errorf("%v fps, at most %v: got %v, want %v", c.fps, c.limit, got.FPS, c.want)
		}
	}
}

// The limit is that of the picture the remedy leaves, not of the one that came.
func TestRemedyHasTheBitrateOfItsPicture(t *testing.T) {
	ladder := []push.Rung{
		{Height: 720, FPS: 30, Max: 4_000_000}, {Height: 720, FPS: 60, Max: 6_000_000}, {Height: 1080, FPS: 60, Max: 9_000_000},
	}
	m := picture(1920, 1080, 60, 9_000_000)
	smaller := push.Contract{MaxWidth: 1280, MaxHeight: 720, Ladder: ladder}
	if got := smaller.Remedy(m); got.VideoBitrate != 5_700_000 {
		t.Errorf("made smaller: %+v", got)
	}
	smaller.MaxFPS = 30
	if got := smaller.Remedy(m); got.VideoBitrate != 3_800_000 {
		t.Errorf("made smaller and slower: %+v", got)
	}
}

func TestEqualTroubleHasEqualRemedies(t *testing.T) {
	m := picture(1920, 1080, 60, 4_500_000)
	m.GOP = 8300 * time.Millisecond
	want := contract(t, "twitch").Remedy(m)
	for _, platform := range []string{"kick", "trovo", "youtube", "restream", "ivs", "mux", "vimeo"} {
		if got := contract(t, platform).Remedy(m); got != want {
			t.Errorf("%s needs an encode of its own: %+v, twitch's is %+v", platform, got, want)
		}
	}
}

func TestRemediesDoNotWobble(t *testing.T) {
	ivs := contract(t, "ivs")
	for _, usual := range []int64{500, 800, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000, 6000, 7000, 8000} {
		for _, percent := range []int64{96, 98, 100, 102, 104} {
			m := picture(1280, 720, 30, usual*10*percent)
			m.GOP = 8300 * time.Millisecond
			if got := ivs.Remedy(m).VideoBitrate; got != usual*1000 {
				t.Errorf("%d kb/s measured as %d %%: %d bit/s", usual, percent, got)
			}
		}
	}
}

// What a remedy leaves must keep the contract, or it would be for nothing.
func TestRemediesHelp(t *testing.T) {
	sizes := [][2]int{{640, 360}, {1280, 720}, {1920, 1080}, {1080, 1920}, {3840, 2160}, {0, 0}}
	for _, p := range push.Platforms() {
		for _, codec := range []string{"H.264", "HEVC", "VP9"} {
			for _, s := range sizes {
				for _, fps := range []float64{0, 25, 59.94, 120, 144} {
					for _, rate := range []int64{0, 700_000, 6_900_000, 80_000_000} {
						for _, gop := range []time.Duration{0, 2 * time.Second, 10 * time.Second} {
							m := picture(s[0], s[1], fps, rate)
							m.VideoCodec, m.GOP, m.Channels, m.AudioRate, m.AudioBitrate = codec, gop, 6, 32000, 400_000
							helps(t, p, m)
							m.HasAudio, m.AudioCodec, m.Channels, m.AudioRate, m.AudioBitrate = false, "", 0, 0, 0
							helps(t, p, m)
						}
					}
				}
			}
		}
	}
}

func helps(t *testing.T, p push.Platform, m push.Measure) {
	t.Helper()
	r := p.Contract.Remedy(m)
	for _, f := range p.Contract.Examine(applied(r, m)) {
		if f.Breaks {
			t.Fatalf("%s: %+v\nwas given %+v\nand still has: %s", p.Name, m, r, f.Text)
		}
	}
}

// applied is what an encoder makes of m.
func applied(r push.Remedy, m push.Measure) push.Measure {
	if r.Video {
		m.VideoCodec, m.VideoBitrate = "H.264", r.VideoBitrate
		if r.GOP > 0 {
			m.GOP = min(m.GOP, r.GOP)
		}
	}
	if r.Width > 0 {
		shrink := min(1, float64(r.Width)/float64(m.Width), float64(r.Height)/float64(m.Height))
		m.Width, m.Height = int(float64(m.Width)*shrink), int(float64(m.Height)*shrink)
	}
	if r.FPS > 0 {
		m.FPS = r.FPS
	}
	if r.Audio {
		m.AudioCodec, m.AudioBitrate = "AAC", r.AudioBitrate
	}
	if r.AudioRate > 0 {
		m.AudioRate = r.AudioRate
	}
	if r.Channels > 0 {
		m.Channels = r.Channels
	}
	m.HasAudio = m.HasAudio || r.Silence
	return m
}
