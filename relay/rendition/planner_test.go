package rendition_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/rendition"
)

// p1080 is a source everybody knows.
func p1080(string) (int, int, float64) { return 1920, 1080, 30 }

func request(name string, height int, who string) rendition.Request {
	return rendition.Request{Stream: "main", Name: name, Settings: rendition.Settings{Height: height}, For: who}
}

func cores(height int) float64 { return rendition.Settings{Height: height}.Cores(p1080("")) }

// running are the names of what runs, and refused of those who were refused.
func running(p rendition.Plan) string {
	var names []string
	for _, e := range p.Encoders {
		names = append(names, e.Name)
	}
	return strings.Join(names, " ")
}

func refused(p rendition.Plan) string {
	var who []string
	for _, r := range p.Refused {
		who = append(who, r.Request.For)
	}
	return strings.Join(who, " ")
}

// Each step is one plan of the same planner: what is asked for, and what comes of it.
func TestPlanner(t *testing.T) {
	type step struct {
		ask     []rendition.Request
		runs    string
		refuses string
	}
	hls, push, low := request("720p", 720, "hls"), request("720p", 720, "push/twitch"), request("480p", 480, "hls")
	big := request("", 0, "push/big")
	room := cores(720) + cores(480)
	for name, c := range map[string]struct {
		budget float64
		steps  []step
	}{
		"equal needs share": {room, []step{
			{[]rendition.Request{hls, push, low}, "main@720p main@480p", ""},
			{[]rendition.Request{push, low}, "main@720p main@480p", ""},
			{[]rendition.Request{low}, "main@480p", ""},
			{nil, "", ""},
		}},
		"the newest is refused, all that share it, and let in later": {cores(720), []step{
			{[]rendition.Request{hls}, "main@720p", ""},
			{[]rendition.Request{low, request("480p", 480, "push/x"), hls}, "main@720p", "hls push/x"},
			{[]rendition.Request{low}, "main@480p", ""},
			{[]rendition.Request{hls, low}, "main@480p", "hls"},
		}},
		"an older one waits, a smaller one that fits does not": {cores(480), []step{
			{[]rendition.Request{big, low}, "main@480p", "push/big"},
		}},
		"of two that wait the older is let in": {cores(720), []step{
			{[]rendition.Request{hls}, "main@720p", ""},
			{[]rendition.Request{hls, low}, "main@720p", "hls"},
			{[]rendition.Request{request("540p", 540, "push/x"), low, hls}, "main@720p", "hls push/x"},
			{[]rendition.Request{request("540p", 540, "push/x"), low}, "main@480p", "push/x"},
		}},
		"without a budget nothing runs": {0, []step{{[]rendition.Request{low}, "", "hls"}}},
		"a configured name is preferred, then kept": {room, []step{
			{[]rendition.Request{request("", 720, "push/y"), hls}, "main@720p", ""},
			{[]rendition.Request{request("", 720, "push/y")}, "main@720p", ""},
			{[]rendition.Request{request("hd", 720, "hls")}, "main@720p", ""},
		}},
		"unnamed": {room, []step{{[]rendition.Request{request("", 480, "push/z")}, "main@480p-1400k", ""}}},
		"names that clash": {room, []step{
			{[]rendition.Request{request("480p-1400k", 720, "hls"), request("", 480, "push/z")}, "main@480p-1400k main@480p-1400k-2", ""},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			planner := rendition.Planner{Budget: c.budget}
			for i, s := range c.steps {
				plan := planner.Plan(s.ask, p1080)
				if running(plan) != s.runs || refused(plan) != s.refuses {
					t.Errorf("step %d runs %q and refuses %q, want %q and %q", i, running(plan), refused(plan), s.runs, s.refuses)
				}
				for _, r := range s.ask {
					turnedDown := slices.ContainsFunc(plan.Refused, func(x rendition.Refusal) bool { return x.Request == r })
					if found, ok := plan.Find(r); ok == turnedDown || ok && !strings.Contains(s.runs, found) {
						t.Errorf("step %d: Find(%+v) = %q, %v", i, r, found, ok)
					}
				}
			}
		})
	}
}

func TestPlanTellsAll(t *testing.T) {
	planner := rendition.Planner{Budget: 1}
	plan := planner.Plan([]rendition.Request{
		request("720p", 720, "hls"), request("720p", 720, "push/twitch"), request("720p", 720, "hls"), request("1080p", 1080, "push/kick"),
	}, p1080)
	if len(plan.Encoders) != 1 || fmt.Sprint(plan.Encoders[0].For) != "[hls push/twitch]" || plan.Encoders[0].Stream != "main" ||
		plan.Encoders[0].Settings.Encoder != "libx264" || plan.Cores() != cores(720) {
		t.Errorf("%+v", plan.Encoders)
	}
	want := regexp.MustCompile(`^main@1080p needs about 1\.\d cores, the budget for encoding is 1\.0 and main@720p take 0\.9 of it: .*encoders\.budget$`)
	if len(plan.Refused) != 1 || !want.MatchString(plan.Refused[0].Why) || plan.Refused[0].Cores != cores(1080) {
		t.Errorf("%+v", plan.Refused)
	}
}

// The same settings of two streams are two encodes, and a source that grows throws nothing out.
func TestPlannerKnowsTheSources(t *testing.T) {
	small := func(string) (int, int, float64) { return 640, 360, 30 }
	a, b := request("720p", 720, "hls"), request("720p", 720, "hls")
	b.Stream = "side"
	planner := rendition.Planner{Budget: 1}
	if plan := planner.Plan([]rendition.Request{a, b}, small); running(plan) != "main@720p side@720p" {
		t.Fatalf("of small sources: %q", running(plan))
	}
	c := request("480p", 480, "hls")
	plan := planner.Plan([]rendition.Request{c, a, b}, p1080)
	if running(plan) != "main@720p side@720p" || refused(plan) != "hls" || plan.Cores() < 1.5 {
		t.Errorf("when they grow: %q, %.1f cores", running(plan), plan.Cores())
	}
}

// What was admitted while its source was off air finds its room, or does not, when the source is known; what is off air
// takes none from what is live.
func TestPlannerOffAir(t *testing.T) {
	size := map[string]int{}
	known := func(stream string) (int, int, float64) { return size[stream] * 16 / 9, size[stream], 30 }
	a, b := request("720p", 720, "hls"), request("720p", 720, "hls")
	b.Stream = "side"
	planner := rendition.Planner{Budget: cores(720)}
	if plan := planner.Plan([]rendition.Request{a, b}, known); running(plan) != "main@720p side@720p" || plan.Cores() != 0 {
		t.Errorf("off air: %q, %.1f cores", running(plan), plan.Cores())
	}
	size["side"] = 1080
	if plan := planner.Plan([]rendition.Request{a, b}, known); running(plan) != "main@720p side@720p" || plan.Cores() != cores(720) {
		t.Errorf("the second is live: %q, %.1f cores", running(plan), plan.Cores())
	}
	size["main"] = 1080
	if plan := planner.Plan([]rendition.Request{a, b}, known); running(plan) != "side@720p" || refused(plan) != "hls" {
		t.Errorf("both are live: %q, refused %q", running(plan), refused(plan))
	}
	size["side"] = 0
	if plan := planner.Plan([]rendition.Request{a, b}, known); running(plan) != "main@720p side@720p" {
		t.Errorf("the second is over: %q", running(plan))
	}
}

func TestCores(t *testing.T) {
	s := rendition.Settings{Height: 720}
	base := s.Cores(1920, 1080, 30)
	if base < 0.7 || base > 1.1 {
		t.Errorf("1080p30 to 720p30 takes %.2f cores, measured were 0.82 to 0.99", base)
	}
	if unknown := s.Cores(0, 0, 0); unknown != base {
		t.Errorf("of unknown size %.2f, of 1080p30 %.2f", unknown, base)
	}
	for name, less := range map[string]float64{
		"smaller source":   s.Cores(1280, 720, 30),
		"smaller bound":    rendition.Settings{Height: 480}.Cores(1920, 1080, 30),
		"fewer frames":     rendition.Settings{Height: 720, FPS: 15}.Cores(1920, 1080, 30),
		"faster preset":    rendition.Settings{Height: 720, Preset: "superfast"}.Cores(1920, 1080, 30),
		"hardware":         rendition.Settings{Height: 720, Encoder: "h264_vaapi"}.Cores(1920, 1080, 30),
		"copied":           rendition.Settings{CopyVideo: true}.Cores(1920, 1080, 30),
		"not enlarged":     rendition.Settings{Height: 720}.Cores(640, 360, 30),
		"no more than has": rendition.Settings{Height: 720, FPS: 60}.Cores(1920, 1080, 15),
	} {
		if less >= base*0.9 || less <= 0 {
			t.Errorf("%s: %.2f cores, more than nine tenths of %.2f", name, less, base)
		}
	}
	for name, more := range map[string]float64{
		"more frames":   s.Cores(1920, 1080, 60),
		"slower preset": rendition.Settings{Height: 720, Preset: "medium"}.Cores(1920, 1080, 30),
		"portrait":      rendition.Settings{Width: 720}.Cores(1080, 1920, 30),
	} {
		if more < base*0.99 || more > base*3 {
			t.Errorf("%s: %.2f cores, of %.2f", name, more, base)
		}
	}
}

func TestName(t *testing.T) {
	for want, s := range map[string]rendition.Settings{
		"source-4500k":                 {},
		"720p30-3000k":                 {Height: 720, FPS: 30},
		"1280x720p29d97-2500001bit":    {Width: 1280, Height: 720, FPS: 29.97, VideoBitrate: 2_500_001},
		"640w-800k-gop2s":              {Width: 640, GOP: 2 * time.Second},
		"720p60-4500k-nvenc-p5":        {Height: 720, FPS: 60, Encoder: "h264_nvenc", Preset: "p5"},
		"copy-a160k-44100hz-1ch":       {CopyVideo: true, Height: 720, AudioBitrate: 160_000, AudioRate: 44_100, Channels: 1},
		"360p-800k-fast-acopy":         {Height: 360, Preset: "fast", CopyAudio: true, Channels: 6},
		"source-4500k-gop1500000000ns": {GOP: 1500 * time.Millisecond, Encoder: "libx264", Preset: "veryfast", AudioRate: 48_000},
	} {
		if got := s.Name(); got != want {
			t.Errorf("%+v: %q, want %q", s, got, want)
		}
	}
}

// Needs have the same name exactly when they share an encode.
func FuzzName(f *testing.F) {
	f.Add(0, 720, 30.0, int64(0), int64(0), uint8(0), 0, 0, 0, 720, 30.0, int64(3_000_000), int64(0), uint8(0), 48_000, 2)
	f.Add(1280, 0, 29.97, int64(1), int64(2e9), uint8(3), 44_100, 1, 1280, 0, 2997.0, int64(1), int64(2e9), uint8(3), 44_100, 6)
	f.Fuzz(func(t *testing.T, w1, h1 int, fps1 float64, b1, g1 int64, k1 uint8, r1, c1 int, w2, h2 int, fps2 float64, b2, g2 int64, k2 uint8, r2, c2 int) {
		make := func(w, h int, fps float64, bitrate, gop int64, kind uint8, rate, channels int) rendition.Settings {
			encoders := append(rendition.Encoders(), "")
			return rendition.Settings{
				Width: w, Height: h, FPS: fps, VideoBitrate: bitrate, GOP: time.Duration(gop),
				Encoder: encoders[int(kind>>2)%len(encoders)], CopyVideo: kind&1 != 0, CopyAudio: kind&2 != 0, AudioRate: rate, Channels: channels,
			}
		}
		a, b := make(w1, h1, fps1, b1, g1, k1, r1, c1), make(w2, h2, fps2, b2, g2, k2, r2, c2)
		if a.Validate() != nil || b.Validate() != nil {
			return
		}
		planner := rendition.Planner{Budget: 1e9}
		plan := planner.Plan([]rendition.Request{{Stream: "s", Settings: a}, {Stream: "s", Settings: b}}, p1080)
		if shared := len(plan.Encoders) == 1; shared != (a.Name() == b.Name()) {
			t.Errorf("%q and %q; shared: %v; %+v, %+v", a.Name(), b.Name(), shared, a, b)
		}
		if !regexp.MustCompile(`^[A-Za-z0-9-]+$`).MatchString(a.Name()) {
			t.Errorf("%q does not fit into a stream's name", a.Name())
		}
	})
}
